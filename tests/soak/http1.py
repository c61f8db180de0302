"""HTTP/1.1 of the soak's clients: every byte of an answer is looked at, and none may be left over."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator

__all__ = ["Answer", "Http1", "Place", "UnansweredError", "pattern"]

RESET: Final = struct.pack("ii", 1, 0)
"""SO_LINGER with no time: closing resets the connection."""


class UnansweredError(Exception):
    """The connection ended before the first byte of an answer."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a server is reached."""

    port: int = 0
    path: str = ""
    tls: ssl.SSLContext | None = None

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self.path:
            return await asyncio.open_unix_connection(self.path)
        name = "localhost" if self.tls else None
        return await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls, server_hostname=name)


@dataclass(slots=True)
class Answer:
    """A whole one; ``closes``: it is the last on its connection."""

    status: int
    fields: dict[bytes, bytes]
    body: bytes = b""
    closes: bool = False


def pattern(number: int, size: int) -> bytes:
    """The body of a download, as the application makes it."""
    line = b"%010d\n" % number
    return (line * (size // len(line) + 1))[:size]


class Http1:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.answers = 0
        """How many were read."""

    def send(self, method: str, target: str, *fields: str, body: bytes = b"") -> None:
        """Without waiting; ``body`` as it goes over the wire."""
        head = "".join(f"{field}\r\n" for field in (f"{method} {target} HTTP/1.1", "host: localhost", *fields))
        self.writer.write(head.encode() + b"\r\n" + body)

    async def drain(self) -> None:
        """Let what was sent go; an end of the connection shows when the answer is read."""
        with contextlib.suppress(OSError):
            await self.writer.drain()

    async def head(self) -> Answer:
        """That of the next answer.

        Raises:
            UnansweredError: nothing came.
            OSError, asyncio.IncompleteReadError: it was cut off.
        """
        try:
            text = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError as error:
            if not error.partial:
                raise UnansweredError("end") from None
            raise
        except OSError as error:
            raise UnansweredError(repr(error)) from None
        first, *lines = text.removesuffix(b"\r\n\r\n").split(b"\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
        assert first.startswith(b"HTTP/1.1 "), first
        return Answer(int(first[9:12]), fields, closes=fields.get(b"connection", b"").lower() == b"close")

    async def answer(self, *, method: str = "GET") -> Answer:
        """The next one, to its end; raises as ``head()``."""
        answer = await self.head()
        if method == "HEAD" or answer.status == 304:
            pass
        elif answer.fields.get(b"transfer-encoding") == b"chunked":
            answer.body = b"".join([chunk async for chunk in self._chunks()])
        else:
            answer.body = await self.reader.readexactly(int(answer.fields[b"content-length"]))
        if answer.fields.get(b"content-encoding") == b"gzip" and answer.body:
            answer.body = zlib.decompress(answer.body, 31)
        self.answers += 1
        return answer

    async def _chunks(self) -> AsyncIterator[bytes]:
        while size := int(await self.reader.readline(), 16):
            yield await self.reader.readexactly(size)
            assert await self.reader.readexactly(2) == b"\r\n"
        assert await self.reader.readexactly(2) == b"\r\n"

    async def ended(self) -> bytes:
        """What still comes, until the server ends the connection; there is to be nothing."""
        with contextlib.suppress(OSError):
            return await self.reader.read()
        return b""

    def reset(self) -> None:
        """End it as who pulls the plug."""
        sock = self.writer.get_extra_info("socket")
        if sock is not None and sock.family != socket.AF_UNIX:  # the server may have ended it meanwhile
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.writer.transport.abort()

    async def close(self) -> None:
        self.writer.close()
        with contextlib.suppress(OSError, asyncio.TimeoutError):
            async with asyncio.timeout(5):
                await self.writer.wait_closed()
