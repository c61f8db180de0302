from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pounce_compression import UrlPattern

CASES = [
    ("/app.js", b"/app.js", True),
    ("/app.js", b"/app.js.map", False),
    ("/app.*.js", b"/app.1234.js", True),
    ("/app.*.js", b"/app.js", False),
    ("/app.*.js", b"/app..js", True),
    ("/app.*.js", b"/app.1/2.js", True),
    ("/static/*", b"/static/", True),
    ("/static/*", b"/static", False),
    ("/*/x/*.js", b"/a/x/b/x/c.js", True),
    ("/*ab", b"/ab", True),
    ("/ab*ab", b"/ab", False),
    ("/a**b", b"/ab", True),
    (r"/a\*b", b"/a*b", True),
    (r"/a\*b", b"/axb", False),
    (r"/\(x\)", b"/(x)", True),
]


@pytest.mark.parametrize(("pattern", "path", "wanted"), CASES)
def test_the_table(pattern: str, path: bytes, wanted: bool) -> None:
    assert UrlPattern(pattern).matches(path) is wanted


@settings(deadline=None)
@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
def test_stars_are_runs_of_anything(pattern: str, path: str) -> None:
    judge = re.compile("/" + ".*".join(map(re.escape, pattern.split("*"))))
    assert UrlPattern("/" + pattern).matches(b"/" + path.encode()) is (judge.fullmatch("/" + path) is not None)


LESS_LIKELY = ["/a\\", '/a\\"', "/" + "a" * 1024, "/" + "*a" * 9]


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "app.js",
        "https://other/app.js",
        "/(a+)+",
        "/:name",
        "/{a}?",
        "/a+",
        "/a?b",
        "/a#b",
        '/a"b',
        "/é",
        "/a\n",
        *LESS_LIKELY,
    ],
)
def test_what_could_be_misread_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|path|supported|stars|backslash"):
        UrlPattern(pattern)


def test_no_pattern_takes_long() -> None:
    pattern = UrlPattern("/" + "a*" * 8 + "b")
    begun = time.perf_counter()
    assert not pattern.matches(b"/" + b"a" * 100_000)
    assert time.perf_counter() - begun < 1.0
