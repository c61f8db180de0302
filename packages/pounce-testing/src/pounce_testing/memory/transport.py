"""A transport that moves bytes within a process: what a protocol writes waits for whoever is at the other end.

It keeps to `pounce_asgi.contracts.Transport` as the one over sockets does: what a slow client does not take congests,
reading can be paused, a close sends what waits, and the loss of the connection is told once and last, in another turn
of the loop than the call that caused it. What a protocol may not do is an AssertionError.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
from typing import IO, TYPE_CHECKING, Any, Final

from pounce_asgi import ClientGone

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pounce_asgi import ConnectionProtocol, TLSExtension

__all__ = ["MemoryTransport"]

NEVER: Final = float("inf")
READ_SIZE: Final = 65536
"""Bytes that a protocol gets at once."""
HIGH_WATER: Final = 65536
"""Bytes that may wait for the client before it congests, as over a socket."""
LOW_WATER: Final = 16384
FILE_PIECE: Final = 262144


class MemoryTransport:
    """The server's end. Owned by the loop's thread.

    ``client_read()``, ``client_sends()``, ``client_finishes()`` and ``client_leaves()`` are the other end; see
    `pounce_testing.memory.link.MemoryConnection`, which waits for bytes as well.
    """

    def __init__(
        self,
        *,
        peer: tuple[str, int] | None = ("127.0.0.1", 50000),
        local: tuple[str, int | None] | None = ("127.0.0.1", 8000),
        context: contextvars.Context | None = None,
        on_news: Callable[[], object] | None = None,
        on_lost: Callable[[MemoryTransport], object] | None = None,
    ) -> None:
        """``context`` is what the protocol is called in. ``on_news`` is called when there is something to be read, or
        the end of it; ``on_lost`` after the protocol has been told that the connection is lost.
        """
        self.peer = peer
        self.local = local
        self.scheme = "http"
        self.tls: TLSExtension | None = None
        self.deadline = NEVER
        self.congested = False
        self.closing = False
        self.lingering = False
        """The server has ended its side, and drops what the client still sends."""
        self.paused = False
        self.lost = False
        self.error: OSError | None = None
        """Why the connection was lost, where that was no orderly end."""
        self.protocol: Any = None
        self.deliver: Callable[[bytes], None] = _drop
        """The protocol's ``data_received``; a protocol may put that of another in its place."""
        self._loop = asyncio.get_running_loop()
        self._context = context or contextvars.Context()
        self._on_news = on_news
        self._on_lost = on_lost
        self._outgoing = bytearray()
        self._incoming = bytearray()
        self._client_finished = False
        self._client_left = False
        self._end_delivered = False
        self._delivery_due = False

    def start(self, protocol: ConnectionProtocol) -> None:
        """Tell this protocol of what happens."""
        self.protocol = protocol
        self.deliver = protocol.data_received

    # -- the contract ------------------------------------------------------------------------------------------------

    def write(self, data: bytes) -> None:
        """Keep it for the client."""
        assert isinstance(data, bytes), f"a protocol writes bytes, not {type(data).__name__}"
        if self.closing:
            return
        if self._client_left:
            # As over a socket: who writes to a client that has closed hears of it later, and sends no more until then.
            self.congested = True
            self._lose_soon(ConnectionResetError("the client has closed the connection"))
            return
        self._outgoing += data
        if len(self._outgoing) > HIGH_WATER:
            self.congested = True
        self._tell_client()

    def write_parts(self, parts: Sequence[bytes]) -> None:
        """As ``write()``."""
        self.write(b"".join(parts))

    def sendfile(self, file: IO[bytes] | int, offset: int | None, count: int | None) -> asyncio.Future[int]:
        """The file is read at once; the result comes with the next turn, as it does not before over a socket."""
        future: asyncio.Future[int] = self._loop.create_future()
        if self.closing:
            future.set_exception(ClientGone("the client has gone"))
            return future
        try:
            data = _read_file(file, offset, count)
        except OSError as error:
            future.set_exception(error)
            return future
        self.write(data)
        future.set_result(len(data))
        return future

    def pause_reading(self) -> None:
        """Hand nothing on for now."""
        self.paused = True

    def resume_reading(self) -> None:
        """Hand on what has come."""
        if self.paused:
            self.paused = False
            self._deliver_soon()

    def close(self, *, linger: bool = False) -> None:
        """Nothing is written from now on. What was is still there for the client."""
        if self.closing:
            return
        self.closing = True
        self.lingering = linger
        self.deadline = NEVER
        self.deliver = _drop
        if linger:
            self._deliver_soon()
        elif not self._outgoing:
            self._lose_soon(None)
        self._tell_client()

    def abort(self) -> None:
        """Reset. What was written is with the client by now, as it mostly is over a socket; the reset comes then."""
        if self.lost:
            return
        self.closing = True
        self.error = ConnectionResetError("the server has reset the connection")
        self._lose_soon(ConnectionAbortedError("the connection was aborted"))
        self._tell_client()

    def expire(self, now: float) -> None:
        """Once a tick: has the protocol's deadline passed?"""
        if self.deadline <= now:
            self.deadline = NEVER
            self._context.run(self.protocol.deadline_expired)

    # -- the other end -----------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """Bytes that the client has not taken yet."""
        return len(self._outgoing)

    @property
    def unread(self) -> int:
        """Bytes of the client that the protocol has not got yet."""
        return len(self._incoming)

    @property
    def finished(self) -> bool:
        """The server sends no more than what waits."""
        return self.closing

    def client_read(self, most: int = READ_SIZE) -> bytes:
        """Take what is there; empty when there is nothing, or nothing any more.

        Raises:
            ConnectionResetError: the server has reset the connection.
        """
        if self.error is not None and not self._outgoing:
            raise self.error
        data = bytes(self._outgoing[:most])
        del self._outgoing[:most]
        if self.closing:
            if not self._outgoing and not self.lingering and self.error is None:
                self._lose_soon(None)
        elif self.congested and len(self._outgoing) <= LOW_WATER:
            self._loop.call_soon(self._room, context=self._context)
        return data

    def client_sends(self, data: bytes) -> None:
        """It arrives in the next turn, unless reading is paused.

        Raises:
            BrokenPipeError: the connection has ended.
        """
        assert not self._client_finished, "the client has said that it sends no more"
        if self.lost or self.error is not None:
            raise BrokenPipeError("the server has closed the connection")
        self._incoming += data
        self._deliver_soon()

    def client_finishes(self) -> None:
        """The client sends no more, but still reads."""
        self._client_finished = True
        self._deliver_soon()

    def client_leaves(self, *, reset: bool = False) -> None:
        """The client closes the connection: orderly, so that what it has sent is read, or with a reset."""
        if self.lost:
            return
        self._client_left = True
        # Who closes a socket that has unread bytes resets the connection, whether it means to or not.
        reset = reset or bool(self._outgoing)
        self._outgoing.clear()
        if reset and not self.closing:
            self.closing = True
            self._lose_soon(ConnectionResetError("the client has reset the connection"))
        elif self.closing:
            self._lose_soon(None)
        elif not self._client_finished:
            self.client_finishes()

    # -- turns of the loop -------------------------------------------------------------------------------------------

    def _tell_client(self) -> None:
        if self._on_news is not None:
            self._on_news()

    def _deliver_soon(self) -> None:
        if not self._delivery_due:
            self._delivery_due = True
            self._loop.call_soon(self._deliver, context=self._context)

    def _deliver(self) -> None:
        """One piece a turn, nothing while reading is paused; then the end."""
        self._delivery_due = False
        if self.lost or (self.paused and not self.closing):
            return
        if self._incoming:
            data = bytes(self._incoming[:READ_SIZE])
            del self._incoming[:READ_SIZE]
            self._call(self.deliver, data)
            if self._incoming or self._client_finished:
                self._deliver_soon()
            elif self._on_news is not None:
                self._on_news()
        elif self._client_finished and not self._end_delivered:
            self._end_delivered = True
            if self.closing:
                self._lose(None)
            else:
                self._call(self.protocol.eof_received)

    def _room(self) -> None:
        if self.congested and not self.closing and len(self._outgoing) <= LOW_WATER:
            self.congested = False
            self._call(self.protocol.writable)

    def _call(self, method: Callable[..., None], *arguments: bytes) -> None:
        """An error of the protocol ends the connection and is reported by the loop, as over a socket."""
        try:
            method(*arguments)
        except BaseException:
            self.abort()
            raise

    def _lose_soon(self, error: OSError | None) -> None:
        self._loop.call_soon(self._lose, error, context=self._context)

    def _lose(self, error: OSError | None) -> None:
        if self.lost:
            return
        self.lost = self.closing = True
        self.congested = False
        self.deadline = NEVER
        self.deliver = _drop
        try:
            self.protocol.connection_lost(error)
        finally:
            if self._on_lost is not None:
                self._on_lost(self)
            self._tell_client()


def _drop(_data: bytes) -> None:
    """Where bytes go that nobody wants any more."""


def _read_file(file: IO[bytes] | int, offset: int | None, count: int | None) -> bytes:
    """A range of it; by ``offset`` without moving its position."""
    descriptor = file if isinstance(file, int) else file.fileno()
    position = os.lseek(descriptor, 0, os.SEEK_CUR)
    try:
        if offset is not None:
            os.lseek(descriptor, offset, os.SEEK_SET)
        pieces = []
        left = count
        while left is None or left > 0:
            piece = os.read(descriptor, FILE_PIECE if left is None else min(left, FILE_PIECE))
            if not piece:
                break
            pieces.append(piece)
            left = None if left is None else left - len(piece)
        return b"".join(pieces)
    finally:
        if offset is not None:
            os.lseek(descriptor, position, os.SEEK_SET)
