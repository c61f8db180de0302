"""Names for log lines: readable, and nothing that a client sends can forge a line."""

from __future__ import annotations

import pytest

from pounce_asgi import client_name, counted, request_name


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("GET", b"/boom", "GET /boom"),
        ("OPTIONS", b"*", "OPTIONS *"),
        ("GET", b"/caf%C3%A9?", "GET /caf%C3%A9?"),
        ("GET", b"/a\nERROR: forged", "GET /a\\x0aERROR:\\x20forged"),
        ("GET", b"/\x1b[31m\x7f\xff\\x0a", "GET /\\x1b[31m\\x7f\\xff\\x5cx0a"),
        ("G\rT", b"/", "G\\x0dT /"),
    ],
)
def test_requests(method: str, path: bytes, name: str) -> None:
    assert request_name(method, path) == name


@pytest.mark.parametrize(
    ("client", "name"),
    [
        (("127.0.0.1", 60874), "127.0.0.1:60874"),
        (("2001:db8::7", 80), "[2001:db8::7]:80"),
        (None, "a UNIX socket"),
    ],
)
def test_clients(client: tuple[str, int] | None, name: str) -> None:
    assert client_name(client) == name


def test_numbers() -> None:
    assert [counted(number, "request") for number in range(3)] == ["0 requests", "1 request", "2 requests"]
