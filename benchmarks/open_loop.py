"""A load generator that keeps to a timetable: what a request's latency is when the server is not at its limit.

    python -m benchmarks.open_loop PORT --rate 10000 --connections 32 --seconds 4 --answer "Hello, world!"

Requests are due at random moments (a Poisson process, as of many clients that know nothing of each other), whatever
became of those before. One that is due goes out on the connection that has been free for longest; when all are in use
it waits, and that counts: latency is from the moment it was due until all of its answer was there. So a server that
stands still for 50 ms is charged with every request of these 50 ms, not with the few that were in flight (tools that
wait for an answer before they look at the clock again leave that out, and h2load, which has ``--rps``, sends in bursts
of 10 ms).

It never sleeps and needs a core of its own. How late it was itself is reported, too: a latency near that is its own.
"""

from __future__ import annotations

import argparse
import dataclasses
import gc
import json
import math
import random
import select
import socket
import sys
import time
from array import array
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["OpenLoopReport", "Timetable", "percentile", "send_by_timetable"]

HOST: Final = "127.0.0.1"
GRACE_SECONDS: Final = 5.0
"""How long after the last request was due answers are waited for; what is missing then is a failure."""
RECEIVE_BYTES: Final = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLoopReport:
    """What was seen of the requests after the warm-up. Times in seconds."""

    requests: int
    """Answered as they have to be."""
    p50: float
    p99: float
    longest: float
    late: float
    """99 % of the requests that found a free connection were sent at most so long after they were due."""
    failures: int
    """Other answers, lost connections, and requests that had none within the grace."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """When requests are due, in seconds from the start; those before ``measured_from`` are the warm-up."""

    due: Sequence[float]
    measured_from: int
    """Index of the first one that counts."""

    @classmethod
    def at_random(cls, rate: float, *, warm_up: float, seconds: float, seed: int) -> Timetable:
        """A Poisson process of ``rate`` requests a second. The same seed gives the same moments."""
        chance = random.Random(seed)
        due = array("d")
        moment = chance.expovariate(rate)
        while moment < warm_up + seconds:
            due.append(moment)
            moment += chance.expovariate(rate)
        return cls(due, sum(1 for moment in due if moment < warm_up))


def percentile(times: Sequence[float], share: float) -> float:
    """The smallest time that at least this share of them does not exceed; ``times`` are in order. 0 of none."""
    return times[max(math.ceil(len(times) * share) - 1, 0)] if times else 0.0


class _Client:
    """Connections, what is in flight on them, and the latencies so far."""

    def __init__(self, port: int, timetable: Timetable, *, connections: int, request: bytes, answer: bytes) -> None:
        self.timetable = timetable
        self.request = request
        self.answer = answer
        self.latencies = array("d")
        self.lates = array("d")
        self.failures = 0
        self.poll = select.epoll()
        self.sockets: dict[int, socket.socket] = {}
        self.pieces: dict[int, bytes] = {}
        """Descriptor -> the beginning of an answer whose end is not here yet."""
        self.sent: dict[int, int] = {}
        """Descriptor -> the index of the request that is in flight there."""
        for _ in range(connections):
            sock = socket.create_connection((HOST, port))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setblocking(False)
            self.sockets[sock.fileno()] = sock
            self.poll.register(sock.fileno(), select.EPOLLIN)
        self.free = deque(self.sockets)

    def run(self) -> None:
        """Send all requests at their time; ends when all are answered, or after the grace."""
        clock, due, free = time.perf_counter, self.timetable.due, self.free
        total, number, held_until = len(due), 0, 0.0
        start = clock()
        last = (due[-1] if total else 0.0) + GRACE_SECONDS
        while (number < total or self.sent) and self.sockets:
            now = clock() - start
            while number < total and due[number] <= now and free:
                # Whoever was due while no connection was free is late because of the server, not because of us.
                if number >= self.timetable.measured_from and due[number] > held_until:
                    self.lates.append(now - due[number])
                self.send(number, free.popleft())
                number += 1
                now = clock() - start
            if not free:
                held_until = now
            if ready := self.poll.poll(0):
                seen = clock() - start
                for descriptor, _ in ready:
                    self.receive(descriptor, seen)
            if now > last:
                break
        self.failures += len(self.sent) + total - number

    def send(self, number: int, descriptor: int) -> None:
        self.sent[descriptor] = number
        try:
            if self.sockets[descriptor].send(self.request) != len(self.request):
                self.lose(descriptor)
        except OSError:
            self.lose(descriptor)

    def receive(self, descriptor: int, seen: float) -> None:
        """Read what is there, at a time that the poll has told; an answer may come in pieces."""
        try:
            data = self.pieces.pop(descriptor, b"") + self.sockets[descriptor].recv(RECEIVE_BYTES)
        except OSError:
            data = b""
        if not data or descriptor not in self.sent:
            self.lose(descriptor)
        elif not data.endswith(self.answer):
            self.pieces[descriptor] = data
        else:
            number = self.sent.pop(descriptor)
            self.free.append(descriptor)
            if not data.startswith(b"HTTP/1.1 200 "):
                self.failures += 1
            elif number >= self.timetable.measured_from:
                self.latencies.append(seen - self.timetable.due[number])

    def lose(self, descriptor: int) -> None:
        """A connection that broke, or said what nobody asked for. None is made in its place: this is a failure."""
        self.poll.unregister(descriptor)
        self.sockets.pop(descriptor).close()
        self.pieces.pop(descriptor, None)
        if self.sent.pop(descriptor, None) is None:
            self.free.remove(descriptor)
        self.failures += 1

    def close(self) -> None:
        for sock in self.sockets.values():
            sock.close()
        self.poll.close()


def send_by_timetable(
    port: int, timetable: Timetable, *, connections: int, answer: bytes, path: str = "/"
) -> OpenLoopReport:
    """Send GET requests to a server on this machine at their time and wait for the answers, which end with ``answer``.

    Raises:
        OSError: nobody listens.
    """
    request = f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\n\r\n".encode("ascii")
    client = _Client(port, timetable, connections=connections, request=request, answer=answer)
    collecting = gc.isenabled()
    gc.disable()  # its pauses would be taken for the server's
    try:
        client.run()
    finally:
        if collecting:
            gc.enable()
        client.close()
    latencies = sorted(client.latencies)
    return OpenLoopReport(
        requests=len(latencies),
        p50=percentile(latencies, 0.50),
        p99=percentile(latencies, 0.99),
        longest=latencies[-1] if latencies else 0.0,
        late=percentile(sorted(client.lates), 0.99),
        failures=client.failures,
    )


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.open_loop")
    parser.add_argument("port", type=int)
    parser.add_argument("--rate", type=float, required=True, help="requests a second, over all connections")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--warm-up", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--answer", required=True, help="the body of each answer")
    options = parser.parse_args(arguments)
    timetable = Timetable.at_random(options.rate, warm_up=options.warm_up, seconds=options.seconds, seed=options.seed)
    report = send_by_timetable(options.port, timetable, connections=options.connections, answer=options.answer.encode())
    # With the processor time of all of this process, by which that of strangers on its core can be told.
    print(json.dumps({"report": dataclasses.asdict(report), "cpu": time.process_time()}))


if __name__ == "__main__":
    main(sys.argv[1:])
