"""ASGI 3.0, the core specification: applications, scopes, events, errors, extensions."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.requests import GET, WAIT_SECONDS, Scopes, answer, ask, body, start

if TYPE_CHECKING:
    from pounce_testing.fixtures import Serve


def strangers(value: Any) -> list[Any]:
    """What in a value may not be in an event: everything that could not be sent over a network."""
    if isinstance(value, dict):
        inner = [each for item in value.values() for each in strangers(item)]
        return [key for key in value if type(key) is not str] + inner
    if isinstance(value, list):
        return [each for item in value for each in strangers(item)]
    return [] if value is None or type(value) in (bytes, str, int, float, bool) else [value]


def test_the_application_is_called_once_for_each_request(serve: Serve) -> None:
    app = Scopes()
    with serve(app).connect() as client:
        for expected in (1, 2, 3):
            client.send(GET)
            client.read_response()
            assert len(app.seen) == expected


def test_it_runs_as_a_task_of_an_asyncio_loop(serve: Serve) -> None:
    found = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        task = asyncio.current_task()
        await asyncio.sleep(0)
        found.append(task is not None and task is asyncio.current_task())
        await answer(send)

    ask(serve(app, lifespan="off"))
    assert found == [True]


def test_the_scope_has_its_type_and_versions(serve: Serve) -> None:
    app = Scopes()
    ask(serve(app))
    assert type(app.only) is dict
    assert app.only["type"] == "http"
    assert app.only["asgi"] == {"version": "3.0", "spec_version": "2.5"}
    assert {type(key) for key in app.only} == {str}


def test_events_hold_only_what_can_be_serialized(serve: Serve) -> None:
    events = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        while True:
            event = await receive()
            events.append(event)
            if event["type"] == "http.disconnect":
                return
            if not event["more_body"]:
                await answer(send)

    ask(serve(app, lifespan="off"), b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody")
    assert {event["type"] for event in events} <= {"http.request", "http.disconnect"}
    assert all(type(event) is dict for event in events)
    assert strangers(events) == []


def test_a_legacy_application_is_served(serve: Serve) -> None:
    called: list[str] = []

    class Legacy:
        """ASGI 2: called with the scope, which is not awaited, and then with the rest."""

        def __init__(self, scope: Any) -> None:
            if scope["type"] == "lifespan":
                raise NotImplementedError
            called.append("first")

        async def __call__(self, receive: Any, send: Any) -> None:
            called.append("second")
            await answer(send, b"legacy")

    assert ask(serve(Legacy)).body == b"legacy"
    assert called == ["first", "second"]


def test_changes_to_a_scope_stay_in_their_request(serve: Serve) -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append((scope["path"], len(scope["headers"]), sorted(scope["extensions"]), dict(scope["state"])))
        scope["path"] = scope["asgi"]["version"] = "changed"
        scope["headers"].append((b"x-changed", b"yes"))
        scope["extensions"].clear()
        scope["state"]["changed"] = True
        await answer(send)

    with serve(app, lifespan="off").connect() as client:
        for _ in range(2):
            client.send(GET)
            assert client.read_response().status == 200
    assert seen[0] == seen[1]


INVALID: dict[str, Any] = {
    "unknown type": {"type": "http.response.nothing"},
    "no type": {"status": 200},
    "type of another protocol": {"type": "websocket.send", "text": "a"},
    "type of another direction": {"type": "http.request", "body": b""},
    "no message": None,
    "no status": {"type": "http.response.start"},
    "status as str": {"type": "http.response.start", "status": "200"},
    "header as str": {"type": "http.response.start", "status": 200, "headers": [("a", "b")]},
    "header without value": {"type": "http.response.start", "status": 200, "headers": [(b"a",)]},
    "header that is no pair": {"type": "http.response.start", "status": 200, "headers": [None]},
    "body before the start": {"type": "http.response.body", "body": b""},
}


@pytest.mark.parametrize("message", INVALID.values(), ids=INVALID)
def test_an_invalid_message_raises_in_the_application(serve: Serve, message: Any) -> None:
    raised: list[Exception] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await send(message)
        except Exception as error:  # noqa: BLE001 - which one is the server's choice
            raised.append(error)
        await answer(send, b"after")

    assert ask(serve(app, lifespan="off")).body == b"after"
    assert len(raised) == 1


@pytest.mark.parametrize("content", ["text", None, 7], ids=repr)
def test_a_body_of_the_wrong_type_raises_in_the_application(serve: Serve, content: Any) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(start())
        with pytest.raises(Exception, match="body"):
            await send({"type": "http.response.body", "body": content})
        await send(body(b"after"))

    assert ask(serve(app, lifespan="off")).body == b"after"


def test_additional_keys_are_no_error(serve: Serve) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({**start(), "of_the_future": 1})
        await send({**body(b"fine"), "of_the_future": {"a": [1]}})

    assert ask(serve(app, lifespan="off")).body == b"fine"


def test_an_exception_ends_the_request(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """And is told to the operator. Before the response has begun the client gets a 500, afterwards a cut."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] == "/late":
            await send(start())
            await send(body(b"begun", more=True))
        raise RuntimeError("the application's own")

    server = serve(app, lifespan="off")
    assert ask(server).status == 500
    with server.connect() as client:
        client.send(GET.replace(b" / ", b" /late "))
        received = client.read_to_end()
        assert b"begun" in received
        assert not received.endswith(b"0\r\n\r\n"), "the client can tell that the rest is missing"
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 2
    assert all("the application's own" in str(error.exc_info) for error in errors)


def test_what_send_raised_may_leave_the_application(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """The server catches its own error, logs nothing and goes on serving."""
    gone, ended = threading.Event(), threading.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != "/long":
            await answer(send, b"still here")
            return
        await send(start())
        try:
            while True:
                await send(body(b"x" * 1000, more=True))
                gone.set()
                await asyncio.sleep(0)
        finally:
            ended.set()

    server = serve(app, lifespan="off")
    caplog.clear()
    with server.connect() as client:
        client.send(GET.replace(b" / ", b" /long "))
        assert gone.wait(WAIT_SECONDS)
    assert ended.wait(WAIT_SECONDS)
    assert ask(server).body == b"still here"
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_send_and_receive_work_from_other_tasks(serve: Serve) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        async with asyncio.TaskGroup() as tasks:
            event = tasks.create_task(receive())
            tasks.create_task(send(start()))
        await asyncio.create_task(send(body(event.result()["body"])))

    request = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
    assert ask(serve(app, lifespan="off"), request).body == b"body"


def test_extensions_are_a_dict_of_dicts(serve: Serve) -> None:
    app = Scopes()
    ask(serve(app))
    extensions = app.only["extensions"]
    assert type(extensions) is dict
    assert {type(name) for name in extensions} == {str}
    assert {type(offer) for offer in extensions.values()} == {dict}


def test_strings_are_exactly_bytes_or_str(serve: Serve) -> None:
    app = Scopes()
    ask(serve(app), b"GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n")
    kinds = {
        "type": str,
        "http_version": str,
        "method": str,
        "scheme": str,
        "path": str,
        "raw_path": bytes,
        "query_string": bytes,
        "root_path": str,
    }
    assert {name: type(app.only[name]) for name in kinds} == kinds
    assert {type(part) for pair in app.only["headers"] for part in pair} == {bytes}
