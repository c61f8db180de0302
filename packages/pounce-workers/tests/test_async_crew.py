"""Many clients of streams beside short requests, on few threads."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from async_runner import RunningAsyncPool, Scope, by_path, respond

from pounce_workers import AcceptDistributor, bind_tcp

STREAMS = 200
EVENTS = 5
LONGEST_SHORT = 2.0
"""Seconds; a bound for a machine that does much else. Nothing else is slow here: a stream that held a thread would hold
up short requests until it ends."""


class Events:
    """Streams that begin, wait for all others to be there, and then get their events."""

    def __init__(self) -> None:
        self.calls = 0
        self.there = 0
        self.go_on = False

    async def stream(self, scope: Scope, receive: Any, send: Any) -> None:
        self.there += 1
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
        for number in range(EVENTS):
            await send({"type": "http.response.body", "body": b"data: %d\n\n" % number, "more_body": True})
            while number == 0 and not self.go_on:  # noqa: ASYNC110 - it is set from another thread
                await asyncio.sleep(0.05)
        await send({"type": "http.response.body", "body": b"data: end\n\n"})

    async def short(self, scope: Scope, receive: Any, send: Any) -> None:
        await respond(send)


async def _event_client(address: Any, fields: bytes, begun: asyncio.Semaphore) -> bytes:
    reader, writer = await asyncio.open_connection(*address[:2])
    writer.write(b"GET /stream HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n")
    received = await reader.readuntil(b"data: 0\n\n")
    begun.release()
    received += await reader.readuntil(b"data: end\n\n")
    writer.close()
    return received


async def _short_client(address: Any, requests: int) -> list[float]:
    reader, writer = await asyncio.open_connection(*address[:2])
    times = []
    for _ in range(requests):
        began = time.perf_counter()
        writer.write(b"GET /short HTTP/1.1\r\nHost: x\r\n\r\n")
        await reader.readuntil(b"\r\n\r\nok")
        times.append(time.perf_counter() - began)
    writer.close()
    return times


@pytest.mark.parametrize("fields", [b"Accept: text/event-stream\r\n", b""], ids=["announced", "found out"])
def test_streams_hold_up_no_short_requests(fields: bytes) -> None:
    events = Events()
    app = by_path(stream=events.stream, short=events.short)

    async def clients(address: Any) -> tuple[list[bytes], list[float]]:
        begun = asyncio.Semaphore(0)
        streams = [asyncio.ensure_future(_event_client(address, fields, begun)) for _ in range(STREAMS)]
        if not fields:
            await begun.acquire()  # the first is tried in a thread, and found out
        short = await _short_client(address, 100)
        for _ in range(STREAMS - (0 if fields else 1)):
            await begun.acquire()
        short += await _short_client(address, 100)
        events.go_on = True
        return await asyncio.gather(*streams), short

    with RunningAsyncPool(app, 2, async_limit=0.05, limit_pool_threads=4) as running:
        received, times = asyncio.run(clients(running.address))
        most = 1 + 2 + 4
        assert len(running.pool.threads) <= most
        wanted = [b"data: %d" % number for number in range(EVENTS)] + [b"data: end"]
        assert all(all(event in one for event in wanted) for one in received)
        assert events.there == STREAMS
        assert max(times) < LONGEST_SHORT
        running.empties()
        running.threads_are(3)


def test_it_is_a_target_of_the_distributor() -> None:
    sock = bind_tcp("127.0.0.1", 0, 64)
    address = sock.getsockname()
    with RunningAsyncPool(by_path(), 1) as running:
        distributor = AcceptDistributor([sock], [running.pool])
        distributor.start()
        running.address = address
        with running.connect() as client:
            assert client.get().status == 200
        assert distributor.stop(5.0)
