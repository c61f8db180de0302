"""An HTTP/2 connection in memory: requests are its streams. It needs h2 (the extra ``h2``).

The connection begins with its preface (RFC 9113, 3.3), as clients begin that know what the server speaks.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final, Self

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    InformationalResponseReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)
from h2.exceptions import ProtocolError

from pounce_testing.client import Response, ResponseError
from pounce_testing.memory.http1_exchange import pieces_of
from pounce_testing.memory.response_reader import EndOfResponse

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

    from pounce_testing.memory.link import MemoryConnection
    from pounce_testing.memory.request_bytes import RequestHeadBytes

__all__ = ["Http2Client", "Http2Stream"]

OF_A_CONNECTION: Final = frozenset({"connection", "host", "transfer-encoding", "upgrade", "keep-alive"})
"""Fields that HTTP/2 has otherwise, or not at all (RFC 9113, 8.2.2)."""

Fields = tuple[tuple[bytes, bytes], ...]


class Http2Client:
    """The connection. Owned by the loop's thread."""

    def __init__(self, connection: MemoryConnection) -> None:
        self.connection = connection
        self.h2 = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self.streams: dict[int, Http2Stream] = {}
        self.usable = True
        """More requests may follow."""
        self.news = asyncio.Event()
        """A window may have grown, or the end has come."""
        self._reading: asyncio.Task[None]

    @classmethod
    async def on(cls, connection: MemoryConnection) -> Self:
        """Begin HTTP/2 on a new connection."""
        client = cls(connection)
        client.h2.initiate_connection()
        await client.flush()
        client._reading = asyncio.get_running_loop().create_task(client._read())
        return client

    def stream(self) -> Http2Stream:
        """For one request."""
        return Http2Stream(self)

    async def flush(self) -> None:
        """Send what h2 has made. The order of frames is that of the calls: bytes are taken before anything waits."""
        if data := self.h2.data_to_send():
            await self.connection.send(data)

    async def close(self) -> None:
        """Say that it is over, and leave."""
        with contextlib.suppress(ProtocolError, BrokenPipeError):
            self.h2.close_connection()
            await self.flush()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self.connection.close()

    async def _read(self) -> None:
        why = "the server has closed the connection"
        try:
            while data := await self.connection.receive():
                for event in self.h2.receive_data(data):
                    self._hear(event)
                with contextlib.suppress(BrokenPipeError):
                    await self.flush()
                self.news.set()
        except (ConnectionResetError, ProtocolError) as error:
            why = f"{type(error).__name__}: {error}"
        finally:
            self.usable = False
            for stream in self.streams.values():
                stream.events.put_nowait(ResponseError(why))
            self.news.set()

    def _hear(self, event: Any) -> None:
        if isinstance(event, ConnectionTerminated):
            self.usable = False
            return
        stream = self.streams.get(getattr(event, "stream_id", 0))
        if isinstance(event, DataReceived):
            # Read to the end or not: the window of the connection is everybody's.
            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if stream is not None:
            stream.hear(event)


class Http2Stream:
    """One request and its answer."""

    def __init__(self, client: Http2Client) -> None:
        self._client = client
        self._id = 0
        self._trailers: Fields = ()
        self.events: asyncio.Queue[Response | bytes | EndOfResponse | ResponseError] = asyncio.Queue()
        self.usable = True

    def hear(self, event: Any) -> None:
        """Something came for it."""
        match event:
            case InformationalResponseReceived() | ResponseReceived():
                self.events.put_nowait(_head(event.headers))
            case DataReceived():
                if event.data:
                    self.events.put_nowait(event.data)
            case TrailersReceived():
                self._trailers = tuple((bytes(name), bytes(value)) for name, value in event.headers)
            case StreamEnded():
                self.events.put_nowait(EndOfResponse(self._trailers))
            case StreamReset():
                self.events.put_nowait(ResponseError(f"the stream was reset with error {event.error_code}"))
            case _:
                pass

    async def send(self, head: RequestHeadBytes, body: bytes | Iterable[bytes] | AsyncIterable[bytes]) -> None:
        """Send a request; the body waits for windows."""
        h2 = self._client.h2
        self._id = h2.get_next_available_stream_id()
        self._client.streams[self._id] = self
        authority = next(value for name, value in head.fields if name.lower() == "host")
        fields = [
            (":method", head.method),
            (":scheme", "http"),
            (":authority", authority),
            (":path", head.target),
            *((name.lower(), value) for name, value in head.fields if name.lower() not in OF_A_CONNECTION),
        ]
        pieces: Iterable[bytes] | AsyncIterable[bytes] = [body] if isinstance(body, bytes) else body
        h2.send_headers(self._id, fields, end_stream=body == b"")
        await self._client.flush()
        if body == b"":
            return
        with contextlib.suppress(ProtocolError, BrokenPipeError):  # answered and reset before it had all of it
            async for piece in pieces_of(pieces):
                await self._send_piece(piece)
            h2.end_stream(self._id)
            await self._client.flush()

    async def _send_piece(self, piece: bytes) -> None:
        h2 = self._client.h2
        while piece:
            self._client.news.clear()
            room = min(h2.local_flow_control_window(self._id), h2.max_outbound_frame_size)
            if room <= 0:
                if not self._client.usable:
                    raise BrokenPipeError("the server has closed the connection")
                await self._client.news.wait()
                continue
            h2.send_data(self._id, piece[:room])
            piece = piece[room:]
            await self._client.flush()

    async def read_head(self, _method: str) -> Response:
        """The head of the answer.

        Raises:
            ResponseError: there is none.
        """
        informational: list[Response] = []
        while True:
            event = await self._next()
            assert isinstance(event, Response), "h2 lets nothing come before a head"
            if event.status >= 200:
                return Response(
                    http_version=event.http_version,
                    status=event.status,
                    reason="",
                    headers=event.headers,
                    informational=tuple(informational),
                )
            informational.append(event)

    async def read_piece(self) -> bytes | EndOfResponse:
        """The next piece of the body, or its end.

        Raises:
            ResponseError: it is cut off.
        """
        event = await self._next()
        assert not isinstance(event, Response), "h2 lets no second head come"
        return event

    async def _next(self) -> Response | bytes | EndOfResponse:
        event = await self.events.get()
        if isinstance(event, ResponseError):
            raise event
        return event

    def give_up(self) -> None:
        """The rest of the answer is not wanted; nothing happens where there is none."""
        self._client.streams.pop(self._id, None)
        with contextlib.suppress(ProtocolError, BrokenPipeError):
            self._client.h2.reset_stream(self._id, error_code=8)  # CANCEL
            self._client.connection.transport.client_sends(self._client.h2.data_to_send())


def _head(headers: Iterable[tuple[bytes, bytes]]) -> Response:
    fields = [(bytes(name), bytes(value)) for name, value in headers]
    status = next(value for name, value in fields if name == b":status")
    return Response(
        http_version="HTTP/2",
        status=int(status),
        reason="",
        headers=tuple(field for field in fields if not field[0].startswith(b":")),
    )
