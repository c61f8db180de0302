"""Every end that a stream or a connection can have (RFC 9113, 5.4, 6.8, 8.1)."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from h2.settings import SettingCodes
from h2_doubles import GET, POST, Answer, Conversation, converse, echo, hello, read_body, turns

NO_ERROR, INTERNAL, REFUSED, CANCEL = 0, 2, 7, 8


class Gate:
    """Answers when it is let, and keeps what became of its requests."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.ended: list[str] = []
        self.scopes: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        waiting = asyncio.ensure_future(self.open.wait())
        leaving = asyncio.ensure_future(self.left(receive))
        await asyncio.wait([waiting, leaving], return_when=asyncio.FIRST_COMPLETED)
        self.ended.append("gone" if leaving.done() else "answered")
        waiting.cancel()
        leaving.cancel()
        if not leaving.done():
            await hello(scope, receive, send)

    async def left(self, receive: Any) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass


async def fail_before(scope: Any, receive: Any, send: Any) -> None:
    raise RuntimeError("before")


async def fail_after(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"some", "more_body": True})
    raise RuntimeError("after")


async def say_nothing(scope: Any, receive: Any, send: Any) -> None:
    pass


async def stop_midway(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
    await send({"type": "http.response.body", "body": b"some", "more_body": True})


@pytest.mark.parametrize(
    ("app", "status", "reset"),
    [(fail_before, 500, None), (say_nothing, 500, None), (fail_after, 200, INTERNAL), (stop_midway, 200, INTERNAL)],
)
def test_failing_applications(app: Any, status: int, reset: int | None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)

    async def scenario() -> None:
        talk = Conversation(app)
        answer = await talk.ask()
        assert (answer.status, answer.reset) == (status, reset)
        assert answer.ended is (reset is None)
        talk.wire.context.app = talk.wire.push_context.app = hello
        assert (await talk.ask()).body == b"hello /", "the connection goes on"
        assert not talk.goaways

    converse(scenario)


def test_the_log_says_what_a_fault_has_ended(caplog: pytest.LogCaptureFixture) -> None:
    """A fault of a stream ends no connection. The first of a connection gets a line."""
    caplog.set_level(logging.INFO, "pounce.worker")

    async def scenario() -> None:
        talk = Conversation(Gate())
        streams = [talk.begin(GET) for _ in range(3)]
        await talk.talk()
        for stream in streams[:2]:
            await talk.send(b"\0\0\x04\x08\0" + stream.to_bytes(4, "big") + bytes(4))  # a window of 0
        line = "Reset an HTTP/2 stream of 192.0.2.7:51234: a window of 0, or beyond 2**31 - 1"
        assert caplog.messages == [line]
        assert not talk.host.refused
        assert list(talk.connection.streams) == streams[2:]
        assert not talk.transport.closing

    converse(scenario)


def test_a_reset_tells_the_application() -> None:
    async def scenario() -> None:
        app = Gate()
        talk = Conversation(app)
        stream = talk.begin(GET)
        await talk.talk()
        talk.client.reset_stream(stream, CANCEL)
        await talk.talk()
        await turns()
        assert app.ended == ["gone"]
        assert talk.connection.idle

    converse(scenario)


def test_send_raises_after_a_reset() -> None:
    raised = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            for _ in range(100):
                await send({"type": "http.response.body", "body": bytes(32_768), "more_body": True})
        except OSError as error:
            raised.append(error)
            raise

    async def scenario() -> None:
        talk = Conversation(app)
        talk.credit = False
        stream = talk.begin(GET)
        await talk.talk()
        talk.client.reset_stream(stream, CANCEL)
        await talk.talk()
        await turns()
        assert len(raised) == 1

    converse(scenario)


def test_an_early_answer_to_an_unfinished_upload() -> None:
    async def scenario() -> None:
        talk = Conversation(hello)
        stream = talk.begin(POST, end=False)
        await talk.talk()
        answer = talk.answer(stream)
        assert (answer.status, answer.body, answer.reset) == (200, b"hello /", NO_ERROR)
        assert answer.ended

    converse(scenario)


def test_an_upload_that_is_complete_in_the_same_read_is_not_reset() -> None:
    async def scenario() -> None:
        talk = Conversation(hello)
        stream = talk.begin(POST, end=False)
        talk.client.send_data(stream, b"all", end_stream=True)
        await talk.talk()
        assert talk.answer(stream).ended
        assert talk.answer(stream).reset is None

    converse(scenario)


def test_a_body_that_is_too_large() -> None:
    async def scenario() -> None:
        talk = Conversation(echo, exchange={"max_request_body": 1000})
        assert (await talk.ask(body=bytes(1000))).status == 200
        stream = talk.begin([*POST, (b"content-length", b"2000")], end=False)
        await talk.talk()
        assert (talk.answer(stream).status, talk.answer(stream).reset) == (413, NO_ERROR)
        stream = talk.begin(POST, end=False)
        await talk.upload(stream, bytes(2000), end=False)
        await talk.talk()
        assert (talk.answer(stream).status, talk.answer(stream).reset) == (413, NO_ERROR)

    converse(scenario)


def test_goaway_of_the_client_lets_streams_finish() -> None:
    async def scenario() -> None:
        app = Gate()
        talk = Conversation(app)
        stream = talk.begin(GET)
        await talk.talk()
        # h2 itself can neither send nor take anything after this.
        await talk.send(b"\0\0\x08\x07\0\0\0\0\0" + bytes(8))
        assert not talk.transport.closing
        app.open.set()
        await talk.talk()
        assert talk.answer(stream).body == b"hello /"
        assert talk.transport.closing
        assert talk.transport.lingering, "its WINDOW_UPDATEs must not become a reset"

    converse(scenario)


def test_draining_finishes_streams_with_two_goaways() -> None:
    async def scenario() -> None:
        app = Gate()
        talk = Conversation(app, raw=True)
        await open_stream(talk, 1)
        talk.connection.begin_drain()
        await turns()
        assert goaways(talk) == [(2**31 - 1, NO_ERROR)]
        await open_stream(talk, 3)  # it was under way
        await talk.send(b"\0\0\x08\x06\x01\0\0\0\0pounce\0\0")
        assert goaways(talk) == [(2**31 - 1, NO_ERROR), (3, NO_ERROR)]
        await open_stream(talk, 5)
        resets = [one for one in talk.frames() if one.type == 3]
        assert [(one.stream_id, one.error_code) for one in resets] == [(5, REFUSED)]  # type: ignore[attr-defined]
        assert not talk.transport.closing
        app.open.set()
        await turns()
        assert app.ended == ["answered", "answered"]
        assert talk.transport.closing
        assert len(talk.host.closed) == 1

    converse(scenario)


async def open_stream(talk: Conversation, number: int) -> None:
    from frame_cases import frame, headers

    if number == 1:
        await talk.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0))
    await talk.send(headers(number))


def goaways(talk: Conversation) -> list[tuple[int, int]]:
    return [(one.last_stream_id, one.error_code) for one in talk.frames() if one.type == 7]  # type: ignore[attr-defined]


def test_the_second_goaway_does_not_wait_for_ever() -> None:
    async def scenario() -> None:
        app = Gate()
        talk = Conversation(app, raw=True)
        await open_stream(talk, 1)
        talk.connection.last_request()
        await talk.pass_time(10)
        assert goaways(talk) == [(2**31 - 1, NO_ERROR), (1, NO_ERROR)]
        app.open.set()
        await turns()
        assert talk.transport.closing

    converse(scenario)


@pytest.mark.parametrize("pause", [0, 3, 6])
def test_draining_an_idle_connection_closes_it(pause: int) -> None:
    """Without waiting, unless the client may still be reading its answer."""

    async def scenario() -> None:
        talk = Conversation()
        await talk.ask()
        await talk.pass_time(pause)
        assert talk.connection.idle
        talk.connection.begin_drain()
        await turns()
        talk.listen()
        assert talk.goaways == [(1, NO_ERROR)]
        assert talk.transport.closing
        assert talk.transport.lingering is (pause < 5)
        assert not talk.host.watched

    converse(scenario)


def test_a_connection_that_begins_while_the_worker_drains_ends_soon() -> None:
    async def scenario() -> None:
        talk = Conversation(raw=True)
        talk.host.draining = True
        await open_stream(talk, 1)
        assert goaways(talk) == [(2**31 - 1, NO_ERROR)]
        await talk.send(b"\0\0\x08\x06\x01\0\0\0\0pounce\0\0")
        assert goaways(talk)[1:] == [(1, NO_ERROR)]
        assert talk.transport.closing

    converse(scenario)


def test_a_client_that_only_sends_no_more_is_answered() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["method"] == "POST":
            with pytest.raises(ConnectionError):
                await read_body(receive)
            return
        await gate.wait()
        await hello(scope, receive, send)

    gate = asyncio.Event()

    async def scenario() -> None:
        talk = Conversation(app)
        whole = talk.begin(GET)
        part = talk.begin(POST, end=False)
        await talk.talk()
        talk.connection.eof_received()
        await talk.talk()
        assert talk.answer(part).status == 400
        assert not talk.transport.closing
        gate.set()
        await talk.talk()
        assert talk.answer(whole).body == b"hello /"
        assert talk.transport.closing

    converse(scenario)


def test_eof_without_requests_closes() -> None:
    async def scenario() -> None:
        talk = Conversation()
        await talk.ask()
        talk.connection.eof_received()
        await turns()
        assert talk.transport.closing

    converse(scenario)


def test_a_lost_connection_tells_every_application() -> None:
    async def scenario() -> None:
        app = Gate()
        talk = Conversation(app)
        for _ in range(5):
            talk.begin(GET)
        await talk.talk()
        talk.transport.lose(ConnectionResetError())
        await turns()
        assert app.ended == ["gone"] * 5
        assert len(talk.host.closed) == 1
        assert not talk.host.watched

    converse(scenario)


@pytest.mark.parametrize("end", ["lost", "eof", "reset", "trailers", "drain", "stall"])
@pytest.mark.parametrize("websocket", [True, False])
def test_a_refusal_that_the_client_does_not_take(end: str, websocket: bool) -> None:
    """The server's own answer waits for a window, and there is no application to tell of anything."""

    async def scenario() -> None:
        settings = {SettingCodes.INITIAL_WINDOW_SIZE: 0}
        talk = Conversation(refusal="no", websockets=object(), client_settings=settings)
        await talk.talk()
        connect = [(b":method", b"CONNECT"), *GET[1:], (b":protocol", b"websocket")]
        stream = talk.begin(connect if websocket else POST, end=False)
        talk.client.send_data(stream, b"unwanted")
        await talk.talk()
        assert talk.answer(stream).status == 503
        assert not talk.connection.idle
        if end == "lost":
            talk.transport.lose(None)
        elif end == "eof":
            talk.connection.eof_received()
            talk.client.increment_flow_control_window(1000, stream)
        elif end == "reset":
            talk.client.reset_stream(stream, CANCEL)
        elif end == "trailers":
            talk.client.send_headers(stream, [(b"x", b"y")], end_stream=True)
            talk.client.increment_flow_control_window(1000, stream)
        elif end == "drain":
            talk.connection.begin_drain()
            talk.client.increment_flow_control_window(1000, stream)
        else:
            await talk.pass_time(40)
        await talk.send(talk.client.data_to_send())  # h2 itself would not read on behind a GOAWAY
        assert talk.connection.idle
        assert talk.connection._unread == 0

    converse(scenario)


def test_refused_connections_answer_503() -> None:
    async def scenario() -> None:
        talk = Conversation(refusal="too many connections")
        answer: Answer = await talk.ask()
        assert answer.status == 503
        assert b"too many connections" in answer.body
        assert talk.host.refused == [(503, "too many connections")]
        await talk.pass_time(11)
        assert talk.transport.closing

    converse(scenario)


def test_a_connection_without_a_place_is_not_kept_for_long() -> None:
    async def scenario() -> None:
        silent = Conversation(refusal="too many connections", timeouts={"keep_alive": 75.0, "request_head": 10.0})
        await silent.talk()
        await silent.pass_time(9)
        assert not silent.transport.closing
        await silent.pass_time(2)
        assert silent.transport.closing

    converse(scenario)
