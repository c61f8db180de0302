"""Extended CONNECT (RFC 9220) with a WebSocket that is none: it notes what it hears, and does what the test says."""

from __future__ import annotations

from typing import Any

import pytest
from h3_doubles import GET, Conversation, Fields, converse, data, headers, turns

from pounce_asgi import ClientGone, RequestError, send_error_response
from pounce_h3.ahead import STREAM_BYTES

CONNECT: Fields = [(b":method", b"CONNECT"), *GET[1:], (b":protocol", b"websocket"), (b"sec-websocket-version", b"13")]


class FakeWebSocket:
    """What a carrier talks to. ``answer``: accept, refuse, or wait for the test."""

    body = None

    def __init__(self, carrier: Any, head: Any, context: Any, answer: str) -> None:
        self.carrier = carrier
        self.head = head
        self.context = context
        self.answer = answer
        self.heard: list[Any] = []

    def start(self) -> None:
        if self.answer == "accept":
            self.carrier.accept([(b"sec-websocket-protocol", b"chat")])
        elif self.answer == "refuse":
            send_error_response(self.context, self.carrier, 403, close=False)

    def data_received(self, data: bytes) -> None:
        assert type(data) is bytes
        self.heard.append(data)

    def eof_received(self) -> None:
        self.heard.append("eof")

    def writable(self) -> None:
        self.heard.append("writable")

    def connection_lost(self, error: OSError | None) -> None:
        self.heard.append(("lost", type(error)))

    def begin_drain(self) -> None:
        self.heard.append("drain")

    def client_gone(self) -> None:
        self.heard.append("gone")

    def half_closed(self) -> None:
        self.heard.append("half")

    def fail_request(self, error: RequestError) -> None:
        self.heard.append(("failed", error.status))

    def resume_sending(self) -> None:
        self.heard.append("resume")


class FakeWire:
    def __init__(self, answer: str = "accept") -> None:
        self.answer = answer
        self.made: list[FakeWebSocket] = []

    def handshake(self, head: Any) -> str:
        if (b"sec-websocket-version", b"13") not in head.headers:
            error = RequestError("which version?", status=400)
            error.fields = ((b"sec-websocket-version", b"13"),)  # type: ignore[attr-defined]
            raise error
        return "handshake"

    def connect(self, carrier: Any, head: Any, peer: Any, context: Any, handshake: Any) -> FakeWebSocket:
        assert handshake == "handshake"
        self.made.append(FakeWebSocket(carrier, head, context, self.answer))
        return self.made[-1]


async def connected(answer: str = "accept", *pieces: bytes, end: bool = False) -> tuple[Conversation, FakeWebSocket]:
    """On stream 0."""
    wire = FakeWire(answer)
    talk = Conversation(websockets=wire)
    talk.next_id = 4
    await talk.send(0, headers(CONNECT), *pieces, end=end)
    (websocket,) = wire.made
    return talk, websocket


def test_bytes_in_both_directions() -> None:
    async def scenario() -> None:
        talk, websocket = await connected()
        assert talk.answer(0).fields == {b":status": b"200", b"sec-websocket-protocol": b"chat"}
        assert websocket.head.method == "CONNECT"
        assert websocket.head.http_version == "3"
        assert not websocket.head.has_body
        before = talk.quic.credits[0]
        sent = data(bytes(500_000))
        await talk.send(0, *[sent[start : start + 1200] for start in range(0, len(sent), 1200)])
        assert sum(map(len, websocket.heard)) == 500_000
        assert talk.quic.credits[0] == before + len(sent)
        websocket.carrier.write(b"hello")
        websocket.carrier.write(b" you")
        await talk.settle()
        assert talk.answer(0).body == b"hello you"
        assert talk.transport.flushes

    converse(scenario)


def test_both_say_goodbye() -> None:
    async def scenario() -> None:
        talk, websocket = await connected()
        await talk.send(0, data(b"bye"), end=True)
        assert websocket.heard == [b"bye", "eof"]
        websocket.carrier.finish()
        websocket.carrier.finish()
        websocket.carrier.write(b"too late")
        await talk.settle()
        assert talk.answer(0).ended
        assert talk.answer(0).body == b""
        assert websocket.heard[2:] == [("lost", type(None))]
        assert talk.connection.idle

    converse(scenario)


def test_the_server_ends_first() -> None:
    async def scenario() -> None:
        talk, websocket = await connected()
        websocket.carrier.finish()
        await talk.settle()
        assert talk.answer(0).ended
        assert not talk.quic.stops
        await talk.send(0, data(b"late"), end=True)
        assert websocket.heard == [("lost", type(None))]
        assert talk.connection.idle

    converse(scenario)


def test_a_client_that_does_not_end_its_side() -> None:
    async def scenario() -> None:
        talk, websocket = await connected()
        websocket.carrier.finish()
        await talk.settle()
        await talk.pass_time(6)
        assert talk.quic.stops == {0: 0x10C}
        assert websocket.heard == [("lost", type(None))]
        assert talk.connection.idle

    converse(scenario)


def test_pausing_closes_the_window_of_this_stream_only() -> None:
    async def scenario() -> None:
        talk, websocket = await connected()
        websocket.carrier.pause_reading()
        before = talk.quic.credits[0]
        await talk.send(0, data(bytes(200_000)))
        assert websocket.heard == []
        assert talk.quic.credits[0] == before + 5
        assert (await talk.ask()).body == b"hello /"
        websocket.carrier.resume_reading()
        await talk.settle()
        assert sum(map(len, websocket.heard)) == 200_000
        assert talk.quic.credits[0] == before + 5 + 200_000

    converse(scenario)


def test_what_comes_early_waits_for_the_handshake() -> None:
    async def scenario() -> None:
        _talk, websocket = await connected("wait", data(b"early"), end=True)
        assert websocket.heard == []
        websocket.carrier.accept([])
        assert websocket.heard == []
        await turns()
        assert websocket.heard == [b"early", "eof"]

    converse(scenario)


def test_a_handshake_that_is_refused() -> None:
    async def scenario() -> None:
        talk, websocket = await connected("refuse")
        answer = talk.answer(0)
        assert (answer.status, answer.ended, answer.reset) == (403, True, None)
        assert talk.quic.stops == {0: 0x100}
        assert talk.connection.idle
        assert websocket.heard == []

    converse(scenario)


def test_a_client_that_leaves() -> None:
    async def scenario() -> None:
        for answer, heard in (("accept", ("lost", type(None))), ("wait", "gone")):
            for stop in (True, False):
                talk, websocket = await connected(answer)
                (talk.connection.sending_stopped if stop else talk.connection.stream_reset)(0, 0x10C)
                await talk.settle()
                assert websocket.heard == [heard]
        talk, websocket = await connected()
        await talk.leave(0x102)
        assert websocket.heard == [("lost", ClientGone)]

    converse(scenario)


def test_a_slow_client() -> None:
    async def scenario() -> None:
        talk, websocket = await connected()
        talk.quic.room[0] = 100
        websocket.carrier.write(bytes(100_000))
        await talk.settle()
        assert websocket.carrier.congested
        assert len(talk.quic.sent[0]) <= STREAM_BYTES + 200
        talk.quic.room.clear()
        await talk.settle()
        assert not websocket.carrier.congested
        assert websocket.heard == ["writable"]
        assert len(talk.answer(0).body) == 100_000

    converse(scenario)


def test_draining() -> None:
    async def scenario() -> None:
        talk, websocket = await connected()
        talk.connection.begin_drain()
        assert websocket.heard == ["drain"]
        websocket.carrier.finish()
        await talk.send(0, b"", end=True)
        await talk.pass_time(5)
        assert talk.quic.closed == (0x100, "")

    converse(scenario)


def test_a_websocket_has_no_deadline_of_a_body() -> None:
    async def scenario() -> None:
        talk, websocket = await connected()
        await talk.send(0, data(b"x"))
        await talk.pass_time(200)
        assert websocket.heard == [b"x"]
        assert talk.quic.closed is None

    converse(scenario)


@pytest.mark.parametrize(
    ("fields", "status"),
    [(CONNECT[:-1], 400), ([*CONNECT[:4], (b":protocol", b"connect-udp")], 501)],
)
def test_requests_for_something_else(fields: Fields, status: int) -> None:
    async def scenario() -> None:
        talk = Conversation(websockets=FakeWire())
        answer = await talk.send(0, headers(fields))
        assert answer.status == status
        if status == 400:
            assert answer.fields[b"sec-websocket-version"] == b"13"
        assert len(talk.host.refused) == 1
        assert talk.connection.idle

    converse(scenario)


@pytest.mark.parametrize("fields", [[*GET, (b":protocol", b"websocket")], [CONNECT[0], GET[3], CONNECT[4]]])
def test_malformed(fields: Fields) -> None:
    async def scenario() -> None:
        talk = Conversation(websockets=FakeWire())
        await talk.send(0, headers(fields))
        assert talk.quic.resets == {0: 0x10E}

    converse(scenario)
