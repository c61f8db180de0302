"""A WebSocket to the server in memory: over HTTP/1.1, without extensions."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
from typing import TYPE_CHECKING, Final

from pounce_testing.client import Response, ResponseError
from pounce_testing.memory.http1_exchange import Http1Client, StreamedResponse
from pounce_testing.memory.websocket_frames import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    FrameReader,
    encode_frame,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from pounce_testing.memory.request_bytes import RequestHeadBytes

__all__ = ["AsyncMemoryWebSocket", "HandshakeError", "WebSocketClosedError", "open_websocket"]

_KEY_SUFFIX: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class HandshakeError(Exception):
    """The server answers the handshake with something else; ``response`` is what."""

    def __init__(self, response: Response) -> None:
        super().__init__(f"the handshake was answered with {response.status}")
        self.response = response


class WebSocketClosedError(Exception):
    """The server has closed with a ``code`` (RFC 6455, 7.4), 1006 where the connection just ended, and a ``reason``."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"closed with {code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class AsyncMemoryWebSocket:
    """An open WebSocket. Owned by the loop's thread."""

    def __init__(self, client: Http1Client, response: Response) -> None:
        self._connection = client.connection
        self._frames = FrameReader()
        self._frames.receive(client.reader.take_rest())
        self.response = response
        """The answer to the handshake."""
        protocol = response.header(b"sec-websocket-protocol")
        self.subprotocol = None if protocol is None else protocol.decode("latin-1")
        """The one that the application has chosen."""
        self.closed: WebSocketClosedError | None = None
        """How it was closed."""
        self.pongs: list[bytes] = []
        """The payloads of the pongs that have come."""
        self._said_close = False

    async def send(self, message: str | bytes) -> None:
        """Send a message: text or bytes."""
        if isinstance(message, str):
            await self._connection.send(encode_frame(TEXT, message.encode()))
        else:
            await self._connection.send(encode_frame(BINARY, message))

    async def send_frame(self, opcode: int, payload: bytes, *, last: bool = True) -> None:
        """Send one frame as it is: a fragment, a ping, or what nobody should send."""
        await self._connection.send(encode_frame(opcode, payload, last=last))

    async def receive(self) -> str | bytes:
        """The next message; pings are answered meanwhile.

        Raises:
            WebSocketClosedError: there is none any more.
        """
        pieces: list[bytes] = []
        kind = TEXT
        while True:
            opcode, payload, last = await self._next_frame()
            if opcode == CLOSE:
                await self._finish(payload)
            elif opcode == PING:
                await self._connection.send(encode_frame(PONG, payload))
            elif opcode == PONG:
                self.pongs.append(payload)
            else:
                if opcode != CONTINUATION:
                    kind = opcode
                pieces.append(payload)
                if last:
                    whole = b"".join(pieces)
                    return whole.decode() if kind == TEXT else whole

    async def __aiter__(self) -> AsyncIterator[str | bytes]:
        """The messages until it is closed."""
        while True:
            try:
                yield await self.receive()
            except WebSocketClosedError:
                return

    async def close(self, code: int = 1000, reason: str = "") -> WebSocketClosedError:
        """Close, and wait for the server's answer, which is returned. Messages that come meanwhile are dropped."""
        if self.closed is None and not self._said_close:
            self._said_close = True
            with contextlib.suppress(BrokenPipeError):  # it has gone; what it said is still there to be read
                await self._connection.send(encode_frame(CLOSE, code.to_bytes(2, "big") + reason.encode()))
        while self.closed is None:
            try:
                await self.receive()
            except WebSocketClosedError:
                break
        assert self.closed is not None
        return self.closed

    async def _next_frame(self) -> tuple[int, bytes, bool]:
        if self.closed is not None:
            raise self.closed
        while (frame := self._frames.next_frame()) is None:
            try:
                data = await self._connection.receive()
            except ConnectionResetError:
                data = b""
            if not data:
                self.closed = WebSocketClosedError(1006, "the connection ended")
                raise self.closed
            self._frames.receive(data)
        return frame

    async def _finish(self, payload: bytes) -> None:
        """The server says that it closes: it gets an answer, unless we were first."""
        code = int.from_bytes(payload[:2], "big") if payload else 1005
        self.closed = WebSocketClosedError(code, payload[2:].decode())
        if not self._said_close:
            self._said_close = True
            with contextlib.suppress(BrokenPipeError):  # it did not wait for the answer
                await self._connection.send(encode_frame(CLOSE, payload[:2]))
        raise self.closed


async def open_websocket(
    client: Http1Client, head: RequestHeadBytes, subprotocols: tuple[str, ...]
) -> AsyncMemoryWebSocket:
    """Shake hands (RFC 6455, 4.1).

    Raises:
        HandshakeError: the application, or the server, does not want it.
        ResponseError: the answer is wrong.
    """
    key = base64.b64encode(os.urandom(16))
    head.default("Connection", "Upgrade")
    head.default("Upgrade", "websocket")
    head.default("Sec-WebSocket-Version", "13")
    head.default("Sec-WebSocket-Key", key.decode())
    if subprotocols:
        head.default("Sec-WebSocket-Protocol", ", ".join(subprotocols))
    await client.send(head, b"")
    response = await client.read_head("GET")
    if response.status != 101:
        raise HandshakeError(await StreamedResponse(client, response).read())
    accept = base64.b64encode(hashlib.sha1(key + _KEY_SUFFIX, usedforsecurity=False).digest())
    if response.header(b"sec-websocket-accept") != accept:
        raise ResponseError("the answer to the handshake does not fit its key (RFC 6455, 4.1)")
    return AsyncMemoryWebSocket(client, response)
