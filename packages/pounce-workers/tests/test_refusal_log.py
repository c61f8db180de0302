"""The line in the log for what is refused: seen by operators where no warning counts the same."""

from __future__ import annotations

import logging

import pytest
from http1_driver import Conversation, answer, both_engines, converse, get, post

from pounce_asgi import ClientTimedOut, LimitHit, Listeners, Subscriber


async def app(scope: object, receive: object, send: object) -> None:
    await answer(send)


@both_engines
@pytest.mark.parametrize(
    ("sent", "seconds", "status", "told"),
    [
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", 0, 400, None, id="malformed"),
        pytest.param(get("/", "Expect: wonders"), 0, 417, None, id="not known"),
        pytest.param(get("/" + "a" * 200), 0, 414, "limit_request_line", id="target"),
        pytest.param(get("/", "a: b", "c: d", "e: f"), 0, 431, "limit_request_fields", id="fields"),
        pytest.param(get()[:9], 20, 408, "timeout_request_head", id="slow head"),
    ],
)
def test_what_warnings_tell_is_for_debugging(
    engine: str, sent: bytes, seconds: float, status: int, told: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "pounce.worker")
    heard: list[str] = []
    listeners = Listeners.of(
        Subscriber(lambda record: heard.append(record.limit), LimitHit),
        Subscriber(lambda record: heard.append(record.timeout), ClientTimedOut),
    )

    async def scenario() -> None:
        it = Conversation(
            app, engine, limits={"limit_request_line": 100, "limit_request_fields": 3}, listeners=listeners
        )
        await it.send(sent)
        await it.pass_time(seconds)
        assert it.statuses() == [status]

    converse(scenario)
    (line,) = [record for record in caplog.records if record.getMessage().startswith("Refused a request")]
    assert f" with {status}: " in line.getMessage()
    assert heard == ([told] if told else [])
    assert line.levelno == (logging.DEBUG if told else logging.INFO)


def test_of_connections_over_the_limit_each_refusal_is_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "pounce.worker")

    async def scenario() -> None:
        first = Conversation(app, "fast", limit_concurrency=1)
        second = first.another()
        await second.send(post(b"x"))
        assert second.statuses() == [503]

    converse(scenario)
    assert [record.levelname for record in caplog.records] == ["DEBUG"]
