"""Real connections of one worker's loop on transports in memory, and what clients may do to them."""

from __future__ import annotations

import asyncio
from typing import IO, TYPE_CHECKING, Any, Final

from hpack import Encoder

from pounce.config import ServerConfig
from pounce.protocols import spoken_protocols
from pounce_asgi import RECORD_TYPES, Http3Settings, Interface, Listeners, Subscriber
from pounce_asgi.multiplexed import encode_integer
from pounce_h3 import ConnectionEnd, Http3Wire
from pounce_h3.varint import encode_varint
from pounce_websocket import WebSocketWire
from pounce_workers.serving.loop_host import LoopHost
from pounce_workers.serving.loop_server import LoopServer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi.lifecycle import LifecycleRecord

NEVER: Final = float("inf")
PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PATHS: Final = ("ok", "wait", "fail", "begin", "stream", "turns", "nothing", "cancel", "body", "hold", "break")
WEBSOCKETS: Final = ("echo", "close", "fail", "deny", "nothing", "hold", "leave")


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Does what the path says, in order or not."""
    what = scope["path"].strip("/")
    await (of_websocket if scope["type"] == "websocket" else of_request)(what, receive, send)


async def of_request(what: str, receive: Any, send: Any) -> None:
    head = {"type": "http.response.start", "status": 200, "headers": []}
    if what == "wait":
        while (await receive())["type"] != "http.disconnect":
            pass
        return
    if what == "body":
        while (await receive()).get("more_body"):
            pass
    if what == "hold":
        await asyncio.get_running_loop().create_future()
    if what == "turns":
        for _ in range(3):
            await asyncio.sleep(0)
    if what == "fail":
        raise RuntimeError("as asked")
    if what == "nothing":
        return
    if what == "cancel":
        raise asyncio.CancelledError
    await send(head)
    if what == "break":
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
    if what in ("begin", "break"):
        raise RuntimeError("as asked")
    for _ in range(4 if what == "stream" else 0):
        await send({"type": "http.response.body", "body": b"x" * 50_000, "more_body": True})
    await send({"type": "http.response.body", "body": b"ok"})


async def of_websocket(what: str, receive: Any, send: Any) -> None:
    await receive()
    if what == "deny":
        await send({"type": "websocket.http.response.start", "status": 401, "headers": []})
        await send({"type": "websocket.http.response.body", "body": b"no"})
        return
    if what == "hold":
        await asyncio.get_running_loop().create_future()
    if what == "nothing":
        return
    await send({"type": "websocket.accept"})
    if what == "fail":
        raise RuntimeError("as asked")
    if what == "close":
        await send({"type": "websocket.close", "code": 3001})
    while what == "echo":
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        await send({"type": "websocket.send", "bytes": b"echo"})
    await asyncio.sleep(0)


class MemoryTransport:
    """Keeps to `pounce_asgi.contracts.Transport`, and to what a connection asks of the one over QUIC."""

    def __init__(self, scheme: str = "http") -> None:
        self.peer: tuple[str, int] | None = ("192.0.2.7", 51234)
        self.local: tuple[str, int | None] | None = ("192.0.2.1", 8000)
        self.scheme = scheme
        self.tls: Any = None
        self.deadline = NEVER
        self.congested = self.closing = self.gone = self.paused = False
        self.fd = -1
        self.protocol: Any = None
        self.deliver: Any = None

    def write(self, data: bytes) -> None:
        """Is never looked at."""

    def write_parts(self, parts: Sequence[bytes]) -> None:
        """Nor is this."""

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def want_flush(self) -> None:
        """There is nobody to send to."""

    def close(self, *, linger: bool = False) -> None:
        self.end(None)

    def abort(self) -> None:
        self.end(ConnectionAbortedError("aborted"))

    def sendfile(self, file: IO[bytes] | int, offset: int | None, count: int | None) -> asyncio.Future[int]:
        raise NotImplementedError

    def lost(self, error: OSError | None) -> None:
        self.end(error)

    def end(self, error: OSError | None) -> None:
        if not self.closing:
            self.closing = True
            asyncio.get_running_loop().call_soon(self.lose, error)

    def lose(self, error: OSError | None) -> None:
        self.closing = True
        if not self.gone:
            self.gone = True
            self.protocol.connection_lost(error)


class SilentQuic:
    """Keeps to `pounce_h3.quic.Quic`, as far as HTTP/3 sees it; all that is sent leaves at once."""

    handshake_complete = True
    held = False
    address = ("192.0.2.7", 51234)

    def __init__(self) -> None:
        self.tls: Any = {"tls_version": 0x0304}
        self.unidirectional = -1
        self.stopped: set[int] = set()

    def open_unidirectional(self) -> int:
        self.unidirectional += 4
        return self.unidirectional

    def backlog(self, stream_id: int) -> int:
        return 0

    def send(self, stream_id: int, data: bytes, *, end: bool) -> None:
        """Is never looked at."""

    def reset(self, stream_id: int, code: int) -> None:
        """Nor is this."""

    credit = reset

    def stop(self, stream_id: int, code: int) -> None:
        self.stopped.add(stream_id)

    def close(self, code: int, reason: str, *, application: bool = True) -> None:
        """The transport says the rest."""


class Traffic:
    """One connection, and the records of its life. Make it in a running loop."""

    def __init__(self, version: str) -> None:
        """``version``: by its ALPN name."""
        self.records: list[LifecycleRecord] = []
        self.version = version
        config = ServerConfig.of({"app": "x", "request_id": True})
        listeners = Listeners.of(Subscriber(self.records.append, *RECORD_TYPES))
        loop = asyncio.get_running_loop()
        self.server = LoopServer(
            application,
            loop=loop,
            tick=60.0,
            settings=config.serving,
            state={},
            listeners=listeners,
            worker_id=0,
            budget=None,
            protocols=spoken_protocols(config, Interface.ASGI3, None, None),
        )
        self.transport = MemoryTransport("https" if version == "h3" else "http")
        self.stream_id = -4 if version == "h3" else -1
        if version == "http/1.1":
            self.transport.protocol = self.server.wire.connect(self.transport)
        elif version == "h2":
            self.transport.protocol = self.server._upgrades.connect_http2(self.transport)  # type: ignore[union-attr]
        else:
            self.transport.protocol = self._http3(listeners)
        self.transport.deliver = self.transport.protocol.data_received

    def _http3(self, listeners: Listeners) -> Any:
        server = self.server
        host = LoopHost(
            application,
            loop=server.loop,
            sweeper=server.sweeper,
            settings=server.settings,
            state={},
            listeners=listeners,
            worker_id=0,
            wire=server.wire,
        )
        wire = Http3Wire(host, Http3Settings(), WebSocketWire(host, ServerConfig.of({"app": "x"}).websocket))
        transport: Any = self.transport

        def make(peer: Any, refusal: str | None) -> Any:
            return wire.connect(SilentQuic(), transport, peer, refusal=refusal)  # type: ignore[arg-type]

        connection: Any = host.connection_came("h3", transport, make)
        connection.handshake_done()
        return connection

    # -- what a client does ------------------------------------------------------------------------------------------

    @property
    def protocol(self) -> Any:
        return self.transport.protocol

    def receive(self, data: bytes) -> None:
        if data and not self.transport.closing and not self.transport.paused:
            self.transport.deliver(data)

    def request(self, path: str, *, body: bool, whole: bool) -> None:
        """Send a request; ``whole``: with all of its body, if it has one."""
        method = b"POST" if body else b"GET"
        if self.version == "http/1.1":
            length = b"content-length: 5\r\n" if body else b""
            content = (b"hello" if whole else b"he") if body else b""
            self.receive(b"%b /%b HTTP/1.1\r\nhost: x\r\n%b\r\n%b" % (method, path.encode(), length, content))
            return
        fields = [
            (b":method", method),
            (b":scheme", self.transport.scheme.encode()),
            (b":path", b"/" + path.encode()),
            (b":authority", b"x"),
        ]
        self._begin(fields, ended=not body)
        if body:
            self.more(b"hello" if whole else b"he", ended=whole)

    def websocket(self, path: str) -> None:
        """Ask for a WebSocket."""
        if self.version == "http/1.1":
            self.receive(
                b"GET /%b HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
                b"sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n" % path.encode()
            )
            return
        fields = [
            (b":method", b"CONNECT"),
            (b":protocol", b"websocket"),
            (b":scheme", self.transport.scheme.encode()),
            (b":path", b"/" + path.encode()),
            (b":authority", b"x"),
            (b"sec-websocket-version", b"13"),
        ]
        self._begin(fields, ended=False)

    def more(self, data: bytes, *, ended: bool) -> None:
        """Send more on the stream that was begun last."""
        if self.version == "http/1.1":
            self.receive(data)
        elif self.version == "h2":
            self.receive(h2_frame(0, 1 if ended else 0, max(self.stream_id, 1), data))
        elif self.stream_id >= 0:
            frame = encode_varint(0) + encode_varint(len(data)) + data
            self._stream(frame if data else b"", ended)

    def reset(self, code: int, *, stop: bool) -> None:
        """Give up the stream that was begun last."""
        if self.version == "h2":
            self.receive(h2_frame(3, 0, max(self.stream_id, 1), code.to_bytes(4)))
        elif self.version == "h3" and self.stream_id >= 0 and not self.transport.closing:
            (self.protocol.sending_stopped if stop else self.protocol.stream_reset)(self.stream_id, code)

    def eof(self) -> None:
        if not self.transport.closing and self.version != "h3":
            self.protocol.eof_received()

    def leave(self, *, broken: bool) -> None:
        """The connection ends, by the client or by the network."""
        if self.version == "h3" and not self.transport.closing:
            self.protocol.connection_ended(ConnectionEnd(0x10C if broken else 0x100, "", True, True))
        elif not self.transport.gone:
            self.transport.lose(ConnectionResetError("reset") if broken else None)

    def congest(self, congested: bool) -> None:
        self.transport.congested = congested and self.version != "h3"
        if not congested and not self.transport.closing:
            self.protocol.writable()

    def time_passes(self) -> None:
        """Every deadline is over."""
        if self.transport.deadline != NEVER and not self.transport.closing:
            self.transport.deadline = NEVER
            self.protocol.deadline_expired()
        for member in tuple(self.server.sweeper._members):
            member.expire(self.server.sweeper.soon + 1000.0)

    def drain(self) -> None:
        self.server.begin_drain()

    # -- inside ------------------------------------------------------------------------------------------------------

    def _begin(self, fields: list[tuple[bytes, bytes]], *, ended: bool) -> None:
        if self.version == "h2":
            if self.stream_id < 0:
                self.receive(PREFACE + h2_frame(4, 0, 0, b""))
            self.stream_id += 2
            self.receive(h2_frame(1, 4 | ended, self.stream_id, Encoder().encode(fields)))
            return
        self.stream_id += 4
        lines = [encode_integer(0x20, 3, len(n)) + n + encode_integer(0, 7, len(v)) + v for n, v in fields]
        block = b"\0\0" + b"".join(lines)
        self._stream(encode_varint(1) + encode_varint(len(block)) + block, ended)

    def _stream(self, data: bytes, ended: bool) -> None:
        # An engine keeps to itself what still comes of a stream that it was told to stop.
        if not self.transport.closing and self.stream_id not in self.protocol.quic.stopped:
            self.protocol.stream_received(self.stream_id, data, ended)


def h2_frame(kind: int, flags: int, stream_id: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream_id.to_bytes(4) + payload
