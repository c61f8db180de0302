"""A transport without a socket, and a client to it: what is written is kept, what is sent is handed on in pieces."""

from __future__ import annotations

import asyncio
import os
from typing import IO, TYPE_CHECKING, Any

from pounce_asgi import ClientGone

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi import TLSExtension

NEVER = float("inf")


class FakeTransport:
    """Keeps to `pounce_asgi.contracts.Transport`; what a protocol may not do is an AssertionError.

    ``room`` is how many bytes the client takes; what is written beyond it waits, and above 64 KiB of that congests.
    """

    def __init__(self) -> None:
        self.peer: tuple[str, int] | None = ("192.0.2.7", 51234)
        self.local: tuple[str, int | None] | None = ("192.0.2.1", 8000)
        self.scheme = "http"
        self.tls: TLSExtension | None = None
        self.deadline = NEVER
        self.congested = False
        self.closing = False
        self.protocol: Any = None
        self.room: float = NEVER
        self.written = b""
        self.writes: list[bytes] = []
        self.files: list[asyncio.Future[int]] = []
        self.file_result: int | OSError | None = None
        self.hold_files = False
        self.paused = False
        self.lingering = False
        self.aborted = False
        self.lost = False
        self._incoming = b""
        self._ended = False
        self._loop = asyncio.get_running_loop()

    # -- the contract ------------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        assert type(data) is bytes
        if self.closing:
            return
        self.written += data
        self.writes.append(data)
        if len(self.written) - self.room > 65536:
            self.congested = True

    def write_parts(self, parts: Sequence[bytes]) -> None:
        self.write(b"".join(parts))

    def sendfile(self, file: IO[bytes] | int, offset: int | None, count: int | None) -> asyncio.Future[int]:
        future: asyncio.Future[int] = self._loop.create_future()
        if self.closing:
            future.set_exception(ClientGone("gone"))
            return future
        descriptor = file if isinstance(file, int) else file.fileno()
        assert offset is not None
        assert count is not None
        data = os.pread(descriptor, count, offset)
        if isinstance(self.file_result, int):
            data = data[: self.file_result]
        self.files.append(future)
        if isinstance(self.file_result, OSError):
            future.set_exception(self.file_result)
            return future
        self.write(data)
        if not self.hold_files:
            future.set_result(len(data))
        return future

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        assert not self._ended, "reading is over: the real one would report the end again"
        if self.paused:
            self.paused = False
            self._loop.call_soon(self._deliver)

    def close(self, *, linger: bool = False) -> None:
        if not self.closing:
            self.closing = True
            self.lingering = linger
            self.deadline = NEVER
            if not linger and not self.waiting:
                self._lose(None)

    def abort(self) -> None:
        if not self.lost:
            self.closing = self.aborted = True
            self._loop.call_soon(self._lose, ConnectionAbortedError("the connection was aborted"))

    # -- the client's side -------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Bytes that the client has not taken."""
        return int(max(len(self.written) - self.room, 0))

    def send(self, data: bytes) -> None:
        """The client sends; it arrives unless reading is paused."""
        self._incoming += data
        self._deliver()

    def finish(self) -> None:
        """The client sends no more."""
        self._ended_soon = True
        self._deliver()

    _ended_soon = False

    def take(self, room: float = NEVER) -> None:
        """The client reads: so many bytes in all."""
        self.room = room
        if self.closing and not self.lost and not self.waiting and not self.lingering:
            self._lose(None)
        elif self.congested and self.waiting <= 16384 and not self.lost:
            self.congested = False
            self.protocol.writable()

    def leave(self) -> None:
        """The client resets the connection."""
        self.closing = True
        self._lose(ConnectionResetError("reset"))

    def _deliver(self) -> None:
        """As a socket does it: one read a turn, nothing while it is paused, nothing after our close."""
        if self.paused or self.closing or self._ended:
            return
        if self._incoming:
            data, self._incoming = self._incoming[:262144], self._incoming[262144:]
            self.protocol.data_received(data)
            if self._incoming or self._ended_soon:
                self._loop.call_soon(self._deliver)
        elif self._ended_soon:
            self._ended = True
            self.protocol.eof_received()

    def _lose(self, error: OSError | None) -> None:
        if self.lost:
            return
        self.lost = self.closing = True
        self.deadline = NEVER
        self.protocol.connection_lost(error)
