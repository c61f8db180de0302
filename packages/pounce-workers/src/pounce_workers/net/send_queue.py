"""What a socket did not take yet: bytes and ranges of files, in the order in which they are to be sent."""

from __future__ import annotations

import os
import socket
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from pounce_asgi import ClientGone

if TYPE_CHECKING:
    import asyncio

__all__ = ["FileRange", "QueuedItem", "SendQueue"]

FILE_STEP: Final = 1 << 20
"""Bytes of a file handed to the kernel in one turn, so that one fast download does not hold up the others."""
READ_STEP: Final = 1 << 16
"""Bytes read at once where sendfile does not work."""
PIECES: Final = 64
"""Buffers given to one sendmsg; systems allow 16 (IOV_MAX minimum) to 1024, and Linux and macOS allow 1024."""

_HAS_SENDFILE: Final = hasattr(os, "sendfile")


class QueuedItem(Protocol):
    """Something other than bytes that waits its turn."""

    left: int
    """Bytes still to be sent."""

    def send_some(self, sock: socket.socket, /) -> bool:
        """Send a step of it. True when it is finished.

        Raises:
            BlockingIOError: the socket is full.
            OSError: it cannot be sent, or the socket failed.
        """

    def fail(self, error: OSError, /) -> None:
        """It will not be sent."""


class FileRange:
    """A range of a file that waits its turn. ``done`` gets the number of bytes sent."""

    __slots__ = ("_block", "_by_copy", "_descriptor", "_offset", "_rewind", "_sent", "done", "left")

    def __init__(self, descriptor: int, offset: int | None, count: int, done: asyncio.Future[int]) -> None:
        self._descriptor = descriptor
        self._rewind = offset is None
        self._offset = os.lseek(descriptor, 0, os.SEEK_CUR) if offset is None else offset
        self._sent = 0
        self._by_copy = not _HAS_SENDFILE
        self._block = b""  # read and not taken by the socket: of a TLS connection, the same bytes must come again
        self.left = count
        self.done = done

    def send_some(self, sock: socket.socket) -> bool:
        """Send a step of it. True when it is finished, also because the file ended early.

        Raises:
            BlockingIOError: the socket is full.
            ConnectionAbortedError: nobody waits for it any more.
            OSError: the file or the socket failed.
        """
        if self.done.done():
            # Who was sending it was cancelled, and closes the file, whose descriptor may be that of another by now.
            raise ConnectionAbortedError("sending a file was given up")
        if self.left:
            count = min(self.left, FILE_STEP)
            by_copy = self._by_copy or not _takes_files(sock)
            sent = self._copy(sock, count) if by_copy else self._sendfile(sock, count)
            if sent == 0:
                self.left = 0  # the file became shorter than it was
            else:
                self._offset += sent
                self._sent += sent
                self.left -= sent
        if self.left:
            return False
        if self._rewind:
            os.lseek(self._descriptor, self._offset, os.SEEK_SET)  # as if it had been read
        self.done.set_result(self._sent)
        return True

    def _sendfile(self, sock: socket.socket, count: int) -> int:
        try:
            return os.sendfile(sock.fileno(), self._descriptor, self._offset, count)
        except (BlockingIOError, BrokenPipeError, ConnectionError):
            raise
        except OSError:
            # Some file systems cannot do it (EINVAL, ENOSYS): read and send. A real failure shows again there.
            self._by_copy = True
            return self._copy(sock, count)

    def _copy(self, sock: socket.socket, count: int) -> int:
        data = self._block = self._block or _read_at(self._descriptor, min(count, READ_STEP), self._offset)
        sent = sock.send(data) if data else 0
        self._block = data[sent:]
        return sent

    def fail(self, error: OSError) -> None:
        """It will not be sent."""
        if not self.done.done():
            self.done.set_exception(error)


def _takes_files(sock: socket.socket) -> bool:
    """Whether the kernel may send files on its descriptor: that of a TLS connection would carry them in the clear."""
    return type(sock) is socket.socket or getattr(sock, "sends_files", False)


def _read_at(descriptor: int, count: int, offset: int) -> bytes:
    if hasattr(os, "pread"):
        return os.pread(descriptor, count, offset)
    # Windows: the file's position is what there is, and is put back, because it is the application's.
    before = os.lseek(descriptor, 0, os.SEEK_CUR)
    try:
        os.lseek(descriptor, offset, os.SEEK_SET)
        return os.read(descriptor, count)
    finally:
        os.lseek(descriptor, before, os.SEEK_SET)


class SendQueue:
    """Owned by one transport."""

    __slots__ = ("_items", "size")

    def __init__(self) -> None:
        self._items: deque[memoryview | QueuedItem] = deque()
        self.size = 0
        """Bytes that wait, files not counted: those are not in memory."""

    def __bool__(self) -> bool:
        return bool(self._items)

    def append(self, data: bytes, start: int = 0) -> None:
        """Keep ``data`` from ``start`` on."""
        view = memoryview(data)[start:]
        if view:
            self._items.append(view)
            self.size += len(view)

    def append_item(self, item: QueuedItem) -> None:
        """Keep something else, such as a range of a file."""
        self._items.append(item)

    def send_some(self, sock: socket.socket) -> int:
        """Send what the socket takes in one turn; returns a number above 0 if it took anything.

        Raises:
            BlockingIOError: it took nothing.
            OSError: the connection is lost, or a file cannot be read.
        """
        first = self._items[0]
        if not isinstance(first, memoryview):
            before = first.left
            if first.send_some(sock):
                self._items.popleft()
            return max(before - first.left, 1)
        sent = self._send_views(sock, first)
        self.size -= sent
        left = sent
        while left:
            view = self._items[0]
            if not isinstance(view, memoryview):
                break
            if left < len(view):
                self._items[0] = view[left:]
                break
            left -= len(view)
            self._items.popleft()
        return sent

    def _send_views(self, sock: socket.socket, first: memoryview) -> int:
        views = [first]
        for item in self._items:
            if item is first:
                continue
            if not isinstance(item, memoryview) or len(views) == PIECES:
                break
            views.append(item)
        if len(views) == 1 or not hasattr(sock, "sendmsg"):
            return sock.send(first)
        return sock.sendmsg(views)

    def fail(self, error: OSError) -> None:
        """Drop everything; files that waited fail with ``ClientGone``."""
        gone = ClientGone(f"the client has disconnected: {error}")
        for item in self._items:
            if not isinstance(item, memoryview):
                item.fail(gone)
        self._items.clear()
        self.size = 0
