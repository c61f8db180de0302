"""A load generator for HTTP/3: on each connection so many requests are in flight all the time.

    python -m benchmarks.quic_load PORT --connections 16 --streams 10 --seconds 4 --answer "Hello, world!"

h2load could, where it is built with ngtcp2, which Debian's is not. Only what a server spends is looked at, so it does
not matter much what this program costs; but it has to be faster than the server, or most of that is waiting.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import select
import sys
import time
from array import array
from typing import TYPE_CHECKING, Final

from benchmarks.generator import LoadReport
from benchmarks.open_loop import percentile
from benchmarks.quic_client import QuicClient, answer_of, request_bytes
from benchmarks.servers import HOST, ServerError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["ask_over_http3"]

GRACE_SECONDS: Final = 5.0
"""How long after the end answers are waited for; what is missing then is a failure."""
HANDSHAKE_SECONDS: Final = 20.0
TICK: Final = 0.005
"""Seconds between looks at the timers. Those of QUIC are longer."""


class _Connection:
    """One connection and what is in flight on it."""

    __slots__ = ("asked_at", "client")

    def __init__(self, port: int) -> None:
        self.client = QuicClient(port)
        self.asked_at: dict[int, float] = {}
        """By stream: when its request was made."""


class _Load:
    """All connections, and the latencies so far."""

    def __init__(self, port: int, *, connections: int, request: bytes, answer: bytes) -> None:
        self.request = request
        self.answer = (200, answer)
        self.latencies = array("d")
        self.failures = 0
        self.end = float("inf")
        self.poll = select.epoll()
        self.connections: dict[int, _Connection] = {}
        """By descriptor."""
        for _ in range(connections):
            connection = _Connection(port)
            descriptor = connection.client.sock.fileno()
            self.connections[descriptor] = connection
            self.poll.register(descriptor, select.EPOLLIN)
            connection.client.flush()

    def shake_hands(self) -> None:
        """Wait until all connections are there. Those that are not by then are failures."""
        deadline = time.perf_counter() + HANDSHAKE_SECONDS
        while not all(one.client.ready for one in self.connections.values()) and time.perf_counter() < deadline:
            self.turn()
        for descriptor in [number for number, one in self.connections.items() if not one.client.ready]:
            self.lose(descriptor)

    def run(self, seconds: float, streams: int) -> float:
        """Ask; returns after how many seconds the last answer was there."""
        start = time.perf_counter()
        self.end = start + seconds
        for descriptor, connection in list(self.connections.items()):
            for _ in range(streams):
                self.ask(connection)
            self.flush(descriptor)
        now = start
        while now < self.end + GRACE_SECONDS and any(one.asked_at for one in self.connections.values()):
            self.turn()
            now = time.perf_counter()
        self.failures += sum(len(one.asked_at) for one in self.connections.values())
        return now - start

    def ask(self, connection: _Connection) -> None:
        stream_id = connection.client.ask(self.request)
        connection.asked_at[stream_id] = time.perf_counter()

    def turn(self) -> None:
        """Read what is there, or wait a tick; ask anew where an answer came; see to the timers."""
        ready = self.poll.poll(TICK)
        for descriptor, _ in ready:
            self.serve(descriptor, readable=True)
        now = time.monotonic()
        for descriptor, connection in list(self.connections.items()):
            timer = connection.client.timer
            if timer is not None and timer <= now:
                self.serve(descriptor, readable=False)

    def serve(self, descriptor: int, *, readable: bool) -> None:
        connection = self.connections[descriptor]
        client = connection.client
        try:
            completed = client.receive() if readable else client.expire()
            seen = time.perf_counter()
            for stream_id, stream in completed:
                self.note(stream, seen - connection.asked_at.pop(stream_id))
                if seen < self.end:
                    self.ask(connection)
        except (OSError, ServerError):
            self.lose(descriptor)
        else:
            self.flush(descriptor)

    def note(self, stream: bytes, latency: float) -> None:
        if answer_of(stream) == self.answer:
            self.latencies.append(latency)
        else:
            self.failures += 1

    def flush(self, descriptor: int) -> None:
        try:
            self.connections[descriptor].client.flush()
        except OSError:
            self.lose(descriptor)

    def lose(self, descriptor: int) -> None:
        """A connection that broke. None is made in its place: this is a failure, and so is what was in flight."""
        self.poll.unregister(descriptor)
        connection = self.connections.pop(descriptor)
        connection.client.close()
        self.failures += max(len(connection.asked_at), 1)

    def close(self) -> None:
        for connection in self.connections.values():
            connection.client.close()
        self.poll.close()


def ask_over_http3(
    port: int, *, connections: int, streams: int, seconds: float, answer: bytes, path: str = "/"
) -> LoadReport:
    """Send GET requests to a server on this machine, whose answers are 200 with ``answer``.

    Raises:
        OSError: nobody listens.
    """
    request = request_bytes(authority=f"{HOST}:{port}", path=path)
    load = _Load(port, connections=connections, request=request, answer=answer)
    collecting = gc.isenabled()
    gc.disable()  # its pauses would be taken for the server's
    try:
        load.shake_hands()
        elapsed = load.run(seconds, streams)
    finally:
        if collecting:
            gc.enable()
        load.close()
    times = sorted(load.latencies)
    return LoadReport(requests=len(times), seconds=elapsed, p99=percentile(times, 0.99), failures=load.failures)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.quic_load")
    parser.add_argument("port", type=int)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--streams", type=int, default=10, help="requests at once on each connection")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--answer", required=True, help="the body of each answer")
    options = parser.parse_args(arguments)
    report = ask_over_http3(
        options.port,
        connections=options.connections,
        streams=options.streams,
        seconds=options.seconds,
        answer=options.answer.encode(),
    )
    print(json.dumps(dataclasses.asdict(report)))


if __name__ == "__main__":
    main(sys.argv[1:])
