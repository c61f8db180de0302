"""``send()``: waiting for a client that reads slowly, and for one that has left."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import Any

import pytest
from exchange_doubles import (
    TE_TRAILERS,
    FakeSink,
    Message,
    answered,
    body,
    hint,
    make_exchange,
    sink_of,
    start,
    trailers,
)
from virtual_time import turns

from pounce_asgi import ClientGone, HttpExchange, PounceError

Run = Any


class Counter:
    """Sends and counts how many of its messages have been taken."""

    def __init__(self, *messages: Message) -> None:
        self.messages = messages
        self.taken = 0
        self.error: Exception | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        try:
            for message in self.messages:
                await send(message)
                self.taken += 1
        except Exception as error:
            self.error = error
            raise


SLOW: dict[str, tuple[list[Message], list[int]]] = {
    # How many are taken before each resumption. The start is only held; the last message ends the response, and what
    # the client still has to read of it is the transport's business.
    "pieces": ([start(), body(b"a", True), body(b"b", True), body(b"c")], [1, 2, 4]),
    "one piece": ([start(), body(b"a")], [2]),
    "hint": ([start(), hint(b"</a>"), body(b"a")], [1, 3]),
    "trailers": ([start(trailers=True), body(b"a"), trailers()], [1, 3]),
}


@pytest.mark.parametrize(("messages", "taken"), SLOW.values(), ids=SLOW)
def test_send_waits_while_the_client_reads_slowly(run: Run, messages: list[Message], taken: list[int]) -> None:
    async def main() -> None:
        app = Counter(*messages)
        exchange = make_exchange(app, TE_TRAILERS)
        sink_of(exchange).congested = True
        exchange.start()
        for count in taken:
            await turns(20)
            assert app.taken == count
            exchange.resume_sending()
        assert sink_of(exchange).ended

    run(main)


def test_bytes_are_handed_over_before_the_wait(run: Run) -> None:
    async def main() -> None:
        exchange = make_exchange(Counter(start(), body(b"a", True), body(b"b")))
        sink_of(exchange).congested = True
        exchange.start()
        await turns()
        assert sink_of(exchange).body == b"a"
        exchange.client_gone()
        await turns()

    run(main)


def test_nobody_waits_for_a_client_that_reads(run: Run) -> None:
    async def main() -> None:
        app = Counter(start(), body(b"a", True), body(b"b"))
        exchange = make_exchange(app)
        exchange.resume_sending()
        exchange.start()
        await turns()
        assert app.taken == 3

    run(main)


def test_two_can_wait_at_once(run: Run) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start())
        await asyncio.gather(send(body(b"a", True)), send(body(b"b", True)))
        await send(body(b""))

    async def main() -> FakeSink:
        exchange = make_exchange(app)
        sink = sink_of(exchange)
        sink.congested = True
        exchange.start()
        await turns()
        sink.congested = False
        exchange.resume_sending()
        await turns()
        return sink

    sink = run(main)
    assert (sorted(sink.body), sink.ended) == (sorted(b"ab"), True)


# -------------------------------------------------------------------------------------------------- the client is gone

LEAVING: dict[str, list[Message]] = {
    "before the start": [],
    "head held": [start()],
    "streaming": [start(), body(b"a", True)],
    "awaiting trailers": [start(trailers=True), body(b"a")],
}


@pytest.mark.parametrize("messages", LEAVING.values(), ids=LEAVING)
def test_sending_to_a_client_that_left_raises_an_oserror_that_is_not_logged(
    run: Run, messages: list[Message], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    app = Counter(*messages, body(b"x", True))

    async def main() -> FakeSink:
        exchange = make_exchange(leaves, TE_TRAILERS)
        holder.append(exchange)
        exchange.start()
        await turns()
        return sink_of(exchange)

    async def leaves(scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Message) -> None:
            if app.taken == len(messages):
                holder[0].client_gone()
            await send(message)

        await app(scope, receive, sending)

    holder: list[HttpExchange[Any]] = []
    sink = run(main)
    assert isinstance(app.error, OSError)
    assert isinstance(app.error, ClientGone)
    assert isinstance(app.error, PounceError)
    assert not sink.was_reset  # there is nobody to tell
    assert not [record for record in caplog.records if record.name.startswith("pounce")]


def test_a_sender_that_waits_is_told(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        app = Counter(start(), body(b"a", True), body(b"b"))
        exchange = make_exchange(app)
        sink_of(exchange).congested = True
        exchange.start()
        await turns()
        exchange.client_gone()
        exchange.client_gone()
        await turns()
        assert app.taken == 1
        assert isinstance(app.error, ClientGone)

    run(main)
    assert not caplog.records


@pytest.mark.parametrize("congested", [True, False], ids=["waiting", "sending"])
def test_what_a_client_leaves_behind_is_freed_at_once(run: Run, congested: bool) -> None:
    """No cycle holds the application's frames: a generator that was being sent cleans up now, not at a collection."""
    freed = []

    class Held:
        def __del__(self) -> None:
            freed.append(True)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        held = Held()
        await send(start())
        while held is not None:
            await send(body(b"a", True))
            await asyncio.sleep(0)

    async def main() -> None:
        exchange = make_exchange(app)
        sink_of(exchange).congested = congested
        exchange.start()
        await turns()
        exchange.client_gone()
        await turns()

    gc.disable()
    try:
        run(main)
        assert freed == [True]
    finally:
        gc.enable()


def test_a_write_that_finds_the_client_gone_does_not_wait_for_it(run: Run) -> None:
    """The transport may learn of the loss from the very write that congests it."""
    exchange: Any = None

    class Breaking(FakeSink):
        def send_body(self, data: bytes, end: bool) -> None:
            super().send_body(data, end=end)
            self.congested = True
            exchange.client_gone()

    app = Counter(start(), body(b"a", True), body(b"b", True))

    async def main() -> None:
        nonlocal exchange
        exchange = make_exchange(app, sink=Breaking())
        exchange.start()
        await turns()
        assert isinstance(app.error, ClientGone)

    run(main)


def group(error: Exception) -> Exception:
    return ExceptionGroup("task group", [error])


def chained(error: Exception) -> Exception:
    raised = ConnectionError("framework: could not send")
    raised.__cause__ = error
    return raised


WRAPPED = {
    "as it is": (lambda error: error, True),
    "in a task group": (group, True),
    "in nested task groups": (lambda error: group(group(error)), True),
    "as the cause of another OSError": (chained, True),
    "beside another error": (lambda error: ExceptionGroup("both", [error, KeyError("x")]), False),
    "replaced by another error": (lambda _: KeyError("x"), False),
}


@pytest.mark.parametrize(("wrap", "quiet"), WRAPPED.values(), ids=WRAPPED)
def test_what_an_application_makes_of_it(run: Run, wrap: Any, quiet: bool, caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        exchange.client_gone()
        try:
            await send(start())
        except ClientGone as error:
            caught = error
        raise wrap(caught)

    exchange: Any = None

    async def main() -> None:
        nonlocal exchange
        exchange = make_exchange(app)
        exchange.start()
        await turns()

    run(main)
    assert bool(caplog.records) is not quiet


def test_returning_quietly_after_the_client_left_is_fine(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await receive()

    async def main() -> FakeSink:
        exchange = make_exchange(app)
        exchange.start()
        await turns()
        exchange.client_gone()
        await turns()
        return sink_of(exchange)

    assert run(main).calls == []
    assert not caplog.records


def test_an_oserror_of_the_applications_own_is_an_error(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise ConnectionResetError("the database")

    sink: FakeSink = run(lambda: answered(app))
    assert sink.head is not None
    assert sink.head.status == 500
    assert len(caplog.records) == 1


def test_a_client_gone_that_was_not_ours_is_an_error(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    """An application may raise it by mistake: the client is still there and gets an answer."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise ClientGone("no")

    caplog.clear()
    sink = run(lambda: answered(app))
    assert sink.head is not None
    assert sink.head.status == 500
    assert len(caplog.records) == 1
