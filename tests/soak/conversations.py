"""WebSockets of the soak's clients, over HTTP/1.1 and HTTP/2: each message is echoed with the number of its request."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Final, Protocol

import wsproto
import wsproto.connection
import wsproto.events
import wsproto.extensions
import wsproto.utilities

from tests.soak.account import Outcome, Way
from tests.soak.http2 import Http2

if TYPE_CHECKING:
    import random

    from tests.soak.http1 import Place
    from tests.soak.http2 import Stream
    from tests.soak.visitors import Site

__all__ = ["Conversations", "converse_over_http2"]

SERVICE_RESTART: Final = 1012
TRIES: Final = 6


class Pipe(Protocol):
    """Where the bytes of a WebSocket go through."""

    async def send(self, data: bytes) -> None: ...

    async def receive(self) -> bytes:
        """What came; nothing at the end."""


class Over1:
    """A connection of HTTP/1.1."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        with contextlib.suppress(OSError):
            await self.writer.drain()

    async def receive(self) -> bytes:
        try:
            return await self._reader.read(65536)
        except OSError:
            return b""


class Over2:
    """A stream of HTTP/2."""

    def __init__(self, connection: Http2, stream: Stream) -> None:
        self._connection = connection
        self._stream = stream

    async def send(self, data: bytes) -> None:
        await self._connection.send_body(self._stream, data, end=False)

    async def receive(self) -> bytes:
        while not self._stream.body and not self._stream.over:
            await self._stream.until_more()
        data = bytes(self._stream.body)
        self._stream.body.clear()
        return data


class Conversations:
    """Over HTTP/1.1, in the clear or over TLS."""

    def __init__(self, way: Way, place: Place) -> None:
        self._way = way
        self._place = place

    async def converse(self, site: Site, dice: random.Random) -> None:
        """One WebSocket with some messages."""
        number = site.account.begin(self._way)
        for _ in range(TRIES):
            reader, writer = await site.open(self._place, self._way)
            pipe = Over1(reader, writer)
            wire = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
            deflate = [wsproto.extensions.PerMessageDeflate()] if dice.random() < 0.5 else []
            asked = wsproto.events.Request(host="localhost", target=f"/ws?n={number}", extensions=list(deflate))
            await pipe.send(wire.send(asked))
            try:
                accepted = await _next(wire, pipe)
                if accepted is None:
                    if site.retry(self._way, "no answer to the handshake", reused=False, number=number):
                        continue
                    return
                if not isinstance(accepted, wsproto.events.AcceptConnection):
                    site.account.lose(number, f"not accepted but {accepted!r}")
                    return
                await _talk(site, number, wire, pipe, dice, status=101)
                return
            finally:
                writer.close()
                with contextlib.suppress(OSError, asyncio.TimeoutError):
                    async with asyncio.timeout(5):
                        await writer.wait_closed()


async def converse_over_http2(site: Site, dice: random.Random) -> None:
    """One WebSocket on a connection of its own (RFC 8441)."""
    number = site.account.begin(Way.WEBSOCKET_HTTP2)
    for _ in range(TRIES):
        connection = Http2(*await site.open(site.http2, Way.WEBSOCKET_HTTP2))
        try:
            if not await connection.ready():
                continue
            stream = connection.begin(
                "CONNECT", f"/ws?n={number}", ("sec-websocket-version", "13"), body=True, protocol="websocket"
            )
            while not stream.status and not stream.over:
                await stream.until_more()
            if stream.untouched or (stream.code == -1 and not stream.status):
                if stream.untouched or site.retry(Way.WEBSOCKET_HTTP2, "connection ended", reused=False, number=number):
                    continue
                return
            if stream.status != 200:
                site.account.lose(number, f"not accepted but {stream.status} {stream.code}")
                return
            wire = wsproto.connection.Connection(wsproto.ConnectionType.CLIENT)
            await _talk(site, number, wire, Over2(connection, stream), dice, status=200)
            return
        finally:
            await connection.close()
    site.account.lose(number, "never accepted")


Wire = wsproto.WSConnection | wsproto.connection.Connection


async def _next(wire: Wire, pipe: Pipe) -> wsproto.events.Event | None:
    """The next event; None when the connection has ended. Pings are answered."""
    while True:
        for event in wire.events():
            if isinstance(event, wsproto.events.Ping):
                await pipe.send(wire.send(event.response()))
            else:
                return event
        data = await pipe.receive()
        if not data:
            return None
        try:
            wire.receive_data(data)
        except wsproto.utilities.RemoteProtocolError as error:
            return wsproto.events.CloseConnection(code=-1, reason=str(error))


async def _talk(site: Site, number: int, wire: Wire, pipe: Pipe, dice: random.Random, *, status: int) -> None:
    """Each message has its echo; then the client closes, or just leaves."""
    for turn in range(dice.randint(0, 8)):
        size = dice.choice((0, 10, 1000, 70_000))
        if dice.random() < 0.5:
            text = f"{turn} " + "t" * size
            sent: str | bytes = text
            told: str | bytes = f"{number} {text}"
        else:
            told = sent = number.to_bytes(8, "big") + bytes(size)
        message = wsproto.events.TextMessage(sent) if isinstance(sent, str) else wsproto.events.BytesMessage(sent)
        await pipe.send(wire.send(message))
        heard = await _message(wire, pipe)
        if isinstance(heard, int):
            _closed(site, number, heard, status)
            await _answer_close(wire, pipe, heard)
            return
        if heard != told:
            site.account.lose(number, f"another message than was sent: {heard[:60]!r}")
            return
        await asyncio.sleep(dice.choice((0, 0.01, 0.1)))
    if dice.random() < 0.2:
        site.account.settle(number, Outcome.LEFT, status)
        return
    await pipe.send(wire.send(wsproto.events.CloseConnection(code=1000)))
    heard = await _message(wire, pipe)
    _closed(site, number, heard if isinstance(heard, int) else -2, status)


async def _message(wire: Wire, pipe: Pipe) -> str | bytes | int:
    """A whole message; or the code with which it was closed, 0 for an end without one."""
    parts: list[str | bytes] = []
    while True:
        event = await _next(wire, pipe)
        if event is None:
            return 0
        if isinstance(event, wsproto.events.CloseConnection):
            return int(event.code)
        if isinstance(event, wsproto.events.TextMessage | wsproto.events.BytesMessage):
            parts.append(event.data if isinstance(event.data, str) else bytes(event.data))
            if event.message_finished:
                return type(parts[0])().join(parts)  # type: ignore[arg-type]


def _closed(site: Site, number: int, code: int, status: int) -> None:
    if code == 1000:
        site.account.settle(number, Outcome.ANSWERED, status)
    elif code == SERVICE_RESTART:
        site.account.settle(number, Outcome.CLOSED, status)
    else:
        site.account.lose(number, f"the WebSocket ended with {code}")


async def _answer_close(wire: Wire, pipe: Pipe, code: int) -> None:
    if code > 0:
        with contextlib.suppress(wsproto.utilities.LocalProtocolError):
            await pipe.send(wire.send(wsproto.events.CloseConnection(code=code)))
