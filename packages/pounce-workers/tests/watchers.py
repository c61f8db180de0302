"""Watchers and pairs of sockets for the tests of selectors and pollers."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Watcher:
    """Notes every call; ``news`` is set by each. What it does on being readable can be given."""

    quick = True

    def __init__(self, on_readable: Callable[[], object] | None = None) -> None:
        self.calls: list[str] = []
        self.news = asyncio.Event()
        self._on_readable = on_readable

    def on_readable(self) -> bytes | None:
        self._note("readable")
        if self._on_readable is not None:
            self._on_readable()
        return None

    def deliver(self, data: bytes, /) -> None:
        self._note("deliver")

    def put_off(self, data: bytes, /) -> None:
        self._note("put off")

    def on_writable(self) -> None:
        self._note("writable")

    def on_hang_up(self) -> None:
        self._note("hang up")

    def _note(self, what: str) -> None:
        self.calls.append(what)
        self.news.set()


@contextlib.contextmanager
def socket_pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """Two connected non-blocking UNIX sockets."""
    left, right = socket.socketpair()
    with left, right:
        left.setblocking(False)
        right.setblocking(False)
        yield left, right


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    """Two connected non-blocking TCP sockets: (the server's, the client's)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    for sock in (server, client):
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return server, client
