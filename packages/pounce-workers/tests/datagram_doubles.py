"""Clients, endpoints and members for the tests of datagrams."""

from __future__ import annotations

import asyncio
import socket
import threading
from typing import TYPE_CHECKING, Any

from pounce_asgi import DatagramPath

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi import Datagram, DatagramLink

__all__ = ["EchoEndpoint", "FakeMember", "client", "some_path"]


def some_path(port: int = 9, place: int = 0) -> DatagramPath:
    return DatagramPath(("192.0.2.1", port), ("198.51.100.1", 443), ("192.0.2.1", port), b"", place)


def client(address: Any, *, host: str | None = None) -> socket.socket:
    """A connected UDP socket: it hears nobody but the address that it asks."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    if host is not None:
        sock.bind((host, 0))
    sock.connect(address[:2])
    sock.settimeout(5.0)
    return sock


class FakeMember:
    """Remembers what it was given."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.given: list[Datagram] = []

    def hand_over(self, datagrams: Sequence[Datagram], /) -> None:
        with self._lock:
            self.given.extend(datagrams)


class EchoEndpoint:
    """Keeps to `pounce_asgi.DatagramEndpoint`: what comes goes back, reversed.

    Eight bytes behind the first are an ID, which with ``N`` before it may begin a connection; what is nobody's is kept
    in ``strays``.
    """

    def __init__(self, link: DatagramLink) -> None:
        self.link = link
        self.ids: set[bytes] = set()
        self.batches: list[list[Datagram]] = []
        self.forwarded = 0
        self.strays: list[bytes] = []
        self.expired: list[float] = []
        self.accepting = True
        self.open_handshakes = 0
        self.next_timer = None
        self.heard = asyncio.Event()

    @property
    def connections(self) -> int:
        return len(self.ids)

    def receive(self, batch: Sequence[Datagram], now: float, *, forwarded: bool = False) -> None:
        self.batches.append(list(batch))
        self.forwarded += len(batch) * forwarded
        answers = []
        for data, path in batch:
            connection_id = data[1:9]
            if connection_id not in self.ids:
                new = data[:1] == b"N"
                if not forwarded and self.link.pass_on(connection_id, [(data, path)], new=new):
                    continue
                if not (new and self.accepting):
                    self.strays.append(data)
                    continue
                self.ids.add(connection_id)
                self.link.claim(connection_id)
            answers.append((data[::-1], path))
        if answers:
            self.link.send(answers)
        self.heard.set()

    def expire(self, now: float) -> None:
        self.expired.append(now)
        self.heard.set()

    def begin_drain(self) -> None:
        self.accepting = False

    def give_up(self) -> None:
        for connection_id in self.ids:
            self.link.release(connection_id)
        self.ids.clear()
