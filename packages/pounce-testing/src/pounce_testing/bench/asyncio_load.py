"""A load generator of our own, for machines without wrk: asyncio in a process of its own.

Each connection sends a request, waits for the answer and sends the next. It needs about as much processor time for a
request as a server does, so that it is soon the bottleneck: then only the server's processor time per request says
something, and the report says so.

It is run as ``python -m pounce_testing.bench.asyncio_load``: the order as JSON on stdin, the report as JSON on stdout.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

from pounce_testing.bench.answer_reader import AnswerError, AnswerReader
from pounce_testing.bench.load_report import PERCENTILES, LoadReport, percentile

__all__ = ["LoadOrder", "generate", "report_from_json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadOrder:
    """What is to be sent."""

    host: str
    port: int
    wire: str
    """The bytes of the request as Latin-1."""
    connections: int
    seconds: float


class _Run:
    """What all connections share. Owned by the loop's thread."""

    def __init__(self, order: LoadOrder) -> None:
        self.order = order
        self.wire = order.wire.encode("latin-1")
        self.failures = 0
        self.latencies: list[float] = []
        self.over = False
        self.broken = asyncio.Event()
        """A connection has ended and another is wanted."""


class _Client(asyncio.Protocol):
    """One connection."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._reader = AnswerReader()
        self._sent = 0.0
        self._waiting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._send()

    def _send(self) -> None:
        self._sent = time.perf_counter()
        self._waiting = True
        self._transport.write(self._run.wire)

    def data_received(self, data: bytes) -> None:
        try:
            answer = self._reader.receive(data)
        except (AnswerError, ValueError):
            self._transport.abort()
            return
        if answer is None:
            return
        self._count(answer[0])
        if self._run.over or answer[1]:
            self._transport.close()
        else:
            self._send()

    def _count(self, status: int) -> None:
        self._waiting = False
        if self._run.over:
            return
        if status < 400:
            self._run.latencies.append(time.perf_counter() - self._sent)
        else:
            self._run.failures += 1

    def connection_lost(self, exc: Exception | None) -> None:
        if self._run.over:
            return
        if self._waiting:
            status = self._reader.closed() if exc is None else None
            if status is None:
                self._run.failures += 1
            else:
                self._count(status)
        self._run.broken.set()


async def generate(order: LoadOrder) -> LoadReport:
    """Send requests for that long."""
    run = _Run(order)
    loop = asyncio.get_running_loop()
    clients: list[asyncio.BaseTransport] = []

    async def keep_connected() -> None:
        while True:
            clients[:] = [one for one in clients if not one.is_closing()]
            while len(clients) < order.connections:
                try:
                    transport, _ = await loop.create_connection(lambda: _Client(run), order.host, order.port)
                except OSError:
                    run.failures += 1
                    await asyncio.sleep(0.01)  # a server that does not listen is not asked without a pause
                else:
                    clients.append(transport)
            run.broken.clear()
            if not any(one.is_closing() for one in clients):
                await run.broken.wait()

    started, cpu = time.perf_counter(), time.process_time()
    keeper = loop.create_task(keep_connected())
    await asyncio.wait([keeper], timeout=order.seconds)
    seconds, used = time.perf_counter() - started, time.process_time() - cpu
    run.over = True
    keeper.cancel()
    for transport in clients:
        transport.close()
    await asyncio.gather(keeper, return_exceptions=True)
    ordered = sorted(run.latencies)
    return LoadReport(
        requests=len(ordered),
        seconds=seconds,
        failures=run.failures,
        latencies={share: percentile(ordered, share) for share in PERCENTILES},
        generator_cpu=used,
    )


def report_from_json(text: str) -> LoadReport:
    """What a process of this module has written."""
    values: dict[str, Any] = json.loads(text)
    values["latencies"] = {float(share): seconds for share, seconds in values["latencies"].items()}
    return LoadReport(**values)


if __name__ == "__main__":
    made = asyncio.run(generate(LoadOrder(**json.load(sys.stdin))))
    json.dump(asdict(made), sys.stdout)
