"""Conversations: accepting, messages in both directions, and every way in which they end."""

from __future__ import annotations

import asyncio
import logging
import zlib
from typing import Any

import pytest
from websocket_doubles import (
    BINARY,
    CLOSE,
    CONNECT,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    Conversation,
    Echo,
    Frame,
    Message,
    close,
    frame,
    run,
    text,
    turns,
    with_fields,
)

from pounce_asgi import Listeners, RequestTimeout

DEFLATE = with_fields((b"sec-websocket-extensions", b"permessage-deflate; client_max_window_bits"))


class Script:
    """Accepts, then waits for ``go`` before each step: a message to send, or None to receive one."""

    def __init__(self, *steps: Message | None, accept: bool = True) -> None:
        self.steps = steps
        self.accept = accept
        self.go = asyncio.Semaphore(0)
        self.received: list[Message] = []
        self.raised: list[Exception] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        if self.accept:
            await send({"type": "websocket.accept"})
        for step in self.steps:
            await self.go.acquire()
            try:
                if step is None:
                    self.received.append(await receive())
                else:
                    await send(step)
            except OSError as error:
                self.raised.append(error)

    async def step(self, count: int = 1) -> None:
        for _ in range(count):
            self.go.release()
        await turns()


def sends(content: str | bytes) -> Message:
    return {"type": "websocket.send", "text" if isinstance(content, str) else "bytes": content}


def disconnect(code: int, reason: str = "") -> Message:
    return {"type": "websocket.disconnect", "code": code, "reason": reason}


def received(content: str) -> Message:
    return {"type": "websocket.receive", "text": content}


# -- accepting ---------------------------------------------------------------------------------------------------------


def test_an_accepted_handshake_is_answered_with_the_proof() -> None:
    async def main() -> None:
        talk = await Conversation(Echo()).start()
        assert talk.carrier.accepted == {b"sec-websocket-accept": b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}  # RFC 6455, 1.3
        assert talk.connection.head_on_wire
        assert not talk.connection.idle

    run(main)


def test_over_http2_there_is_no_proof() -> None:
    async def main() -> None:
        talk = await Conversation(Echo(), CONNECT).start()
        assert talk.carrier.accepted == {}
        await talk.say(text("hello"))
        assert talk.messages == ["hello"]

    run(main)


def test_subprotocol_and_fields_of_the_application() -> None:
    async def main() -> None:
        app = Echo(subprotocol="chat.v2", headers=[(b"X-Token", b"1"), (b"connection", b"close"), (b"date", b"x")])
        head = with_fields((b"sec-websocket-protocol", b"chat.v1, chat.v2"))
        talk = await Conversation(app, head).start()
        assert talk.carrier.accepted is not None
        assert talk.carrier.accepted.pop(b"sec-websocket-accept")
        assert talk.carrier.accepted == {b"sec-websocket-protocol": b"chat.v2", b"x-token": b"1"}

    run(main)


def test_compression_is_agreed_on_unless_it_is_switched_off() -> None:
    async def main() -> None:
        talk = await Conversation(Echo(), DEFLATE).start()
        assert talk.carrier.accepted is not None
        assert talk.carrier.accepted[b"sec-websocket-extensions"] == b"permessage-deflate; client_max_window_bits=12"
        talk = await Conversation(Echo(), DEFLATE, ws_per_message_deflate=False).start()
        assert talk.carrier.accepted is not None
        assert b"sec-websocket-extensions" not in talk.carrier.accepted
        await talk.say(frame(TEXT, b"\xf2\x48\xcd\xc9\xc9\x07\x00", rsv=4))
        assert talk.goodbye is not None
        assert talk.goodbye[0] == 1002

    run(main)


# -- messages ----------------------------------------------------------------------------------------------------------


def test_messages_come_back_in_order() -> None:
    async def main() -> None:
        app = Echo()
        talk = await Conversation(app).start()
        contents: list[str | bytes] = [
            "",
            "hello",
            b"",
            b"\x00\xff",
            "wörld",
            "x" * 125,
            "x" * 126,
            b"y" * 65535,
            b"z" * 65536,
        ]
        for one in contents:
            await talk.say(text(one) if isinstance(one, str) else frame(BINARY, one))
        assert talk.messages == contents
        await talk.say(b"".join(text(f"{i}") for i in range(1000)))
        await turns(2000)
        assert talk.messages[len(contents) :] == [f"{i}" for i in range(1000)]

    run(main)


def test_a_large_message_is_sent_compressed_where_that_was_agreed_on() -> None:
    async def main() -> None:
        talk = await Conversation(Echo(), DEFLATE).start()
        inflater = zlib.decompressobj(-15)
        for content in ("small" * 20, "large" * 1000, "large" * 1000):
            await talk.say(text(content))
            sent = talk.frames[-1]
            assert sent.rsv == (4 if content[0] == "l" else 0)
            if sent.rsv:
                assert inflater.decompress(sent.payload + b"\x00\x00\xff\xff").decode() == content
                assert len(sent.payload) < 100

    run(main)


def test_pings_are_answered_while_the_application_is_busy() -> None:
    async def main() -> None:
        talk = await Conversation(Script(None)).start()
        await talk.say(text("unread"), frame(PING, b"one"), frame(PING, b"two") + frame(PONG, b"three"))
        assert talk.frames == [Frame(PONG, b"one"), Frame(PONG, b"two")]

    run(main)


# -- back-pressure -----------------------------------------------------------------------------------------------------


def test_reading_pauses_when_enough_messages_wait() -> None:
    async def main() -> None:
        app = Script(*[None] * 30)
        talk = await Conversation(app, ws_max_queue=4).start()
        await talk.say(text("0"), text("1"), text("2"))
        assert not talk.carrier.paused
        await talk.say(text("3") + text("4") + text("5"))
        assert talk.carrier.paused
        assert len(talk.connection.exchange.messages) == 4
        await talk.say(*(text(f"{i}") for i in range(6, 10)))  # what a carrier had read already
        assert len(talk.connection.exchange.messages) == 4
        await app.step()
        assert talk.carrier.paused
        await app.step(3)
        assert len(talk.connection.exchange.messages) == 4
        assert talk.carrier.paused
        await app.step(6)
        assert not talk.carrier.paused
        assert [one["text"] for one in app.received] == [f"{i}" for i in range(10)]
        await talk.say(close())
        await app.step()
        assert app.received[-1] == disconnect(1000)
        assert talk.goodbye == (1000, "")

    run(main)


def test_reading_pauses_when_enough_bytes_wait() -> None:
    async def main() -> None:
        app = Script(None, None, None)
        talk = await Conversation(app).start()
        await talk.say(frame(BINARY, b"x" * 600_000))
        assert not talk.carrier.paused
        await talk.say(frame(BINARY, b"x" * 600_000))
        assert talk.carrier.paused
        await app.step(2)
        assert not talk.carrier.paused

    run(main)


def compressed(content: str) -> list[bytes]:
    """A message for DEFLATE in one frame, and in two with a ping between them."""
    deflater = zlib.compressobj(wbits=-15)
    data = (deflater.compress(content.encode()) + deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]
    assert len(data) > 256
    parts = frame(TEXT, data[:-5], fin=False, rsv=4) + frame(PING, b"p") + frame(CONTINUATION, data[-5:])
    return [frame(TEXT, data, rsv=4), parts]


@pytest.mark.parametrize("chop", [97, 10**9])
def test_compressed_messages_wait_for_who_receives(chop: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them may be a thousand times as large as what came of it."""
    for module in ("making", "reader"):
        monkeypatch.setattr(f"pounce_websocket.{module}.TURN_BYTES", 1 << 30)  # whole in the turn in which it is wanted
    large = "x" * 3_000_000

    async def main() -> None:
        app = Script(*[None] * 7)
        talk = await Conversation(app, DEFLATE).start()
        whole, parts = compressed(large)
        wire = text("a") + whole + text("b") + parts + whole + close()
        await talk.say(*(wire[start : start + chop] for start in range(0, len(wire), chop)))
        assert talk.carrier.paused
        assert len(talk.connection.exchange.messages) == 1
        for count in range(1, 7):
            await app.step()
            assert [len(one.get("text", "")) for one in app.received] == [1, len(large), 1, len(large), len(large), 0][
                :count
            ]
            assert sum(len(one["text"]) for one in talk.connection.exchange.messages) <= 1
        assert app.received[-1] == disconnect(1000)
        assert talk.goodbye == (1000, "")
        assert any(one.opcode == PONG for one in talk.frames)

    run(main)


def test_small_compressed_messages_wait_in_the_queue() -> None:
    async def main() -> None:
        app = Script(None, None)
        talk = await Conversation(app, DEFLATE).start()
        await talk.say(frame(TEXT, b"\xf2\x48\xcd\xc9\xc9\x07\x00", rsv=4))
        assert not talk.carrier.paused
        assert len(talk.connection.exchange.messages) == 1

    run(main)


def test_what_waited_is_there_after_the_client_has_gone() -> None:
    async def main() -> None:
        app = Script(None, None)
        talk = await Conversation(app, DEFLATE).start()
        await talk.say(compressed("y" * 300_000)[0])
        talk.connection.connection_lost(None)
        await app.step(2)
        assert [len(one.get("text", "")) for one in app.received] == [300_000, 0]
        assert app.received[-1]["code"] == 1006

    run(main)


def test_who_has_closed_hears_the_answer_behind_what_waits() -> None:
    async def main() -> None:
        app = Script({"type": "websocket.close", "code": 1000})
        talk = await Conversation(app, DEFLATE).start()
        await talk.say(*compressed("z" * 300_000))
        assert talk.carrier.paused
        await app.step()
        await talk.say(close())
        assert talk.carrier.finished

    run(main)


# -- turns -------------------------------------------------------------------------------------------------------------


FRAGMENTS = text("a", fin=False) + frame(CONTINUATION, b"x", fin=False) * 998 + frame(CONTINUATION, b"z")
WHOLE = "a" + "x" * 998 + "z"


def test_others_have_their_turn_among_many_fragments() -> None:
    async def main() -> None:
        app = Echo()
        talk = await Conversation(app).start()
        loop = asyncio.get_running_loop()
        others = 0

        def other() -> None:
            nonlocal others
            if talk.carrier.paused:
                others += 1
                loop.call_soon(other)

        talk.connection.data_received(FRAGMENTS + frame(PING, b"p") + text("last"))
        assert talk.carrier.paused  # no more comes before this is read
        loop.call_soon(other)
        talk.connection.data_received(text("what a carrier had read already"))
        await turns()
        assert others == 2  # one between each two of the three turns that followed
        assert not talk.carrier.paused
        assert talk.carrier.pauses == 1
        assert app.contents == [WHOLE, "last", "what a carrier had read already"]
        await talk.say(close())
        assert talk.goodbye == (1000, "")

    run(main)


@pytest.mark.parametrize("end", ["eof", "lost", "close", "broken"])
def test_what_came_before_the_end_is_read_in_many_turns_too(end: str) -> None:
    async def main() -> None:
        app = Echo()
        talk = await Conversation(app).start()
        last = {"close": close(4000, "bye"), "broken": frame(CONTINUATION, b"x")}.get(end, b"")
        talk.connection.data_received(FRAGMENTS + text("last") + last)
        if end == "eof":
            talk.connection.eof_received()
        elif end == "lost":
            talk.connection.connection_lost(None)
        await turns(20)
        assert app.contents == [WHOLE, "last"]
        assert app.disconnect is not None
        assert app.disconnect[0] == {"eof": 1006, "lost": 1006, "close": 4000, "broken": 1002}[end]
        assert talk.carrier.finished == (end != "lost")
        assert not talk.context.running

    run(main)


def test_a_goodbye_of_the_application_among_many_fragments() -> None:
    async def main() -> None:
        app = Script({"type": "websocket.close", "code": 4001})
        talk = await Conversation(app).start()
        scheduled = 0
        call_soon = talk.host.loop.call_soon

        def counted(callback: Any, *args: Any, **more: Any) -> Any:
            nonlocal scheduled
            scheduled += getattr(callback, "__self__", None) is talk.connection
            return call_soon(callback, *args, **more)

        talk.host.loop.call_soon = counted  # type: ignore[assignment,method-assign]
        talk.connection.data_received(FRAGMENTS * 3 + close(4001))
        await app.step()
        await turns(20)
        assert scheduled == 11  # one turn after the other, and never two at once
        assert talk.goodbye == (4001, "")
        assert talk.carrier.finished

    run(main)


def test_nothing_is_read_on_for_a_websocket_that_is_given_up() -> None:
    async def main() -> None:
        app = Echo()
        talk = await Conversation(app).start()
        talk.connection.data_received(FRAGMENTS)
        talk.connection.abandon()
        await turns()
        assert app.contents == []
        assert not talk.context.running

    run(main)


def test_send_waits_while_the_client_does_not_read() -> None:
    async def main() -> None:
        app = Script(sends("1"), sends("2"), None)
        talk = await Conversation(app).start()
        talk.carrier.congest_from = 1
        await app.step(2)
        assert talk.messages == ["1"]
        talk.carrier.congest_from = None
        talk.carrier.congested = False
        talk.connection.writable()
        await turns()
        assert talk.messages == ["1", "2"]

    run(main)


def test_a_client_that_only_pings_and_never_reads_gets_the_last_answer() -> None:
    async def main() -> None:
        talk = await Conversation(Echo()).start()
        talk.carrier.congested = True
        await talk.say(*(frame(PING, b"%d" % i) for i in range(1000)))
        assert talk.frames == []
        talk.carrier.congested = False
        talk.connection.writable()
        assert talk.frames == [Frame(PONG, b"999")]

    run(main)


# -- the closing handshake ---------------------------------------------------------------------------------------------


def test_the_client_says_goodbye() -> None:
    async def main() -> None:
        for code, reason in ((1000, ""), (1001, "bye"), (3000, "ünicode"), (4999, "x" * 123)):
            app = Echo()
            talk = await Conversation(app).start()
            await talk.say(close(code, reason))
            assert talk.goodbye == (code, reason)
            assert app.disconnect == (code, reason)
            assert talk.carrier.finished
            assert not talk.context.running
            assert not talk.host.watched

    run(main)


def test_a_goodbye_without_a_code() -> None:
    async def main() -> None:
        app = Echo()
        talk = await Conversation(app).start()
        await talk.say(frame(CLOSE))
        assert talk.goodbye == (None, "")
        assert app.disconnect == (1005, "")

    run(main)


@pytest.mark.parametrize("together", [True, False])
def test_what_came_before_a_goodbye_is_delivered_and_may_be_answered(together: bool) -> None:
    async def main() -> None:
        app = Echo()
        talk = await Conversation(app).start()
        wire = text("1") + text("2") + close(1000, "bye")
        await talk.say(*([wire] if together else [wire[i : i + 1] for i in range(len(wire))]))
        assert talk.messages == ["1", "2"]
        assert app.contents == ["1", "2"]
        assert app.disconnect == (1000, "bye")
        assert talk.goodbye == (1000, "bye")
        assert app.refused is None

    run(main)


def test_a_goodbye_behind_a_full_queue() -> None:
    async def main() -> None:
        app = Echo()
        talk = await Conversation(app, ws_max_queue=1).start()
        await talk.say(*(text(f"{i}") for i in range(20)), close(1000, "bye"))
        await turns(100)
        assert talk.messages == [f"{i}" for i in range(20)]
        assert app.disconnect == (1000, "bye")

    run(main)


def test_a_goodbye_is_answered_in_time_by_whoever_does_not_receive() -> None:
    async def main() -> None:
        app = Script(sends("late"), None, None)
        talk = await Conversation(app).start()
        await talk.say(text("unread"), close(1000, "bye"))
        assert talk.goodbye is None
        talk.host.pass_time(9.9)
        assert talk.goodbye is None
        talk.host.pass_time(0.2)
        assert talk.goodbye == (1000, "bye")
        assert talk.carrier.finished
        await app.step(3)
        assert len(app.raised) == 1
        assert app.received == [received("unread"), disconnect(1000, "bye")]

    run(main)


def test_an_application_that_only_sends_hears_at_once_that_its_client_has_left() -> None:
    async def main() -> None:
        app = Script(sends("1"), sends("2"), sends("3"))
        talk = await Conversation(app).start()
        await app.step()
        await talk.say(close())
        await app.step(2)
        assert talk.messages == ["1"]
        assert len(app.raised) == 2
        assert all(isinstance(error, OSError) for error in app.raised)

    run(main)


def test_the_application_says_goodbye() -> None:
    async def main() -> None:
        app = Script({"type": "websocket.close", "code": 4000, "reason": "enough"}, None)
        talk = await Conversation(app).start()
        await app.step(2)
        assert talk.goodbye == (4000, "enough")
        assert app.received == [disconnect(4000, "enough")]
        assert not talk.carrier.finished
        await talk.say(text("crossing"), frame(PING, b"crossing"), close(4000))
        assert talk.carrier.finished
        assert [one.opcode for one in talk.frames] == [CLOSE]
        assert not talk.host.watched

    run(main)


def test_a_reason_that_is_too_long_is_cut_between_characters() -> None:
    async def main() -> None:
        app = Script({"type": "websocket.close", "reason": "ä" * 100})
        talk = await Conversation(app).start()
        await app.step()
        assert talk.goodbye == (1000, "ä" * 61)

    run(main)


def test_a_client_that_does_not_answer_a_goodbye_is_left() -> None:
    async def main() -> None:
        app = Script({"type": "websocket.close"})
        talk = await Conversation(app).start()
        await app.step()
        talk.host.pass_time(9.9)
        assert not talk.carrier.finished
        talk.host.pass_time(0.2)
        assert talk.carrier.finished
        assert not talk.host.watched

    run(main)


def test_a_goodbye_of_the_application_opens_a_full_queue() -> None:
    async def main() -> None:
        app = Script({"type": "websocket.close"})
        talk = await Conversation(app, ws_max_queue=1).start()
        await talk.say(*(text("x") for _ in range(5)))
        assert talk.carrier.paused
        await app.step()
        assert not talk.carrier.paused
        await talk.say(close())
        assert talk.carrier.finished

    run(main)


def test_the_clients_goodbye_among_what_waited_ends_ours() -> None:
    async def main() -> None:
        app = Script({"type": "websocket.close", "code": 4000})
        talk = await Conversation(app, ws_max_queue=1).start()
        await talk.say(text("1"), text("2") + close(1001))
        await app.step()
        assert talk.goodbye == (4000, "")
        assert talk.carrier.finished

    run(main)


# -- other ends --------------------------------------------------------------------------------------------------------


def test_return_is_a_goodbye_and_an_exception_too(caplog: pytest.LogCaptureFixture) -> None:
    async def returns(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})

    async def raises(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        raise ValueError("mine")

    async def main() -> None:
        talk = await Conversation(returns).start()
        assert talk.goodbye == (1000, "")
        assert not caplog.records
        talk = await Conversation(raises).start()
        assert talk.goodbye == (1011, "")
        assert not talk.carrier.finished
        await talk.say(close(1011))
        assert talk.carrier.finished

    run(main)
    assert ["GET /chat" in record.getMessage() for record in caplog.records] == [True]


BAD: dict[str, tuple[bytes, int]] = {
    "protocol": (frame(CONTINUATION, b"x"), 1002),
    "utf8": (frame(TEXT, b"\xff"), 1007),
    "size": (frame(BINARY, b"x" * 101), 1009),
    "control": (frame(PING, b"x" * 126), 1002),
    "code": (close(1005), 1002),
    "empty": (frame(TEXT, fin=False) + frame(CONTINUATION, fin=False) * 1000, 1008),
}


@pytest.mark.parametrize("name", BAD)
def test_a_broken_rule_is_told_to_both_sides_and_to_the_operator(name: str) -> None:
    async def main() -> None:
        wire, code = BAD[name]
        app = Echo()
        talk = await Conversation(app, ws_max_size=100).start()
        await talk.say(text("before") + wire + text("after"))
        assert talk.goodbye is not None
        assert talk.goodbye[0] == code
        assert talk.goodbye[1]
        assert talk.messages == ["before"]  # what was right is answered
        assert app.contents == ["before"]
        assert app.disconnect == talk.goodbye
        assert talk.carrier.finished
        ((status, detail),) = talk.host.refusals
        assert status == 0
        assert str(code) in detail
        assert talk.host.told == [name in ("size", "empty")], "limits are told to listeners"
        talk.connection.data_received(text("more"))
        assert app.contents == ["before"]
        talk.connection.connection_lost(None)
        assert not talk.context.running

    run(main)


def test_a_broken_rule_behind_a_full_queue() -> None:
    async def main() -> None:
        app = Echo()
        talk = await Conversation(app, ws_max_queue=1).start()
        await talk.say(text("1") + text("2") + frame(CONTINUATION, b"x"))
        assert app.contents == ["1", "2"]
        assert app.disconnect is not None
        assert app.disconnect[0] == 1002

    run(main)


@pytest.mark.parametrize("error", [None, ConnectionResetError()])
def test_a_client_that_vanishes(error: OSError | None) -> None:
    async def main() -> None:
        app = Script(None, None, None, sends("late"))
        talk = await Conversation(app).start()
        await talk.say(text("1") + text("2")[:4])
        talk.connection.connection_lost(error)
        await app.step(4)
        assert app.received == [received("1"), disconnect(1006), disconnect(1006)]
        assert len(app.raised) == 1
        assert not talk.host.watched
        assert talk.goodbye is None

    run(main)


@pytest.mark.parametrize("end", ["lost", "eof"])
@pytest.mark.parametrize("goodbye", [True, False])
def test_what_was_read_before_a_client_vanished_is_delivered(end: str, goodbye: bool) -> None:
    async def main() -> None:
        app = Script(*[None] * 12)
        talk = await Conversation(app, ws_max_queue=2).start()
        await talk.say(b"".join(text(f"{i}") for i in range(10)) + (close(1001, "bye") if goodbye else b""))
        if end == "lost":
            talk.connection.connection_lost(None)
        else:
            talk.connection.eof_received()
        for _ in range(12):
            await app.step()
        expected = disconnect(1001, "bye") if goodbye else disconnect(1006)
        assert app.received == [*(received(f"{i}") for i in range(10)), expected, expected]
        assert (talk.goodbye == (1001, "bye")) is (goodbye and end == "eof")

    run(main)


def test_the_end_of_the_bytes_without_a_goodbye() -> None:
    async def main() -> None:
        app = Echo()
        talk = await Conversation(app).start()
        talk.connection.eof_received()
        await turns()
        assert app.disconnect == (1006, "")
        assert talk.carrier.finished
        talk.connection.connection_lost(None)

    run(main)


def test_the_end_of_the_bytes_after_a_goodbye_leaves_time_for_answers() -> None:
    async def main() -> None:
        app = Echo()
        talk = await Conversation(app).start()
        talk.connection.data_received(text("question") + close())
        talk.connection.eof_received()
        await turns()
        assert talk.messages == ["question"]
        assert talk.goodbye == (1000, "")
        assert talk.carrier.finished

    run(main)


def test_a_connection_that_is_lost_after_its_goodbye_has_not_vanished() -> None:
    records: list[str] = []

    def note(record: Any) -> None:
        records.append(f"{type(record).__name__} {getattr(record, 'aborted', '')}".strip())

    async def main() -> None:
        app = Script(None, None)
        listeners = Listeners(client_disconnected=note, response_completed=note)
        talk = await Conversation(app, listeners=listeners).start()
        await talk.say(text("unread") + close(1001, "bye"))
        talk.connection.connection_lost(None)
        await app.step(2)
        assert app.received == [received("unread"), disconnect(1001, "bye")]
        assert records == ["ResponseCompleted False"]

    run(main)


def test_send_raises_when_the_client_vanishes_while_it_waits() -> None:
    async def main() -> None:
        app = Script(sends("1"), sends("2"))
        talk = await Conversation(app).start()
        talk.carrier.congest_from = 1
        await app.step()
        assert not app.raised
        talk.connection.connection_lost(None)
        await turns()
        assert len(app.raised) == 1

    run(main)


def test_the_server_restarts() -> None:
    async def main() -> None:
        app = Script(None, None, sends("late"))
        talk = await Conversation(app).start()
        await talk.say(text("before"))
        talk.connection.begin_drain()
        talk.connection.begin_drain()
        assert talk.goodbye == (1012, "the server restarts")
        await talk.say(text("crossing"))
        await app.step(3)
        assert app.received == [received("before"), disconnect(1012, "the server restarts")]
        assert len(app.raised) == 1
        await talk.say(close(1012))
        assert talk.carrier.finished

    run(main)


@pytest.mark.parametrize("whose", ["host", "connection"])
def test_a_websocket_that_opens_while_the_server_restarts(whose: str) -> None:
    async def main() -> None:
        app = Echo()
        talk = Conversation(app)
        if whose == "host":
            talk.host.draining = True
        else:
            talk.connection.begin_drain()
        await talk.start()
        assert talk.carrier.accepted is not None
        assert talk.goodbye == (1012, "the server restarts")
        assert app.disconnect == (1012, "the server restarts")

    run(main)


def test_a_server_that_stops_gives_up() -> None:
    async def main() -> None:
        app = Echo()
        talk = await Conversation(app).start()
        talk.connection.abandon()
        await turns()
        assert talk.carrier.was_reset
        assert app.disconnect == (1006, "the server has stopped")
        assert not talk.host.watched
        app2 = Script({"type": "websocket.close"})
        talk = await Conversation(app2).start()
        await app2.step()
        talk.connection.abandon()
        assert talk.carrier.was_reset

    run(main)


def test_cancelled_applications_say_goodbye(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        talk = await Conversation(Echo()).start()
        (task,) = talk.context.running
        task.cancel()
        await turns()
        assert talk.goodbye == (1011, "")

    run(main)
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


# -- pings of ours -----------------------------------------------------------------------------------------------------


def test_an_idle_client_is_pinged_and_may_answer() -> None:
    async def main() -> None:
        app = Echo()
        talk = await Conversation(app, ws_ping_interval=20.0, ws_ping_timeout=10.0).start()
        talk.host.pass_time(19.9)
        assert talk.frames == []
        for count in range(1, 4):
            talk.host.pass_time(0.2)
            assert talk.frames == [Frame(PING, b"")] * count
            await talk.say(frame(PONG))
            talk.host.pass_time(10.0)
            talk.host.pass_time(9.9)
            assert len(talk.frames) == count
        assert app.received == []

    run(main)


def test_a_client_that_answers_no_ping_is_given_up() -> None:
    async def main() -> None:
        app = Echo()
        talk = await Conversation(app, ws_ping_interval=20.0, ws_ping_timeout=10.0).start()
        await talk.say(text("hello"))
        talk.host.pass_time(20.0)
        talk.host.pass_time(9.9)
        assert not talk.carrier.finished
        talk.host.pass_time(0.2)
        assert talk.carrier.finished
        assert talk.goodbye == (1011, "no answer to a ping")
        await turns()
        assert app.disconnect == (1006, "the client answered no ping")

    run(main)


def test_bytes_of_a_large_message_are_an_answer_too() -> None:
    async def main() -> None:
        talk = await Conversation(Echo(), ws_ping_interval=20.0, ws_ping_timeout=10.0).start()
        wire = frame(BINARY, b"x" * 100_000)
        for i in range(10):
            talk.host.pass_time(10.0)
            talk.connection.data_received(wire[i * 5000 : i * 5000 + 5000])
        assert not talk.carrier.finished

    run(main)


def test_a_client_is_not_given_up_while_nobody_listens_to_it() -> None:
    async def main() -> None:
        app = Script(None, None)
        talk = await Conversation(app, ws_ping_interval=20.0, ws_ping_timeout=10.0, ws_max_queue=1).start()
        await talk.say(text("unread"))
        assert talk.carrier.paused
        for _ in range(10):
            talk.host.pass_time(20.0)
        assert not talk.carrier.finished
        await app.step()
        talk.host.pass_time(10.0)
        assert talk.carrier.finished

    run(main)


def test_without_an_interval_there_are_no_pings_and_without_a_timeout_no_end() -> None:
    async def main() -> None:
        talk = await Conversation(Echo(), ws_ping_interval=None).start()
        other = await Conversation(Echo(), ws_ping_interval=20.0, ws_ping_timeout=None).start()
        for _ in range(10):
            talk.host.pass_time(20.0)
            other.host.pass_time(20.0)
        assert talk.frames == []
        assert other.frames == [Frame(PING, b"")] * 10

    run(main)


# -- before it is accepted ---------------------------------------------------------------------------------------------


def test_the_surface_of_an_exchange() -> None:
    async def main() -> None:
        talk = await Conversation(Script(None, accept=False)).start()
        connection = talk.connection
        assert connection.body is None
        assert connection.head.raw_path == b"/chat"
        assert not connection.head_on_wire
        assert not connection.awaits_continue()
        assert connection.feed(b"early") is False
        connection.finish_body()
        connection.resume_sending()
        connection.client_gone()

    run(main)


@pytest.mark.parametrize("how", ["client_gone", "connection_lost", "half_closed"])
def test_a_client_that_leaves_before_it_is_answered(how: str) -> None:
    async def main() -> None:
        app = Script(None, {"type": "websocket.accept"}, accept=False)
        talk = await Conversation(app).start()
        await app.step()
        if how == "client_gone":
            talk.connection.client_gone()
        elif how == "connection_lost":
            talk.connection.connection_lost(None)
        else:
            talk.connection.half_closed()
        await app.step()
        assert app.received == [disconnect(1006)]
        if how == "half_closed":  # it may still read
            assert talk.carrier.accepted is not None
            talk.connection.half_closed()
            assert talk.carrier.finished
        else:
            assert len(app.raised) == 1
            assert talk.carrier.accepted is None

    run(main)


def test_a_handshake_that_fails_and_one_that_is_abandoned() -> None:
    async def main() -> None:
        app = Script(None, accept=False)
        talk = await Conversation(app).start()
        talk.connection.fail_request(RequestTimeout("too slow"))
        await app.step()
        assert (talk.carrier.status, talk.carrier.closes) == (408, True)
        assert app.received == [disconnect(1006)]
        app = Script(None, accept=False)
        talk = await Conversation(app).start()
        talk.connection.abandon()
        await app.step()
        assert talk.carrier.was_reset
        assert app.received == [disconnect(1006, "the server has stopped")]

    run(main)
