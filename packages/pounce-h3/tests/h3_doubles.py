"""A connection on a fake QUIC: a host with a clock that is set by hand, and a client that writes frames by itself."""

from __future__ import annotations

import asyncio
import contextvars
from typing import IO, TYPE_CHECKING, Any

from pounce_asgi import ExchangeContext, ExchangeSettings, HeadLimits, Http3Settings, Peer, WireTimeouts
from pounce_asgi.multiplexed import encode_integer
from pounce_h3 import ConnectionEnd, Http3Connection, Http3Wire
from pounce_h3.qpack import QpackDecoder
from pounce_h3.varint import encode_varint, maybe_varint

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

NEVER = float("inf")
Fields = list[tuple[bytes, bytes]]
GET: Fields = [(b":method", b"GET"), (b":scheme", b"https"), (b":path", b"/"), (b":authority", b"example.org")]
POST: Fields = [(b":method", b"POST"), *GET[1:]]
CONTROL, ENCODER, DECODER = 2, 6, 10
"""Streams of the client's."""
SETTINGS = b"\x00\x04\x00"
"""A control stream that says nothing of its client."""


def block(fields: Fields) -> bytes:
    """Fields as literals without a table (RFC 9204, 4.5.6)."""
    lines = [
        encode_integer(0x20, 3, len(name)) + name + encode_integer(0, 7, len(value)) + value for name, value in fields
    ]
    return b"\0\0" + b"".join(lines)


def frame(kind: int, payload: bytes) -> bytes:
    """A frame."""
    return encode_varint(kind) + encode_varint(len(payload)) + payload


def headers(fields: Fields) -> bytes:
    """A HEADERS frame."""
    return frame(1, block(fields))


def data(body: bytes) -> bytes:
    """A DATA frame."""
    return frame(0, body)


class FakeQuic:
    """Keeps to `pounce_h3.quic.Quic`, as far as HTTP/3 sees it. ``room``: bytes of a stream that leave at once."""

    def __init__(self) -> None:
        self.user: Any = None
        self.handshake_complete = True
        self.tls: Any = {"tls_version": 0x0304}
        self.sent: dict[int, bytearray] = {}
        self.ends: set[int] = set()
        self.left: dict[int, int] = {}
        self.asked: set[int] = set()
        self.room: dict[int, float] = {}
        self.default_room: float = NEVER
        self.budget: float = NEVER
        """Bytes that may leave in all, of those streams in turn that have any."""
        self.resets: dict[int, int] = {}
        self.stops: dict[int, int] = {}
        self.credits: dict[int, int] = {}
        self.received: dict[int, int] = {}
        self.closed: tuple[int, str] | None = None
        self.sends = 0
        self.unidirectional = 3
        self.held = False

    def send(self, stream_id: int, data: bytes, *, end: bool) -> None:
        assert type(data) is bytes
        if self.closed or stream_id in self.resets or stream_id in self.ends:
            return
        self.sends += 1
        self.sent.setdefault(stream_id, bytearray()).extend(data)
        if end:
            self.ends.add(stream_id)

    def backlog(self, stream_id: int) -> int:
        if stream_id in self.resets:
            return 0
        size = len(self.sent.get(stream_id, b"")) - self.left.get(stream_id, 0)
        if size:
            self.asked.add(stream_id)
        return size

    def leave(self) -> bool:
        """What may leave, leaves. True when something did."""
        moved: set[int] = set()
        more = True
        while more and self.budget > 0:
            more = False
            for stream_id, sent in tuple(self.sent.items()):
                left = self.left.get(stream_id, 0)
                most = left + min(1200, self.budget) if self.budget != NEVER else NEVER
                now = int(min(len(sent), self.room.get(stream_id, self.default_room), most))
                if now > left and stream_id not in self.resets:
                    self.left[stream_id] = now
                    self.budget -= now - left
                    moved.add(stream_id)
                    more = True
        for stream_id in moved & self.asked:
            self.asked.discard(stream_id)
            self.user.backlog_fell(stream_id)
        return bool(moved)

    def open_unidirectional(self) -> int:
        stream_id, self.unidirectional = self.unidirectional, self.unidirectional + 4
        return stream_id

    def reset(self, stream_id: int, code: int) -> None:
        if stream_id not in self.ends or self.backlog(stream_id):
            self.resets.setdefault(stream_id, code)

    def stop(self, stream_id: int, code: int) -> None:
        self.stops.setdefault(stream_id, code)

    def credit(self, stream_id: int, size: int) -> None:
        assert size > 0
        self.credits[stream_id] = self.credits.get(stream_id, 0) + size

    def close(self, code: int, reason: str, *, application: bool = True) -> None:
        assert application
        if self.closed is None:
            self.closed = (code, reason)


class FakeTransport:
    """Keeps to what `pounce_h3.transport.QuicTransport` offers."""

    def __init__(self) -> None:
        self.peer: tuple[str, int] | None = ("192.0.2.7", 51234)
        self.local: tuple[str, int | None] | None = ("192.0.2.1", 8443)
        self.scheme = "https"
        self.deadline = NEVER
        self.tls: Any = None
        self.congested = False
        self.closing = False
        self.connection: Any = None
        self.flushes = 0

    def want_flush(self) -> None:
        self.flushes += 1

    def lost(self, error: OSError | None) -> None:
        self.closing = True
        asyncio.get_running_loop().call_soon(self._tell, error)

    def close(self, *, linger: bool = False) -> None:
        if not self.closing:
            self.lost(None)

    def abort(self) -> None:
        if not self.closing:
            self.lost(ConnectionAbortedError("aborted"))

    def _tell(self, error: OSError | None) -> None:
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.connection_lost(error)

    def sendfile(self, file: IO[bytes] | int, offset: int | None, count: int | None) -> asyncio.Future[int]:
        raise AssertionError("files have to be framed")


class FakeHost:
    """Keeps to `pounce_asgi.WireHost`; ``soon`` is set by the test."""

    def __init__(self, app: Any, *, limits: HeadLimits, timeouts: WireTimeouts, **exchange: Any) -> None:
        self.app = app
        self.loop = asyncio.get_running_loop()
        self.worker_id = 0
        self.timeouts = timeouts
        self.limits = limits
        self.base_context = contextvars.copy_context()
        self.draining = False
        self.soon = 1000.0
        self.settings = ExchangeSettings(**({"date_header": False, "server_header": False} | exchange))
        self.watched: set[Any] = set()
        self.closed: list[tuple[Any, OSError | None]] = []
        self.refused: list[tuple[int, str]] = []
        self.told: list[bool] = []

    def new_context(self, encode: Any, no_fields: Any, extensions: Any) -> ExchangeContext[Any]:
        return ExchangeContext(
            self.app,
            loop=self.loop,
            encode=encode,
            no_fields=no_fields,
            settings=self.settings,
            extensions=extensions,
        )

    def watch_deadlines(self, member: Any) -> None:
        self.watched.add(member)

    def forget_deadlines(self, member: Any) -> None:
        self.watched.discard(member)

    def connection_came(self, protocol: str, transport: Any, make: Any) -> Any:
        raise AssertionError("connections are made by the test")

    def connection_closed(self, connection: Any, error: OSError | None) -> None:
        self.closed.append((connection, error))

    def request_refused(self, peer: Peer, status: int, detail: str, *, told: bool = False) -> None:
        self.refused.append((status, detail))
        self.told.append(told)


class Answer:
    """What a client got on one stream."""

    def __init__(self, sent: bytes, *, ended: bool, reset: int | None) -> None:
        self.heads: list[Fields] = []
        self.body = b""
        self.frames: list[tuple[int, bytes]] = []
        self.ended = ended
        self.reset = reset
        decoder = QpackDecoder()
        for kind, payload in frames_of(sent):
            self.frames.append((kind, payload))
            if kind == 0:
                self.body += payload
            elif kind == 1:
                fields = decoder.fields(0, payload)
                assert fields is not None
                self.heads.append(fields)

    @property
    def statuses(self) -> list[int]:
        return [int(dict(head)[b":status"]) for head in self.heads if head and head[0][0] == b":status"]

    @property
    def status(self) -> int:
        return self.statuses[-1] if self.statuses else 0

    @property
    def fields(self) -> dict[bytes, bytes]:
        return dict(next((head for head in self.heads if dict(head).get(b":status", b"1")[:1] != b"1"), []))

    @property
    def trailers(self) -> Fields | None:
        last = self.heads[-1] if len(self.heads) > 1 else None
        return None if last is None or b":status" in dict(last) else last

    def __repr__(self) -> str:
        return f"<{self.statuses} {self.body[:60]!r} ended={self.ended} reset={self.reset}>"


def frames_of(sent: bytes) -> list[tuple[int, bytes]]:
    """The whole frames at the beginning of these bytes; of DATA also the beginning of one."""
    found, position = [], 0
    while position < len(sent):
        kind = maybe_varint(sent, position)
        length = kind and maybe_varint(sent, kind[1])
        if kind is None or length is None:
            break
        found.append((kind[0], bytes(sent[length[1] : length[1] + length[0]])))
        position = length[1] + length[0]
    return found


class Conversation:
    """One connection of a worker, and its client."""

    def __init__(
        self,
        app: Any = None,
        *,
        limits: dict[str, Any] | None = None,
        timeouts: dict[str, Any] | None = None,
        exchange: dict[str, Any] | None = None,
        websockets: Any = None,
        refusal: str | None = None,
        handshake: bool = True,
        begin: bool = True,
        **settings: Any,
    ) -> None:
        self.host = FakeHost(
            app or hello,
            limits=HeadLimits(**(limits or {})),
            timeouts=WireTimeouts(**(timeouts or {})),
            **(exchange or {}),
        )
        self.wire = Http3Wire(self.host, Http3Settings(**settings), websockets)
        self.transport = FakeTransport()
        self.peer = Peer(self.transport.peer, self.transport.local, "https", 1)
        self.quic = FakeQuic()
        self.connection: Http3Connection = self.wire.connect(None, self.transport, self.peer, refusal=refusal)  # type: ignore[arg-type]
        self.connection.quic = self.quic  # type: ignore[assignment]
        self.quic.user = self.transport.connection = self.connection
        self.next_id = 0
        if handshake:
            self.connection.handshake_done()
        if begin:
            self.connection.stream_received(CONTROL, SETTINGS, False)

    async def send(self, stream_id: int, *pieces: bytes, end: bool = False) -> Answer:
        """The client sends bytes on a stream, and all that follows happens."""
        for index, piece in enumerate(pieces):
            if self.quic.closed is None and stream_id not in self.quic.stops:
                self.connection.stream_received(stream_id, piece, end and index == len(pieces) - 1)
            await self.settle()
        return self.answer(stream_id)

    async def settle(self) -> None:
        """Let all happen that will."""
        for _ in range(1000):
            await turns()
            if not self.quic.leave():
                return
        raise AssertionError("they never stop")

    async def ask(self, fields: Fields | None = None, *, body: bytes | None = None) -> Answer:
        """Ask for something."""
        stream_id = self.begin()
        if body is None:
            return await self.send(stream_id, headers(fields or GET), end=True)
        return await self.send(stream_id, headers(fields or POST) + data(body), end=True)

    def begin(self) -> int:
        """The id of a new stream."""
        stream_id, self.next_id = self.next_id, self.next_id + 4
        return stream_id

    def answer(self, stream_id: int) -> Answer:
        """What came on a stream."""
        sent = bytes(self.quic.sent.get(stream_id, b"")[: self.quic.left.get(stream_id, 0)])
        return Answer(
            sent,
            ended=stream_id in self.quic.ends and stream_id not in self.quic.resets,
            reset=self.quic.resets.get(stream_id),
        )

    @property
    def goaways(self) -> list[int]:
        """The ids in the GOAWAY frames of our control stream."""
        found = []
        for kind, payload in frames_of(bytes(self.quic.sent.get(3, b""))[1:]):
            if kind == 7:
                read = maybe_varint(payload, 0)
                assert read is not None
                found.append(read[0])
        return found

    async def pass_time(self, seconds: float) -> None:
        """Time goes by, in steps of a second as a host's clock."""
        end = self.host.soon + seconds
        while self.host.soon < end:
            self.host.soon = min(self.host.soon + 1, end)
            for member in tuple(self.host.watched):
                member.expire(self.host.soon)
            await turns(3)

    async def leave(self, code: int = 0x100) -> None:
        """The client closes the connection."""
        self.connection.connection_ended(ConnectionEnd(code, "", True, True))
        await turns()


async def turns(count: int = 6) -> None:
    """Let the loop turn: everything that is ready runs, and what that makes ready."""
    for _ in range(count):
        await asyncio.sleep(0)


def converse(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario; whatever the loop would only have logged is raised."""
    unforeseen: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unforeseen.append(context))
        await asyncio.wait_for(scenario(), 30)

    asyncio.run(main())
    assert not unforeseen, unforeseen


def feedings(wire: bytes) -> list[Sequence[bytes]]:
    """The same bytes in every way in which they can arrive."""
    return [
        [wire],
        [wire[index : index + 1] for index in range(len(wire))],
        *[[wire[:cut], wire[cut:]] for cut in range(1, len(wire))],
    ]


# -- applications ----------------------------------------------------------------------------------------------------


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """Answers at once."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"hello " + scope["path"].encode()})


async def read_body(receive: Any) -> bytes:
    """The whole body; raises ConnectionError where it is cut off."""
    body: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("cut off")
        body.append(message["body"])
        if not message["more_body"]:
            return b"".join(body)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the body, once it has all of it."""
    body = await read_body(receive)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})
