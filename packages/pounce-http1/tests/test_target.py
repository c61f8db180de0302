"""Targets and hosts, by themselves; the case table has them on the wire."""

from __future__ import annotations

import pytest

from pounce_http1 import InvalidTarget, UnsupportedMethod
from pounce_http1.target import Target, is_valid_host, parse_target


@pytest.mark.parametrize(
    ("method", "target", "parts"),
    [
        ("GET", b"/a?b?c", Target(b"/a", b"b?c", None)),
        ("OPTIONS", b"*", Target(b"*", b"", None)),
        ("OPTIONS", b"http://h", Target(b"*", b"", b"h")),
        ("GET", b"http://h", Target(b"/", b"", b"h")),
        ("GET", b"HTTPS://[::1]:8/a/b?c", Target(b"/a/b", b"c", b"[::1]:8")),
    ],
)
def test_forms(method: str, target: bytes, parts: Target) -> None:
    assert parse_target(method, target) == parts


@pytest.mark.parametrize("target", [b"", b"a", b"*", b"/a#b", b"/\x00", b"/\n", b"http://", b"http://u@h/", b"ws://h/"])
def test_refused(target: bytes) -> None:
    with pytest.raises(InvalidTarget):
        parse_target("GET", target)


def test_connect() -> None:
    with pytest.raises(UnsupportedMethod):
        parse_target("CONNECT", b"h:1")
    with pytest.raises(InvalidTarget):
        parse_target("CONNECT", b"/")


@pytest.mark.parametrize(
    "host", [b"h", b"h:1", b"h:", b"h:65535", b"h:00001", b"h:9999", b"[::]", b"[::1.2.3.4]:1", b"a,b"]
)
def test_valid_hosts(host: bytes) -> None:
    assert is_valid_host(host)


@pytest.mark.parametrize(
    "host",
    [b"", b":", b":1", b"h:65536", b"h:000001", b"h:x", b"h:-1", b"h\n", b"h:1\n", b"h:\xb2", b"[::1", b"[1]", b"a b"],
)
def test_invalid_hosts(host: bytes) -> None:
    assert not is_valid_host(host)
