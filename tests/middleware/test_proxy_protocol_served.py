"""The PROXY protocol before HTTP/1.1, over every kind of worker, with TLS and without."""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING

import pytest

from pounce_testing.fixtures import everywhere
from pounce_testing.matrix import Twins

if TYPE_CHECKING:
    from pounce_testing.fixtures import Serve
    from pounce_testing.matrix import Variant
    from pounce_testing.server import TestServer

WHO = Twins(asgi="tests.middleware.who:app", sync="tests.middleware.who:sync_app")
LINE = b"PROXY TCP4 203.0.113.9 198.51.100.1 40000 443\r\n"


def ask(server: TestServer, opening: bytes, *, tls: bool, times: int = 1) -> list[bytes]:
    """The bodies of the answers, on one connection that begins with this; empty where it is closed."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as plain:
        plain.sendall(opening)
        if tls:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with context.wrap_socket(plain, server_hostname="localhost") as sock:
                return [ask_once(sock) for _ in range(times)]
        return [ask_once(plain) for _ in range(times)]


def ask_once(sock: socket.socket) -> bytes:
    sock.sendall(b"GET /who HTTP/1.1\r\nHost: a\r\n\r\n")
    with sock.makefile("rb") as file:
        head = b"".join(iter(file.readline, b"\r\n"))
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
        return file.read(length)


@everywhere
def test_the_client_is_whom_the_proxy_names(serve: Serve, variant: Variant) -> None:
    server = serve(WHO, proxy_protocol=True)
    assert ask(server, LINE, tls=variant.tls, times=3) == [b"203.0.113.9:40000"] * 3


@pytest.mark.parametrize(
    ("opening", "settings"),
    [
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", {}),
        (b"PROXY TCP4 1.2.3.4\r\n", {}),
        (LINE, {"proxy_allow_ips": ("10.0.0.0/8",)}),
    ],
    ids=["none", "malformed", "not trusted"],
)
def test_others_are_closed(serve: Serve, opening: bytes, settings: dict[str, object]) -> None:
    server = serve(WHO.asgi, proxy_protocol=True, **settings)
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
        sock.sendall(opening)
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(1000) == b""


def test_without_the_option_it_is_a_bad_request(serve: Serve) -> None:
    server = serve(WHO.asgi)
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as sock:
        sock.sendall(LINE + b"Host: a\r\n\r\n")
        assert sock.recv(1000).startswith(b"HTTP/1.1 400 ")
