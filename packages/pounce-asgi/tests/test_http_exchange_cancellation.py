"""Exchanges that are cancelled or given up from outside."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest
from exchange_doubles import FakeSink, Sender, answered, body, make_exchange, sink_of, start
from virtual_time import turns

from pounce_asgi import ClientGone

Run = Any


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send(start())
    await send(body(b"hello"))


async def stays(scope: Any, receive: Any, send: Any) -> None:
    await send(start())
    await send(body(b"x", True))
    await asyncio.get_running_loop().create_future()


def test_cancellation_passes_through_the_application(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    seen: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await receive()
            await receive()
        except asyncio.CancelledError:
            seen.append("cancelled")
            raise

    async def main() -> FakeSink:
        exchange = make_exchange(app)
        exchange.start()
        await turns()
        (task,) = exchange.context.running
        task.cancel()
        await turns()
        assert not exchange.context.running
        return sink_of(exchange)

    sink = run(main)
    assert seen == ["cancelled"]
    assert sink.head.status == 500
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert caplog.messages == ["Cancelled before it had answered: GET /"]


def test_cancellation_in_the_middle_of_the_response_aborts(run: Run) -> None:
    async def main() -> FakeSink:
        exchange = make_exchange(stays)
        exchange.start()
        await turns()
        (task,) = exchange.context.running
        task.cancel()
        await turns()
        return sink_of(exchange)

    assert run(main).was_reset


def test_cancellation_while_send_waits(run: Run) -> None:
    async def main() -> None:
        exchange = make_exchange(Sender(start(), body(b"x", True), body(b"y", True)))
        sink_of(exchange).congested = True
        exchange.start()
        await turns()
        (task,) = exchange.context.running
        task.cancel()
        await turns()
        exchange.resume_sending()  # too late, and harmless
        assert sink_of(exchange).was_reset

    run(main)


def test_abandon_aborts_and_tells_the_application(run: Run) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start())
        await send(body(b"x", True))
        await receive()
        seen.append((await receive())["type"])
        with pytest.raises(ClientGone):
            await send(body(b"y"))
        seen.append("refused")

    async def main() -> FakeSink:
        exchange = make_exchange(app)
        exchange.start()
        await turns()
        exchange.abandon()
        exchange.abandon()
        await turns()
        return sink_of(exchange)

    sink = run(main)
    assert (sink.calls, seen) == (["head", "reset"], ["http.disconnect", "refused"])


def test_abandon_after_the_response_does_nothing(run: Run) -> None:
    async def main() -> FakeSink:
        exchange = make_exchange(hello)
        exchange.start()
        await turns()
        exchange.abandon()
        return sink_of(exchange)

    assert run(main).calls == ["head"]


def test_nothing_here_needs_the_main_thread() -> None:
    results: list[FakeSink] = []
    thread = threading.Thread(target=lambda: results.append(asyncio.run(answered(hello))))
    thread.start()
    thread.join()
    assert results[0].ended
