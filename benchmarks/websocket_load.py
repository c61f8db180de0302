"""A load generator that exchanges WebSocket messages: on each connection one is in flight all the time.

    python -m benchmarks.websocket_load PORT --connections 16 --seconds 4 --size 64

The frames are built before the load begins, each with a mask of its own and no two of a connection's turn alike; their
echoes are compared byte by byte. So a message costs this program two system calls and little else, which is a fraction
of what it costs any server that runs an application.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import gc
import json
import random
import select
import sys
import time
from array import array
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks.generator import LoadReport
from benchmarks.open_loop import percentile
from benchmarks.websocket_client import CLOSE, PING, PONG, frame, masked_frame, open_websocket

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

__all__ = ["exchange_messages"]

DIFFERENT: Final = 64
"""Messages that a connection sends before it begins anew."""
GRACE_SECONDS: Final = 5.0
"""How long after the end echoes are waited for; what is missing then is a failure."""
CLOSE_SECONDS: Final = 1.0
RECEIVE_BYTES: Final = 65536
NORMAL_CLOSURE: Final = (1000).to_bytes(2, "big")


class Exchange(NamedTuple):
    """A message on the wire."""

    sent: bytes
    echo: bytes


def exchanges(size: int, seed: int) -> list[Exchange]:
    """Messages of ``size`` bytes of text, their masks included the same for the same seed."""
    chance = random.Random(seed)
    made = []
    for _ in range(DIFFERENT):
        payload = bytes(chance.choices(range(ord(" "), 127), k=size))
        made.append(Exchange(masked_frame(payload, chance.randbytes(4)), frame(payload)))
    return made


class _Connection:
    """A WebSocket and the message that is in flight on it."""

    __slots__ = ("echo", "exchanges", "number", "pieces", "sent_at", "sock")

    def __init__(self, sock: socket.socket, exchanges: Sequence[Exchange]) -> None:
        self.sock = sock
        self.exchanges = exchanges
        self.number = 0
        self.echo = b""
        self.pieces = b""
        """The beginning of frames whose end is not here yet."""
        self.sent_at = 0.0

    def send_next(self) -> None:
        """Send the next message.

        Raises:
            OSError: the connection broke, or so little fits in that the server cannot be reading.
        """
        sent, self.echo = self.exchanges[self.number % DIFFERENT]
        self.number += 1
        self.sent_at = time.perf_counter()
        if self.sock.send(sent) != len(sent):
            raise OSError("the server does not read")

    def is_answered_by(self, data: bytes) -> bool:
        """Whether the echo is complete with this; pings between are answered.

        Raises:
            ValueError: it is something else.
        """
        self.pieces += data
        while len(self.pieces) >= 2 and self.pieces[0] & 0x0F == PING:
            end = 2 + self.pieces[1]
            if len(self.pieces) < end:
                return False
            self.sock.send(masked_frame(self.pieces[2:end], bytes(4), PONG))
            self.pieces = self.pieces[end:]
        if self.pieces.startswith(self.echo):
            self.pieces = self.pieces[len(self.echo) :]
            return True
        if not self.echo.startswith(self.pieces) and self.pieces[0] & 0x0F != PING:
            raise ValueError(f"{self.pieces!r} instead of {self.echo!r}")
        return False


class _Client:
    """All connections, and the latencies so far."""

    def __init__(self, port: int, *, connections: int, size: int, path: str) -> None:
        self.latencies = array("d")
        self.failures = 0
        self.poll = select.epoll()
        self.connections: dict[int, _Connection] = {}
        """By descriptor."""
        for number in range(connections):
            sock = open_websocket(port, path)
            sock.setblocking(False)
            self.connections[sock.fileno()] = _Connection(sock, exchanges(size, number))
            self.poll.register(sock.fileno(), select.EPOLLIN)

    def run(self, seconds: float) -> float:
        """Exchange messages; returns after how many seconds the last one was back."""
        clock, poll, connections = time.perf_counter, self.poll.poll, self.connections
        start = now = clock()
        end = start + seconds
        for descriptor in list(connections):
            self.send(descriptor)
        waiting = set(connections)
        while waiting and now < end + GRACE_SECONDS:
            for descriptor, _ in poll(0.1):
                answered = self.receive(descriptor)
                if not answered:
                    waiting.intersection_update(connections)  # it may be lost
                elif clock() < end:
                    self.send(descriptor)
                else:
                    waiting.discard(descriptor)
            now = clock()
        self.failures += len(waiting.intersection(connections))
        return now - start

    def send(self, descriptor: int) -> None:
        try:
            self.connections[descriptor].send_next()
        except OSError:
            self.lose(descriptor)

    def receive(self, descriptor: int) -> bool:
        """Read what is there; whether the message in flight is back."""
        connection = self.connections[descriptor]
        try:
            data = connection.sock.recv(RECEIVE_BYTES)
            seen = time.perf_counter()
            # Nearly always the echo and nothing else.
            if (data != connection.echo or connection.pieces) and not (data and connection.is_answered_by(data)):
                if not data:
                    self.lose(descriptor)
                return False
        except (OSError, ValueError):
            self.lose(descriptor)
            return False
        self.latencies.append(seen - connection.sent_at)
        return True

    def lose(self, descriptor: int) -> None:
        """A connection that broke, or said what it must not. None is made in its place: this is a failure."""
        self.poll.unregister(descriptor)
        self.connections.pop(descriptor).sock.close()
        self.failures += 1

    def close(self) -> None:
        """End all connections as is proper, without waiting long for servers that do not."""
        goodbye = masked_frame(NORMAL_CLOSURE, bytes(4), CLOSE)
        for connection in self.connections.values():
            with contextlib.suppress(OSError):
                connection.sock.send(goodbye)
        deadline = time.monotonic() + CLOSE_SECONDS
        for connection in self.connections.values():
            with contextlib.suppress(OSError):
                connection.sock.settimeout(max(deadline - time.monotonic(), 0.001))
                while connection.sock.recv(RECEIVE_BYTES):
                    pass
            connection.sock.close()
        self.poll.close()


def exchange_messages(port: int, *, connections: int, seconds: float, size: int, path: str = "/") -> LoadReport:
    """Exchange messages of ``size`` bytes (at most 125) with a server on this machine that sends each one back.

    Raises:
        OSError: nobody listens, or the connection broke in the handshake.
        ServerError: a handshake was not answered as it has to be.
    """
    client = _Client(port, connections=connections, size=size, path=path)
    collecting = gc.isenabled()
    gc.disable()  # its pauses would be taken for the server's
    try:
        elapsed = client.run(seconds)
    finally:
        if collecting:
            gc.enable()
        client.close()
    times = sorted(client.latencies)
    return LoadReport(requests=len(times), seconds=elapsed, p99=percentile(times, 0.99), failures=client.failures)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.websocket_load")
    parser.add_argument("port", type=int)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--size", type=int, default=64, help="bytes of a message, at most 125")
    options = parser.parse_args(arguments)
    report = exchange_messages(
        options.port, connections=options.connections, seconds=options.seconds, size=options.size
    )
    print(json.dumps(dataclasses.asdict(report)))


if __name__ == "__main__":
    main(sys.argv[1:])
