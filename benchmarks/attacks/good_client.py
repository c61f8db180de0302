"""The good client: it asks on one connection that it keeps, a request every few milliseconds.

It is a process of its own, so that nothing but the server and the machine makes it wait. It is told on its standard
input for how many seconds it is to ask, and writes what it saw, a line each. What the server works is its processor
time between a request and its answer, for whomever it worked.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from benchmarks.attacks.server_clock import server_clock
from benchmarks.attacks.tls_attacks import trusting
from benchmarks.servers import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["GoodClient", "Turn", "percentile"]

ROOT: Final = Path(__file__).resolve().parents[2]
PAUSE: Final = 0.0015
"""Seconds between an answer and the next request."""
ENOUGH: Final = 300
"""Answers that a p99 takes at least; the client goes on until it has them, but no longer than so many times what it
was told.
"""
LONGEST: Final = 3.0
PATIENCE: Final = 30.0
"""Seconds that it waits for an answer."""
REQUEST: Final = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
END: Final = b"\r\n\r\nok"


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that so large a part of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What was seen in one turn, in seconds, an entry for each answer."""

    times: tuple[float, ...]
    """From the request to the answer."""
    works: tuple[float, ...]
    """Processor time of the server in between."""

    @property
    def wall(self) -> float:
        return percentile(self.times, 0.99)

    @property
    def work(self) -> float:
        return percentile(self.works, 0.99)


class GoodClient:
    """That process. Belongs to one thread."""

    def __init__(self, port: int, pid: int, *, secure: bool) -> None:
        """``pid``: of the server."""
        command = [sys.executable, "-m", "benchmarks.attacks.good_client", str(port), str(pid), str(int(secure))]
        self._process = subprocess.Popen(
            command, cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, seconds: float) -> Turn:
        """Raises:
        ConnectionError: it lost its connection, or had no answer.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{seconds}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            _, told = self._process.communicate()
            raise ConnectionError(told.strip().rpartition("\n")[2])
        times, works = json.loads(line)
        return Turn(times=tuple(times), works=tuple(works))


def ask(sock: socket.socket, seconds: float, clock: Callable[[], float]) -> tuple[list[float], list[float]]:
    times: list[float] = []
    works: list[float] = []
    began = time.monotonic()
    while (gone := time.monotonic() - began) < seconds or (len(times) < ENOUGH and gone < seconds * LONGEST):
        worked, sent = clock(), time.perf_counter()
        sock.sendall(REQUEST)
        answer = sock.recv(65536)
        while not answer.endswith(END):
            data = sock.recv(65536)
            if not data:
                raise ConnectionError("it lost its connection")
            answer += data
        times.append(time.perf_counter() - sent)
        works.append(clock() - worked)
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise ConnectionError(f"it was answered {answer[:30]!r}")
        time.sleep(PAUSE)
    return times, works


def main() -> None:
    port, pid, secure = map(int, sys.argv[1:])
    clock = server_clock(pid)
    sock = socket.create_connection((HOST, port), PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if secure:
        sock = trusting().wrap_socket(sock)
    gc.disable()
    # Else it may be let wait while the server goes on, and that would be counted as work for it. Root may do this.
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    with sock:
        for line in sys.stdin:
            print(json.dumps(ask(sock, float(line), clock)), flush=True)


if __name__ == "__main__":
    main()
