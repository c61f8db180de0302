"""A worker and a carrier without bytes of their own, the frames of a client, and a conversation of all of them."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
from typing import TYPE_CHECKING, Any, NamedTuple

from pounce_asgi import (
    ExchangeContext,
    ExchangeSettings,
    HeadLimits,
    Listeners,
    Peer,
    WebSocketSettings,
    WireTimeouts,
)
from pounce_websocket import WebSocketConnection, WebSocketWire

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from pounce_asgi import BodyFraming

Pair = tuple[bytes, bytes]
Message = dict[str, Any]

PEER = Peer(("192.0.2.7", 51234), ("192.0.2.1", 8000), "http", 5)
KEY = b"dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE: tuple[Pair, ...] = (
    (b"host", b"example"),
    (b"connection", b"keep-alive, Upgrade"),
    (b"upgrade", b"websocket"),
    (b"sec-websocket-version", b"13"),
    (b"sec-websocket-key", KEY),
)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Head:
    """A request head as a wire gives it."""

    method: str = "GET"
    raw_path: bytes = b"/chat"
    query_string: bytes = b""
    http_version: str = "1.1"
    headers: tuple[Pair, ...] = UPGRADE
    content_length: int | None = None
    has_body: bool = False
    expect_continue: bool = False
    accepts_trailers: bool = False


CONNECT = Head(method="CONNECT", http_version="2", headers=((b"sec-websocket-version", b"13"),))


def with_fields(*fields: Pair) -> Head:
    return Head(headers=(*UPGRADE, *fields))


# -- frames ------------------------------------------------------------------------------------------------------------

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
MASK = b"\x37\xfa\x21\x3d"


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bytes | None = MASK,
    length_bytes: int | None = None,
) -> bytes:
    """A frame of a client. ``rsv``: 4, 2 and 1 for the three bits; ``length_bytes``: 0, 2 or 8 of extended length."""
    size = len(payload)
    if length_bytes is None:
        length_bytes = 0 if size < 126 else 2 if size < 65536 else 8
    length = {0: size, 2: 126, 8: 127}[length_bytes]
    head = bytes((fin << 7 | rsv << 4 | opcode, (mask is not None) << 7 | length))
    head += size.to_bytes(length_bytes, "big") if length_bytes else b""
    if mask is None:
        return head + payload
    return head + mask + bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))


def text(content: str, **more: Any) -> bytes:
    return frame(TEXT, content.encode(), **more)


def close(code: int | None = 1000, reason: str = "", **more: Any) -> bytes:
    return frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + reason.encode(), **more)


class Frame(NamedTuple):
    """A frame of the server."""

    opcode: int
    payload: bytes
    fin: bool = True
    rsv: int = 0


def server_frames(data: bytes) -> list[Frame]:
    """What the server sent. It must be whole, unmasked and in the shortest form."""
    frames = []
    while data:
        first, second = data[0], data[1]
        assert second < 128, "a server masks nothing"
        start = {126: 4, 127: 10}.get(second, 2)
        length = second if start == 2 else int.from_bytes(data[2:start], "big")
        assert {2: 0, 4: 126, 10: 65536}[start] <= length, "not the shortest form"
        payload = data[start : start + length]
        assert len(payload) == length, "half a frame"
        frames.append(Frame(first & 15, payload, first >= 128, first >> 4 & 7))
        data = data[start + length :]
    return frames


# -- carrier and host --------------------------------------------------------------------------------------------------

illegal_uses: list[str] = []
"""Of all carriers: an exchange treats an error as one of its application, so conftest looks here after each test."""


class FakeCarrier:
    """Keeps what a WebSocket sends, and refuses what no carrier could."""

    stream_id = 5

    def __init__(self) -> None:
        self.congested = False
        self.congest_from: int | None = None
        """So many bytes written congest it."""
        self.accepted: dict[bytes, bytes] | None = None
        self.written = b""
        self.paused = False
        self.pauses = 0
        self.finished = False
        self.was_reset = False
        self.status: int | None = None
        self.fields: dict[bytes, bytes] = {}
        self.body = b""
        self.ended = False
        self.closes = False

    def accept(self, fields: Sequence[Pair]) -> None:
        self._check(self.accepted is None and self.status is None, "accepted after it was answered")
        self.accepted = dict(fields)
        self._check(len(self.accepted) == len(fields), f"fields twice: {fields}")

    def write(self, data: bytes) -> None:
        self._check(self.accepted is not None, "frames before the handshake")
        self._check(not self.finished and not self.was_reset, f"{data!r} after the end")
        self._check(type(data) is bytes and bool(data), f"{data!r} is not bytes")
        self.written += data
        if self.congest_from is not None and len(self.written) >= self.congest_from:
            self.congested = True

    def pause_reading(self) -> None:
        self._check(not self.paused, "paused twice")
        self.paused = True
        self.pauses += 1

    def resume_reading(self) -> None:
        self._check(self.paused, "resumed without a pause")
        self._check(not self.finished, "resumed after the end")
        self.paused = False

    def finish(self) -> None:
        self._check(not self.finished, "finished twice")
        self.finished = True

    def send_informational(self, status: int, headers: tuple[Pair, ...]) -> None:
        self._check(False, f"an interim response {status}")

    def send_head(
        self, status: int, headers: tuple[Pair, ...], framing: BodyFraming, body: bytes, end: bool, close: bool
    ) -> None:
        self._check(self.accepted is None and self.status is None, "answered twice")
        self.status, self.fields, self.closes = status, dict(headers), close
        self.send_body(body, end)

    def send_body(self, data: bytes, end: bool) -> None:
        self._check(self.status is not None and not self.ended, "body before the head or after the end")
        self.body += data
        self.ended = end

    def send_file(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError

    def send_trailers(self, headers: tuple[Pair, ...]) -> None:
        self._check(False, "trailers")

    def resume_body(self) -> None:
        pass

    def reset(self) -> None:
        self._check(not self.was_reset, "reset twice")
        self.was_reset = True

    def _check(self, right: bool, what: str) -> None:
        if not right:
            illegal_uses.append(what)


class FakeHost:
    """One loop's side of the wires, with a clock that is put forward."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.worker_id = 3
        self.timeouts = WireTimeouts()
        self.limits = HeadLimits()
        self.base_context = contextvars.copy_context()
        self.draining = False
        self.soon = 1000.0
        self.watched: set[Any] = set()
        self.refusals: list[tuple[int, str]] = []
        self.told: list[bool] = []

    def new_context(self, *_: Any) -> Any:
        raise NotImplementedError

    def watch_deadlines(self, member: Any) -> None:
        self.watched.add(member)

    def forget_deadlines(self, member: Any) -> None:
        self.watched.discard(member)

    def connection_came(self, protocol: str, transport: Any, make: Any) -> Any:
        raise NotImplementedError

    def connection_closed(self, connection: Any, error: OSError | None) -> None:
        raise NotImplementedError

    def request_refused(self, peer: Peer, status: int, detail: str, *, told: bool = False) -> None:
        self.refusals.append((status, detail))
        self.told.append(told)

    def pass_time(self, seconds: float) -> None:
        """Tick once, after so many seconds."""
        self.soon += seconds
        for member in tuple(self.watched):
            member.expire(self.soon)


async def turns(count: int = 10) -> None:
    """Let the loop turn: everything that is ready runs, and what that makes ready."""
    for _ in range(count):
        await asyncio.sleep(0)


def encode_pair(name: object, value: object) -> tuple[Pair, ...]:
    """A field for this wire: checked a little, and then the pair itself."""
    if not isinstance(name, bytes) or not isinstance(value, bytes):
        raise TypeError("name and value must be bytes")
    if b":" in name or b"\n" in value or b"\r" in value:
        raise ValueError("not a valid field")
    return ((name, value),)


class Conversation:
    """A WebSocket with a fake carrier and a fake host; make it in a running loop."""

    def __init__(
        self,
        app: Any,
        head: Head | None = None,
        *,
        peer: Peer = PEER,
        listeners: Listeners | None = None,
        exchange_settings: ExchangeSettings | None = None,
        state: dict[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        self.host = FakeHost()
        self.carrier = FakeCarrier()
        self.context: ExchangeContext[tuple[Pair, ...]] = ExchangeContext(
            app,
            loop=self.host.loop,
            encode=encode_pair,
            no_fields=(),
            settings=exchange_settings or ExchangeSettings(server_header=False, date_header=False),
            listeners=listeners,
            state=state,
            worker_id=3,
        )
        wire = WebSocketWire(self.host, WebSocketSettings(**settings))
        head = head or Head()
        self.connection: WebSocketConnection[tuple[Pair, ...]] = wire.connect(
            self.carrier, head, peer, self.context, wire.handshake(head)
        )

    async def start(self) -> Conversation:
        """Call the application and let it run as far as it comes."""
        self.connection.start()
        await turns()
        return self

    async def say(self, *pieces: bytes) -> Conversation:
        """The client sends; the application runs as far as it comes."""
        for piece in pieces:
            if self.connection.phase.name != "CLOSED":
                self.connection.data_received(piece)
        await turns()
        return self

    @property
    def frames(self) -> list[Frame]:
        return server_frames(self.carrier.written)

    @property
    def messages(self) -> list[str | bytes]:
        """The messages that the server sent, uncompressed ones only."""
        sent: list[str | bytes] = []
        for one in self.frames:
            if one.opcode == TEXT:
                sent.append(one.payload.decode())
            elif one.opcode == BINARY:
                sent.append(one.payload)
        return sent

    @property
    def goodbye(self) -> tuple[int | None, str] | None:
        """The close frame of the server, which is its last."""
        frames = self.frames
        if not frames or frames[-1].opcode != CLOSE:
            return None
        assert [one.opcode for one in frames].count(CLOSE) == 1
        payload = frames[-1].payload
        return (int.from_bytes(payload[:2], "big"), payload[2:].decode()) if payload else (None, "")


def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test to its end on a loop of its own."""
    asyncio.run(asyncio.wait_for(main(), 30))


# -- applications ------------------------------------------------------------------------------------------------------


class Echo:
    """Accepts, sends back every message, and keeps what it received."""

    def __init__(self, **accept: Any) -> None:
        self.accept = accept
        self.received: list[Message] = []
        self.refused: OSError | None = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        assert (await receive())["type"] == "websocket.connect"
        await send({"type": "websocket.accept", **self.accept})
        while True:
            message = await receive()
            self.received.append(message)
            if message["type"] == "websocket.disconnect":
                return
            try:
                await send({**message, "type": "websocket.send"})
            except OSError as error:
                self.refused = error

    @property
    def disconnect(self) -> tuple[int, str] | None:
        """What it was told of the end."""
        if self.received and self.received[-1]["type"] == "websocket.disconnect":
            return self.received[-1]["code"], self.received[-1]["reason"]
        return None

    @property
    def contents(self) -> list[str | bytes]:
        messages = (one for one in self.received if one["type"] == "websocket.receive")
        return [one["text"] if "text" in one else one["bytes"] for one in messages]
