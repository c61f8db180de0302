"""A connection on a fake transport: a host with a clock that is set by hand, and a client that is h2's own machine."""

from __future__ import annotations

import asyncio
import contextvars
from typing import IO, TYPE_CHECKING, Any

import h2.config
import h2.connection
import h2.events
from hyperframe.frame import Frame

from pounce_asgi import ExchangeContext, ExchangeSettings, HeadLimits, Http2Settings, Peer, WireTimeouts
from pounce_h2 import Http2Connection, Http2Wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

NEVER = float("inf")
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
GET = [(b":method", b"GET"), (b":scheme", b"http"), (b":path", b"/"), (b":authority", b"example.org")]
POST = [(b":method", b"POST"), *GET[1:]]


class FakeTransport:
    """Keeps to `pounce_asgi.contracts.Transport`. ``room`` is what the client takes; 64 KiB beyond it congest."""

    def __init__(self) -> None:
        self.peer: tuple[str, int] | None = ("192.0.2.7", 51234)
        self.local: tuple[str, int | None] | None = ("192.0.2.1", 8000)
        self.scheme = "http"
        self.deadline = NEVER
        self.tls: Any = None
        self.congested = False
        self.closing = False
        self.lingering = False
        self.protocol: Any = None
        self.room: float = NEVER
        self.written = bytearray()
        self.writes = 0
        self.lost = False
        self.paused = False

    def write(self, data: bytes) -> None:
        assert type(data) is bytes
        assert data
        if not self.closing:
            self.written += data
            self.writes += 1
            self.congested = self.congested or len(self.written) - self.room > 65536

    def write_parts(self, parts: Sequence[bytes]) -> None:
        self.write(b"".join(parts))

    def sendfile(self, file: IO[bytes] | int, offset: int | None, count: int | None) -> asyncio.Future[int]:
        raise AssertionError("files have to be framed")

    def pause_reading(self) -> None:
        assert not self.paused
        self.paused = True

    def resume_reading(self) -> None:
        assert self.paused
        self.paused = False

    def close(self, *, linger: bool = False) -> None:
        if not self.closing:
            self.closing = True
            self.lingering = linger
            asyncio.get_running_loop().call_soon(self.lose, None)

    def abort(self) -> None:
        self.closing = True
        asyncio.get_running_loop().call_soon(self.lose, ConnectionAbortedError("aborted"))

    def lose(self, error: OSError | None) -> None:
        if not self.lost:
            self.lost = self.closing = True
            self.protocol.connection_lost(error)


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

    def __init__(self) -> None:
        self.informational: list[dict[bytes, bytes]] = []
        self.fields: list[tuple[bytes, bytes]] = []
        self.body = b""
        self.trailers: list[tuple[bytes, bytes]] | None = None
        self.ended = False
        self.reset: int | None = None
        self.promised: list[tuple[int, dict[bytes, bytes]]] = []

    @property
    def status(self) -> int:
        return int(dict(self.fields).get(b":status", b"0"))

    def __repr__(self) -> str:
        return f"<{self.status} {self.body[:60]!r} ended={self.ended} reset={self.reset}>"


class Conversation:
    """One connection of a worker, and its client. ``raw`` leaves the client's machine out."""

    def __init__(
        self,
        app: Any = None,
        *,
        raw: bool = False,
        limits: dict[str, Any] | None = None,
        timeouts: dict[str, Any] | None = None,
        exchange: dict[str, Any] | None = None,
        websockets: Any = None,
        refusal: str | None = None,
        client_settings: dict[Any, int] | None = None,
        **settings: Any,
    ) -> None:
        self.host = FakeHost(
            app or hello,
            limits=HeadLimits(**(limits or {})),
            timeouts=WireTimeouts(**(timeouts or {})),
            **(exchange or {}),
        )
        self.wire = Http2Wire(self.host, Http2Settings(**settings), websockets)
        self.transport = FakeTransport()
        self.peer = Peer(self.transport.peer, self.transport.local, "http", 1)
        self.connection: Http2Connection = self.wire.connect(self.transport, self.peer, refusal=refusal)
        self.transport.protocol = self.connection
        self.raw = raw
        self.answers: dict[int, Answer] = {}
        self.goaways: list[tuple[int, int]] = []
        self._read = 0
        self.credit = True
        config = h2.config.H2Configuration(
            client_side=True, header_encoding=None, validate_outbound_headers=False, normalize_outbound_headers=False
        )
        self.client = h2.connection.H2Connection(config)
        if not raw:
            if client_settings:
                self.client.local_settings.update(client_settings)
                self.client.local_settings.acknowledge()
            self.client.initiate_connection()

    async def send(self, *pieces: bytes) -> None:
        """The client sends bytes, and all that follows happens."""
        for piece in pieces:
            if not self.transport.closing:
                self.connection.data_received(piece)
            await turns()

    async def talk(self) -> None:
        """The client sends what it has to send and reads what there is, until both are done."""
        for _ in range(10_000):
            data = self.client.data_to_send()
            if data:
                await self.send(data)
            await turns()
            if not self.listen() and not self.client.data_to_send(0) and not self.client._data_to_send:
                return
        raise AssertionError("they never stop")

    def listen(self) -> bool:
        """The client reads. True when there was something."""
        end = len(self.transport.written) if self.transport.room == NEVER else int(self.transport.room)
        data = bytes(self.transport.written[self._read : end])
        self._read += len(data)
        if not data:
            return False
        self._feed(data)
        return True

    def _feed(self, data: bytes) -> None:
        events: list[Any] = self.client.receive_data(data)
        for event in events:
            if isinstance(event, h2.events.ConnectionTerminated):
                self.goaways.append((event.last_stream_id or 0, int(event.error_code or 0)))
            elif getattr(event, "stream_id", None):
                self._note(self.answers.setdefault(event.stream_id, Answer()), event)
            elif isinstance(event, h2.events.PushedStreamReceived):
                parent = self.answers.setdefault(event.parent_stream_id or 0, Answer())
                parent.promised.append((event.pushed_stream_id or 0, dict(event.headers or ())))

    def _note(self, answer: Answer, event: Any) -> None:
        match event:
            case h2.events.ResponseReceived():
                answer.fields = [tuple(field) for field in event.headers or ()]  # type: ignore[misc]
            case h2.events.InformationalResponseReceived():
                answer.informational.append(dict(event.headers or ()))
            case h2.events.TrailersReceived():
                answer.trailers = [tuple(field) for field in event.headers or ()]  # type: ignore[misc]
            case h2.events.DataReceived():
                answer.body += event.data or b""
                if self.credit and event.flow_controlled_length:
                    self.client.acknowledge_received_data(event.flow_controlled_length, event.stream_id or 0)
            case h2.events.StreamEnded():
                answer.ended = True
            case h2.events.StreamReset():
                answer.reset = int(event.error_code or 0)

    async def ask(self, fields: list[tuple[bytes, bytes]] | None = None, *, body: bytes | None = None) -> Answer:
        """Ask for something, and read until nothing more happens."""
        stream_id = self.begin(fields or (GET if body is None else POST), end=body is None)
        if body is not None:
            await self.upload(stream_id, body)
        await self.talk()
        return self.answers.setdefault(stream_id, Answer())

    async def upload(self, stream_id: int, body: bytes, *, end: bool = True) -> None:
        """Send a body, as far as the server's windows let it."""
        while body and self.answer(stream_id).reset is None:
            room = min(self.client.local_flow_control_window(stream_id), self.client.max_outbound_frame_size)
            if room <= 0:
                await self.talk()
                if self.client.local_flow_control_window(stream_id) <= 0:
                    raise AssertionError("the window stays closed")
                continue
            self.client.send_data(stream_id, body[:room])
            body = body[room:]
        if end and self.answer(stream_id).reset is None:
            self.client.end_stream(stream_id)

    def begin(self, fields: list[tuple[bytes, bytes]], *, end: bool = True) -> int:
        """Open a stream; what is to be sent waits for ``talk()``."""
        stream_id = self.client.get_next_available_stream_id()
        self.client.send_headers(stream_id, fields, end_stream=end)
        return stream_id

    def answer(self, stream_id: int) -> Answer:
        """What came on a stream."""
        return self.answers.setdefault(stream_id, Answer())

    async def pass_time(self, seconds: float) -> None:
        """Time goes by, in steps of a second as a host's clock."""
        end = self.host.soon + seconds
        while self.host.soon < end:
            self.host.soon = min(self.host.soon + 1, end)
            for member in tuple(self.host.watched):
                member.expire(self.host.soon)
            await turns(3)

    def frames(self) -> list[Frame]:
        """Everything that was sent to the client, as frames."""
        return parse_frames(bytes(self.transport.written))


def parse_frames(data: bytes) -> list[Frame]:
    """The frames that these bytes are."""
    frames = []
    while data:
        frame, length = Frame.parse_frame_header(memoryview(data[:9]))
        frame.parse_body(memoryview(data[9 : 9 + length]))
        frames.append(frame)
        data = data[9 + length :]
    return frames


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
