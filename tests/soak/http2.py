"""HTTP/2 of the soak's clients, over ``h2``, with as many streams at once as they like."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions

__all__ = ["REFUSED", "Http2", "Stream"]

HEAD: Final = 9
GOAWAY: Final = 7
GOODBYE: Final = bytes((0, 0, 8, GOAWAY, 0, 0, 0, 0, 0)) + bytes(8)
"""GOAWAY of a client that opens no more streams, without an error (RFC 9113, 6.8)."""
REFUSED: Final = int(h2.errors.ErrorCodes.REFUSED_STREAM)
"""The server has done nothing for it (RFC 9113, 8.7)."""


class Stream:
    """What came on one."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.status = 0
        self.fields: dict[bytes, bytes] = {}
        self.body = bytearray()
        self.ended = False
        """To its proper end."""
        self.code: int | None = None
        """Reset by the server with this code; -1 when the connection ended before."""
        self.untouched = False
        """The server has said that it does nothing for it: it may be asked again (RFC 9113, 6.8 and 8.7)."""
        self.grew = asyncio.Event()

    @property
    def over(self) -> bool:
        return self.ended or self.code is not None

    async def until_over(self) -> None:
        while not self.over:
            await self.until_more()

    async def until_more(self) -> None:
        """Something that was not there before, or the end."""
        if not self.over:
            self.grew.clear()
            await self.grew.wait()


class Http2:
    """One connection; a task reads what comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._wire = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self._wire.initiate_connection()
        self._left = b""
        self.streams: dict[int, Stream] = {}
        self.leaving = False
        """The server opens no more streams."""
        self.ended = False
        self._settled = asyncio.Event()
        self._room = asyncio.Event()
        self._flush()
        self._task = asyncio.create_task(self._read())

    def __str__(self) -> str:
        waiting = [(one.number, one.status, len(one.body)) for one in self.streams.values() if not one.over]
        told = "the server is leaving" if self.leaving else "it goes on"
        return f"{told}, {len(self.streams)} streams, waiting for {waiting}"

    async def ready(self) -> bool:
        """Whether the server has said what it takes, rather than goodbye."""
        await self._settled.wait()
        return not self.ended

    def begin(self, method: str, target: str, *fields: tuple[str, str], body: bool = False, scheme: str = "https",
              protocol: str = "") -> Stream:  # fmt: skip
        """Send the head of a request, which a body follows or not; none is sent once the server has said goodbye."""
        stream = Stream(self._wire.get_next_available_stream_id())
        if self.leaving or self.ended:
            stream.untouched, stream.code = True, REFUSED
            return stream
        head = [(":method", method), (":scheme", scheme), (":authority", "localhost"), (":path", target)]
        head += [(":protocol", protocol)] if protocol else []
        self._wire.send_headers(stream.number, head + list(fields), end_stream=not body)
        self.streams[stream.number] = stream
        self._flush()
        return stream

    async def send_body(self, stream: Stream, body: bytes, *, end: bool = True) -> None:
        """As far as the server wants it."""
        while body and not stream.over:
            size = min(
                self._wire.local_flow_control_window(stream.number), self._wire.max_outbound_frame_size, len(body)
            )
            if size <= 0:
                self._room.clear()
                await self._room.wait()
                continue
            with contextlib.suppress(h2.exceptions.ProtocolError):
                self._wire.send_data(stream.number, body[:size], end_stream=end and size == len(body))
            body = body[size:]
            self._flush()

    def reset(self, stream: Stream) -> None:
        """The client wants no more of it."""
        if not stream.over:
            with contextlib.suppress(h2.exceptions.ProtocolError):
                self._wire.reset_stream(stream.number, h2.errors.ErrorCodes.CANCEL)
            self._flush()

    def say_goodbye(self) -> None:
        """Open no more streams, and wait for those that are open. (``h2`` hears nothing after its own.)"""
        self._writer.write(GOODBYE)

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._writer.close()
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            async with asyncio.timeout(5):
                await self._writer.wait_closed()

    def _flush(self) -> None:
        if data := self._wire.data_to_send():
            self._writer.write(data)

    async def _read(self) -> None:
        try:
            while data := await self._reader.read(65536):
                for event in self._wire.receive_data(self._without_goodbye(data)):
                    self._take(event)
                self._flush()
        except (OSError, h2.exceptions.ProtocolError):
            pass
        finally:
            self.ended = True
            self._settled.set()
            self._room.set()
            for stream in self.streams.values():
                if not stream.over:
                    stream.code = -1
                stream.grew.set()

    def _without_goodbye(self, data: bytes) -> bytes:
        """Whole frames but GOAWAY, which would be the last that ``h2`` hears."""
        self._left += data
        frames = []
        while len(self._left) >= HEAD:
            end = HEAD + int.from_bytes(self._left[:3], "big")
            if len(self._left) < end:
                break
            if self._left[3] == GOAWAY:
                self._hear_goodbye(int.from_bytes(self._left[HEAD : HEAD + 4], "big"))
            else:
                frames.append(self._left[:end])
            self._left = self._left[end:]
        return b"".join(frames)

    def _hear_goodbye(self, last: int) -> None:
        self.leaving = True
        for stream in self.streams.values():
            if stream.number > last and not stream.over:
                stream.untouched = True
                stream.code = REFUSED
                stream.grew.set()

    def _take(self, event: h2.events.Event) -> None:
        stream = self.streams.get(getattr(event, "stream_id", 0) or 0)
        if isinstance(event, h2.events.RemoteSettingsChanged):
            self._settled.set()
            self._room.set()
        elif isinstance(event, h2.events.WindowUpdated):
            self._room.set()
        elif isinstance(event, h2.events.DataReceived):
            self._wire.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        if stream is None:
            return
        if isinstance(event, h2.events.ResponseReceived):
            stream.fields = dict(event.headers)
            stream.status = int(stream.fields[b":status"])
        elif isinstance(event, h2.events.DataReceived):
            stream.body += event.data
        elif isinstance(event, h2.events.StreamEnded):
            stream.ended = True
        elif isinstance(event, h2.events.StreamReset):
            stream.code = int(event.error_code)
            stream.untouched = stream.code == REFUSED
        stream.grew.set()
