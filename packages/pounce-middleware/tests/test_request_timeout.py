"""The deadline of an application: what it is told, and what its client gets."""

from __future__ import annotations

import asyncio
import contextvars
import logging
from typing import Any

import pytest
from asgi_calls import Call, answering, http_scope, websocket_scope
from middleware_clock import run_virtually, turns

from pounce_middleware import RequestTimeoutMiddleware, RequestTimeoutSettings, ResponseTimeout

START = {"type": "http.response.start", "status": 200, "headers": []}


def served(app: Any, **options: Any) -> RequestTimeoutMiddleware:
    return RequestTimeoutMiddleware(app, timeout=1.0, **options)


def call(app: Any, scope: Any = None, **options: Any) -> Call:
    result: Call = run_virtually(Call(scope or http_scope("/a b")).run(served(app, **options)))
    return result


def test_in_time_everything_is_as_without() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.9)
        await answering(scope, receive, send)

    assert call(app).sent == run_virtually(Call(http_scope()).run(app)).sent


def test_before_the_head_it_is_504(caplog: pytest.LogCaptureFixture) -> None:
    ended = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            ended.append(asyncio.get_running_loop().time() - 1000)

    caplog.set_level(logging.WARNING)
    late = call(app)
    assert (late.status, late.body) == (504, b"504 Gateway Timeout\nthe application took too long\n")
    assert ended == [pytest.approx(1.0, abs=0.01)]
    assert caplog.messages == ["Answered GET /a b with 504: the application took longer than 1 s"]


def test_after_the_head_it_is_cut_off() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send({"type": "http.response.body", "body": b"some", "more_body": True})
        await asyncio.sleep(100)

    with pytest.raises(ResponseTimeout, match="longer than 1 s, and its response was cut off"):
        call(app)


@pytest.mark.parametrize(
    ("start", "last"),
    [
        (START, {"type": "http.response.body", "body": b"x"}),
        (START, {"type": "http.response.pathsend", "path": "/x"}),
        (START, {"type": "http.response.zerocopysend", "file": 5}),
        ({**START, "trailers": True}, {"type": "http.response.trailers", "headers": []}),
    ],
)
def test_after_the_response_there_is_no_deadline(start: dict[str, Any], last: dict[str, Any]) -> None:
    done = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start)
        if start.get("trailers"):
            await send({"type": "http.response.body", "body": b""})
        await send(last)
        await asyncio.sleep(100)
        done.append(True)

    call(app)
    assert done == [True]


@pytest.mark.parametrize(
    "message",
    [
        {"type": "http.response.body", "body": b"x", "more_body": True},
        {"type": "http.response.zerocopysend", "file": 5, "more_body": True},
    ],
)
def test_a_response_that_goes_on_has_one(message: dict[str, Any]) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)
        await send(message)
        await asyncio.sleep(100)

    with pytest.raises(ResponseTimeout):
        call(app)


def test_trailers_that_were_announced_are_part_of_the_response() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**START, "trailers": True})
        await send({"type": "http.response.body", "body": b""})
        await asyncio.sleep(100)

    with pytest.raises(ResponseTimeout):
        call(app)


def test_an_application_that_swallows_its_cancellation() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            return

    assert call(app).status == 504


def test_an_application_that_answers_for_itself_when_it_is_cancelled() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            await answering(scope, receive, send)

    assert call(app).status == 200


def test_an_application_that_fails_when_it_is_cancelled() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await asyncio.sleep(100)
        finally:
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        call(app)


def test_what_an_application_raises_by_itself_passes() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise TimeoutError("of its own")

    with pytest.raises(TimeoutError, match="of its own"):
        call(app)


def test_a_cancellation_from_elsewhere_is_not_taken_for_the_deadline() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(100)

    async def main(at: float) -> tuple[Call, asyncio.Task[Call]]:
        one = Call(http_scope())
        task = asyncio.create_task(one.run(served(app)))
        asyncio.get_running_loop().call_later(at, task.cancel)
        await asyncio.wait([task])
        return one, task

    for at in (0.5, 1.0):  # before it, and at the same time
        one, task = run_virtually(main(at))
        assert task.cancelled(), at
        assert one.sent == []


def test_timeouts_and_task_groups_inside_work() -> None:
    steps = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            async with asyncio.timeout(0.5):
                await asyncio.sleep(100)
        except TimeoutError:
            steps.append("inner timeout")
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(asyncio.sleep(100))
        except asyncio.CancelledError:
            steps.append("group ended")
            raise

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None
        assert (await Call(http_scope()).run(served(app))).status == 504
        assert task.cancelling() == 0
        await asyncio.sleep(1)  # nothing is left that would cancel it later
        assert len(asyncio.all_tasks()) == 1

    run_virtually(main())
    assert steps == ["inner timeout", "group ended"]


def test_what_an_application_leaves_behind_cannot_answer_any_more() -> None:
    failed: list[BaseException | None] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def later() -> None:
            await asyncio.sleep(2)
            await send(START)

        task = asyncio.create_task(later())
        task.add_done_callback(lambda one: failed.append(one.exception()))
        await asyncio.sleep(100)

    async def main() -> Call:
        one = await Call(http_scope()).run(served(app))
        await asyncio.sleep(3)
        return one

    assert [message.get("status") for message in run_virtually(main()).sent] == [504, None]
    assert [type(one) for one in failed] == [ResponseTimeout]


def test_it_is_the_same_task_and_context() -> None:
    variable = contextvars.ContextVar("variable", default=0)

    async def app(scope: Any, receive: Any, send: Any) -> None:
        variable.set(variable.get() + 1)
        await turns()
        await answering(scope, receive, send)

    async def main() -> int:
        variable.set(5)
        await Call(http_scope()).run(served(app))
        return variable.get()

    assert run_virtually(main()) == 6


def test_what_has_no_deadline() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(100)
        await answering(scope, receive, send)

    assert call(app, http_scope("/events/1"), exempt_paths=["/events/*"]).status == 200
    assert call(app, websocket_scope()).sent == [{"type": "websocket.accept"}]
    lifespan = Call({"type": "lifespan"}, {"type": "lifespan.startup"}, {"type": "lifespan.shutdown"})
    assert len(run_virtually(lifespan.run(served(app))).sent) == 2


def test_settings() -> None:
    settings = RequestTimeoutSettings(request_timeout=0.5, request_timeout_exempt_path=("/slow",))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0.7)
        await answering(scope, receive, send)

    made = RequestTimeoutMiddleware.from_settings(app, settings)
    assert run_virtually(Call(http_scope()).run(made)).status == 504
    assert run_virtually(Call(http_scope("/slow")).run(made)).status == 200
    with pytest.raises(ValueError, match="request_timeout: 0 is not above 0 seconds"):
        RequestTimeoutSettings(request_timeout=0)
    with pytest.raises(ValueError, match="request_timeout_exempt_path: 'x' is not a path"):
        RequestTimeoutSettings(request_timeout_exempt_path=("x",))
    with pytest.raises(ValueError, match="request_timeout: no time is set"):
        RequestTimeoutMiddleware.from_settings(app, RequestTimeoutSettings())
