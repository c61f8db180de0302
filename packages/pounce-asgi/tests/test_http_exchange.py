"""The life of an exchange: how an application starts, waits, fails, is left alone and is cancelled."""

from __future__ import annotations

import asyncio
import logging
import sys
from typing import Any

import pytest
from exchange_doubles import (
    FakeSink,
    Head,
    Message,
    answered,
    body,
    hint,
    make_exchange,
    sink_of,
    start,
)
from virtual_time import turns

from pounce_asgi import BodyFraming, IncompleteResponse, MissingResponse, hint_for

Run = Any
eager = pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with Python 3.12")


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send(start())
    await send(body(b"hello"))


# ---------------------------------------------------------------------------------------------------- direct dispatch


@eager
def test_an_application_that_never_waits_is_answered_before_start_returns(run: Run) -> None:
    async def main() -> None:
        exchange = make_exchange(hello)
        exchange.start()
        assert sink_of(exchange).calls == ["head"]
        assert sink_of(exchange).ended
        assert exchange.task is None
        assert not exchange.context.running

    run(main)


def test_one_that_waits_is_a_task_like_any_other(run: Run) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(asyncio.current_task())
        async with asyncio.timeout(5):
            await asyncio.sleep(1)
        seen.append(asyncio.current_task())
        await hello(scope, receive, send)

    async def main() -> None:
        exchange = make_exchange(app)
        exchange.start()
        await turns()
        assert exchange.context.running == {seen[0]}
        await asyncio.sleep(2)
        assert sink_of(exchange).ended
        assert not exchange.context.running
        assert seen[0] is seen[1]

    run(main)


def test_context_variables_do_not_leak_between_requests(run: Run) -> None:
    import contextvars

    variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable", default=0)
    seen: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(variable.get())
        variable.set(1)
        await hello(scope, receive, send)

    async def main() -> None:
        for _ in range(2):
            await answered(app)
        assert variable.get() == 0

    run(main)
    assert seen == [0, 0]


@pytest.mark.parametrize("kind", ["awaitable object", "future", "plain function"])
def test_other_awaitables_than_coroutines(run: Run, kind: str) -> None:
    class Awaited:
        def __init__(self, *args: Any) -> None:
            self.args = args

        def __await__(self) -> Any:
            return hello(*self.args).__await__()

    apps: dict[str, Any] = {
        "awaitable object": Awaited,
        "future": lambda *args: asyncio.ensure_future(hello(*args)),
        "plain function": lambda *args: hello(*args),
    }
    sink: FakeSink = run(lambda: answered(apps[kind]))
    assert (sink.body, sink.ended) == (b"hello", True)


# ---------------------------------------------------------------------------------------------------------- early head


def waiting(*messages: Message, then: Any) -> Any:
    """Sends these, waits for the event, sends the body ``then``."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for message in messages:
            await send(message)
        await scope["state"]["go"].wait()
        for message in then:
            await send(message)

    return app


EARLY = [
    # settings, messages, what is out while the application waits, what is out in the end
    ({}, [start()], ["head"], ["head", "body"]),
    ({"early_head": False}, [start()], [], ["head"]),
    ({}, [start(), hint(b"</a>")], ["informational"], ["informational", "head"]),
    ({}, [hint(b"</a>"), start()], ["informational"], ["informational", "head"]),
    ({}, [start(), body(b"", True)], ["head"], ["head", "body"]),
]


@pytest.mark.parametrize(("settings", "messages", "meanwhile", "finally_out"), EARLY)
@pytest.mark.parametrize("suspended_before", [False, True])
def test_a_held_head_goes_alone_when_the_loop_turns(
    run: Run, settings: Any, messages: Any, meanwhile: Any, finally_out: Any, suspended_before: bool
) -> None:
    plain = waiting(*messages, then=[body(b"hello")])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if suspended_before:
            await asyncio.sleep(1)
        await plain(scope, receive, send)

    async def main() -> None:
        go = asyncio.Event()
        exchange = make_exchange(app, state={"go": go}, **settings)
        exchange.start()
        await asyncio.sleep(2)
        sink = sink_of(exchange)
        assert sink.calls == meanwhile
        go.set()
        await turns()
        assert (sink.calls, sink.body, sink.ended) == (finally_out, b"hello", True)

    run(main)


def test_an_early_head_with_a_content_length_keeps_it(run: Run) -> None:
    async def main() -> None:
        go = asyncio.Event()
        app = waiting(start(200, (b"content-length", b"5")), then=[body(b"hello")])
        exchange = make_exchange(app, state={"go": go})
        exchange.start()
        await turns()
        assert sink_of(exchange).head.framing is BodyFraming.LENGTH  # type: ignore[union-attr]
        go.set()
        await turns()
        assert sink_of(exchange).ended

    run(main)


def test_a_chunk_is_on_the_wire_when_send_returns(run: Run) -> None:
    """A handler that sends a chunk and then blocks its thread has streamed it already."""
    seen: list[bytes] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start())
        for chunk in (b"one", b"two"):
            await send(body(chunk, True))
            seen.append(sink_of(exchange).body)
        await send(body())

    exchange: Any = None

    async def main() -> None:
        nonlocal exchange
        exchange = make_exchange(app)
        exchange.start()
        await turns()

    run(main)
    assert seen == [b"one", b"onetwo"]


# ------------------------------------------------------------------------------------------------------------ failures

BOOM = RuntimeError("boom")


def failing(*messages: Message, suspend: bool, error: BaseException | None = BOOM) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if suspend:
            await asyncio.sleep(0)
        for message in messages:
            await send(message)
        if error is not None:
            raise error

    return app


@pytest.mark.parametrize("suspend", [False, True])
@pytest.mark.parametrize("messages", [[], [start()], [start(), hint(b"</a>")]], ids=["nothing", "start", "hint"])
def test_raising_before_the_head_is_out_is_a_500(
    run: Run, messages: Any, suspend: bool, caplog: pytest.LogCaptureFixture
) -> None:
    sink: FakeSink = run(lambda: answered(failing(*messages, suspend=suspend)))
    assert sink.head is not None
    assert (sink.head.status, sink.head.framing, sink.ended) == (500, BodyFraming.LENGTH, True)
    assert b"boom" not in sink.body  # nothing of the inside is told to the client
    assert sink.values(b"content-type") == [b"text/plain; charset=utf-8"]
    assert len(sink.values(b"date")) == len(sink.values(b"server")) == 1
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("pounce.error", logging.ERROR)
    assert record.getMessage() == "Exception in the application: GET /"
    assert record.exc_info is not None
    assert record.exc_info[1] is BOOM


def test_what_helps_is_said_beside_the_error(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    error = RuntimeError("<Lock> is bound to a different event loop")
    run(lambda: answered(failing(suspend=False, error=error), Head(raw_path=b"/a\n")))
    assert caplog.messages == [f"Exception in the application: GET /a\\x0a - {hint_for(error)}"]


@pytest.mark.parametrize("suspend", [False, True])
def test_raising_after_it_aborts(run: Run, suspend: bool, caplog: pytest.LogCaptureFixture) -> None:
    sink: FakeSink = run(lambda: answered(failing(start(), body(b"x", True), suspend=suspend)))
    assert (sink.calls, sink.ended) == (["head", "reset"], False)
    assert len(caplog.records) == 1


def test_raising_after_the_response_is_logged_and_harms_nobody(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    sink: FakeSink = run(lambda: answered(failing(start(), body(b"x"), suspend=False)))
    assert (sink.calls, sink.ended) == (["head"], True)
    assert len(caplog.records) == 1


def test_raising_when_called(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    def app(scope: Any, receive: Any, send: Any) -> Any:
        raise BOOM

    sink: FakeSink = run(lambda: answered(app))
    assert sink.head is not None
    assert sink.head.status == 500
    assert len(caplog.records) == 1


def test_a_500_to_head_has_no_body(run: Run) -> None:
    sink: FakeSink = run(lambda: answered(failing(suspend=False), Head(method="HEAD")))
    assert sink.head is not None
    assert (sink.head.status, sink.head.framing, sink.body, sink.ended) == (500, BodyFraming.NONE, b"", True)


@pytest.mark.parametrize("suspend", [False, True])
@pytest.mark.parametrize(
    ("messages", "calls", "error"),
    [
        ([], ["head"], MissingResponse),
        ([hint(b"</a>")], ["informational", "head"], MissingResponse),
        ([start()], ["head"], IncompleteResponse),
        ([start(), body(b"x", True)], ["head", "reset"], IncompleteResponse),
    ],
)
def test_returning_without_a_whole_answer(
    run: Run, messages: Any, calls: Any, error: Any, suspend: bool, caplog: pytest.LogCaptureFixture
) -> None:
    sink: FakeSink = run(lambda: answered(failing(*messages, suspend=suspend, error=None)))
    assert sink.calls == calls
    assert sink.head is not None
    assert sink.head.status == (200 if "reset" in calls else 500)
    (record,) = caplog.records
    assert record.exc_info is not None
    assert type(record.exc_info[1]) is error


def test_a_500_does_not_cost_the_connection(run: Run) -> None:
    """What failed is the application; where the next request begins is known."""
    sink: FakeSink = run(lambda: answered(failing(suspend=False)))
    assert sink.head is not None
    assert not sink.head.close


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_what_ends_the_process_passes(error: BaseException) -> None:
    sink = FakeSink()

    async def main() -> None:
        make_exchange(failing(start(), body(b"x", True), suspend=False, error=error), sink=sink).start()
        await turns()

    with pytest.raises(type(error)):
        asyncio.run(main())
    assert not sink.ended
