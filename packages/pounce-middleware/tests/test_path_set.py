"""Paths that something is not for."""

from __future__ import annotations

import pytest

from pounce_middleware.path_set import PathSet


def test_exact_paths_and_prefixes() -> None:
    paths = PathSet(["/metrics", "/static/*"])
    inside = ("/metrics", "/static/", "/static/a/b")
    outside = ("/metrics/", "/metricsx", "/", "/static", "")
    assert [path for path in (*inside, *outside) if path in paths] == list(inside)
    assert paths
    assert not PathSet([])
    assert "/" not in PathSet([])
    assert "/anything" in PathSet(["/*"])


def test_nobody_borrows_the_name_of_a_folder() -> None:
    paths = PathSet(["/static/*", "/a/../b"])
    outside = ("/static/../orders", "/static/a/../../orders", "/static/..", "/static/./a", "/static/.")
    inside = ("/static/.well-known/a", "/static/...", "/static/a..b/c", "/static/a/.b", "/a/../b")
    assert [path for path in (*inside, *outside) if path in paths] == list(inside)
    assert "/a/../b" in PathSet(["/*"])


@pytest.mark.parametrize("path", ["metrics", "", "*", "/a*b", "/a/*/b"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(ValueError, match="is not a path such as"):
        PathSet([path])
