"""Extended CONNECT (RFC 8441) with a WebSocket that is none: it notes what it hears, and does what the test says."""

from __future__ import annotations

from typing import Any

import pytest
from h2.settings import SettingCodes
from h2_doubles import GET, Conversation, converse, turns

from pounce_asgi import RequestError, send_error_response

CONNECT = [(b":method", b"CONNECT"), *GET[1:], (b":protocol", b"websocket"), (b"sec-websocket-version", b"13")]


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


async def connected(answer: str = "accept") -> tuple[Conversation, FakeWebSocket, int]:
    wire = FakeWire(answer)
    talk = Conversation(websockets=wire)
    await talk.talk()
    stream = talk.begin(CONNECT, end=False)
    await talk.talk()
    (websocket,) = wire.made
    return talk, websocket, stream


def test_the_setting_is_told() -> None:
    async def scenario() -> None:
        for wire, wanted in ((FakeWire(), 1), (None, 0)):
            talk = Conversation(websockets=wire)
            await talk.talk()
            assert talk.client.remote_settings[SettingCodes.ENABLE_CONNECT_PROTOCOL] == wanted

    converse(scenario)


def test_bytes_in_both_directions() -> None:
    async def scenario() -> None:
        talk, websocket, stream = await connected()
        assert dict(talk.answer(stream).fields) == {b":status": b"200", b"sec-websocket-protocol": b"chat"}
        assert websocket.head.method == "CONNECT"
        assert not websocket.head.has_body
        await talk.upload(stream, bytes(1_000_000), end=False)
        await talk.talk()
        assert sum(map(len, websocket.heard)) == 1_000_000
        websocket.carrier.write(b"hello")
        websocket.carrier.write(b" you")
        await talk.talk()
        assert talk.answer(stream).body == b"hello you"
        assert talk.transport.writes < 60

    converse(scenario)


def test_both_say_goodbye() -> None:
    async def scenario() -> None:
        talk, websocket, stream = await connected()
        talk.client.send_data(stream, b"bye", end_stream=True)
        await talk.talk()
        assert websocket.heard == [b"bye", "eof"]
        websocket.carrier.finish()
        websocket.carrier.finish()
        websocket.carrier.write(b"too late")
        await talk.talk()
        assert talk.answer(stream).ended
        assert talk.answer(stream).body == b""
        assert websocket.heard[2:] == [("lost", type(None))]
        assert talk.connection.idle

    converse(scenario)


def test_the_server_ends_first() -> None:
    async def scenario() -> None:
        talk, websocket, stream = await connected()
        websocket.carrier.finish()
        await talk.talk()
        assert talk.answer(stream).ended
        assert talk.answer(stream).reset is None
        talk.client.send_data(stream, b"late", end_stream=True)
        await talk.talk()
        assert websocket.heard == [("lost", type(None))]
        assert talk.connection.idle

    converse(scenario)


def test_a_client_that_does_not_end_its_side() -> None:
    async def scenario() -> None:
        talk, websocket, stream = await connected()
        websocket.carrier.finish()
        await talk.talk()
        await talk.pass_time(6)
        await talk.talk()
        assert talk.answer(stream).reset == 8
        assert websocket.heard == [("lost", type(None))]
        assert talk.connection.idle

    converse(scenario)


def test_pausing_closes_the_window_of_this_stream_only() -> None:
    async def scenario() -> None:
        talk, websocket, stream = await connected()
        websocket.carrier.pause_reading()
        await talk.upload(stream, bytes(262_144), end=False)
        await talk.talk()
        assert websocket.heard == []
        assert talk.client.local_flow_control_window(stream) == 0
        assert (await talk.ask()).body == b"hello /"
        websocket.carrier.resume_reading()
        await talk.talk()
        assert sum(map(len, websocket.heard)) == 262_144
        assert talk.client.local_flow_control_window(stream) == 262_144

    converse(scenario)


def test_what_comes_early_waits_for_the_handshake() -> None:
    async def scenario() -> None:
        talk, websocket, stream = await connected("wait")
        talk.client.send_data(stream, b"early", end_stream=True)
        await talk.talk()
        assert websocket.heard == []
        websocket.carrier.accept([])
        assert websocket.heard == []
        await turns()
        assert websocket.heard == [b"early", "eof"]

    converse(scenario)


def test_a_handshake_that_is_refused() -> None:
    async def scenario() -> None:
        talk, websocket, stream = await connected("refuse")
        assert talk.answer(stream).status == 403
        assert talk.answer(stream).ended
        assert talk.answer(stream).reset == 0
        assert talk.connection.idle
        assert websocket.heard == []

    converse(scenario)


def test_a_client_that_leaves() -> None:
    async def scenario() -> None:
        for answer, heard in (("accept", ("lost", type(None))), ("wait", "gone")):
            talk, websocket, stream = await connected(answer)
            talk.client.reset_stream(stream, 8)
            await talk.talk()
            assert websocket.heard == [heard]
        talk, websocket, stream = await connected()
        talk.transport.lose(ConnectionResetError())
        await turns()
        assert websocket.heard == [("lost", ConnectionResetError)]

    converse(scenario)


def test_a_slow_client() -> None:
    async def scenario() -> None:
        talk, websocket, stream = await connected()
        talk.credit = False
        websocket.carrier.write(bytes(100_000))
        await talk.talk()
        assert websocket.carrier.congested
        assert len(talk.answer(stream).body) == 65_535
        talk.client.increment_flow_control_window(100_000, stream)
        talk.client.increment_flow_control_window(100_000)
        await talk.talk()
        assert not websocket.carrier.congested
        assert websocket.heard == ["writable"]

    converse(scenario)


def test_draining() -> None:
    async def scenario() -> None:
        talk, websocket, stream = await connected()
        talk.connection.begin_drain()
        assert websocket.heard == ["drain"]
        websocket.carrier.finish()
        talk.client.end_stream(stream)
        await talk.send(talk.client.data_to_send())
        await talk.send(b"\0\0\x08\x06\x01\0\0\0\0pounce\0\0")
        assert talk.transport.closing

    converse(scenario)


@pytest.mark.parametrize(
    ("fields", "status"),
    [(CONNECT[:-1], 400), ([*CONNECT[:4], (b":protocol", b"connect-udp")], 501)],
)
def test_requests_for_something_else(fields: list[tuple[bytes, bytes]], status: int) -> None:
    async def scenario() -> None:
        talk = Conversation(websockets=FakeWire())
        stream = talk.begin(fields, end=False)
        await talk.talk()
        assert talk.answer(stream).status == status
        if status == 400:
            assert (b"sec-websocket-version", b"13") in talk.answer(stream).fields
        assert len(talk.host.refused) == 1
        assert talk.connection.idle

    converse(scenario)


@pytest.mark.parametrize("fields", [[*GET, (b":protocol", b"websocket")], [CONNECT[0], GET[3], CONNECT[4]]])
def test_malformed(fields: list[tuple[bytes, bytes]]) -> None:
    async def scenario() -> None:
        talk = Conversation(websockets=FakeWire())
        stream = talk.begin(fields, end=False)
        await talk.talk()
        assert talk.answer(stream).reset == 1

    converse(scenario)
