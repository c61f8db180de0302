"""Values of Host fields."""

from __future__ import annotations

import pytest

from pounce_middleware.host_value import parse_host

GOOD = [
    ("example.com", "example.com", None),
    ("EXAMPLE.com:8443", "example.com", 8443),
    ("example.com.", "example.com", None),
    ("example.com:", "example.com", None),
    ("my_service", "my_service", None),
    ("127.0.0.1:80", "127.0.0.1", 80),
    ("[2001:DB8:0::1]", "2001:db8::1", None),
    ("[::1]:65535", "::1", 65535),
]
BAD = [
    *(
        "",
        " ",
        "a b",
        "a/b",
        "a@b",
        "user@example.com",
        "a,b",
        "a:b",
        "a:65536",
        "a:-1",
        "a:+1",
        "[::1",
        "::1",
        "[::g]",
    ),
    *("[127.0.0.1]", "a..b", "a%2fb", "a\r\nb", "a\x00", "é", ".example.com", "-a", "a" * 262, "[::1%eth0]", "[::1]x"),
    *("a:\u0661", "a..", "9..:80", ".", ".."),
]


@pytest.mark.parametrize(("text", "name", "port"), GOOD)
def test_parts(text: str, name: str, port: int | None) -> None:
    assert parse_host(text) == (name, port)


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_host(text: str) -> None:
    assert parse_host(text) is None


@pytest.mark.parametrize(("text", "name", "port"), GOOD)
def test_written_again(text: str, name: str, port: int | None) -> None:
    assert parse_host(str(parse_host(text))) == (name, port)
