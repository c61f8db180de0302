"""Bytes that were read from a socket, and go with it to somebody else who reads them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, cast

if TYPE_CHECKING:
    import socket

__all__ = ["RewoundSocket", "rewind"]


def rewind(sock: socket.socket, data: bytes, *, moved: bool = False) -> socket.socket:
    """Put ``data`` back, before all that is still to come; the result takes the place of ``sock``. ``moved`` is noted
    on it: it has been a connection of this worker already.

    Whoever gets it must read without being told that there is something: no poller knows of bytes that were put back.
    `SocketTransport.start` does; after `BlockingTransport.start` there is a turn to run.
    """
    ours: Any = sock if hasattr(sock, "unread") else RewoundSocket(sock, b"")  # ours may have TLS
    ours.unread(data)
    if moved:
        ours.moved = True
    return cast("socket.socket", ours)


class RewoundSocket:
    """A plain non-blocking socket, as far as transports use one."""

    __slots__ = ("_recv", "_sock", "_unread", "fileno", "moved", "send", "sendmsg", "setsockopt", "shutdown")

    sends_files: ClassVar[bool] = True

    def __init__(self, sock: socket.socket, data: bytes) -> None:
        """``sock`` belongs to this object from now on."""
        self._sock = sock
        self._unread = data
        self.moved = False
        """It has been a connection of this worker already."""
        self._recv = sock.recv
        self.fileno = sock.fileno
        self.send = sock.send
        self.setsockopt = sock.setsockopt
        self.shutdown = sock.shutdown
        if hasattr(sock, "sendmsg"):
            self.sendmsg = sock.sendmsg

    @property
    def rewound(self) -> bool:
        """There are bytes that were put back."""
        return bool(self._unread)

    def unread(self, data: bytes) -> None:
        """Put more bytes back, before the others."""
        self._unread = data + self._unread

    def recv(self, size: int) -> bytes:
        """What was put back, all of it at once; then what comes."""
        if self._unread:
            data, self._unread = self._unread, b""
            return data
        return self._recv(size)

    def getsockopt(self, *arguments: Any) -> Any:
        """An option of the socket."""
        return self._sock.getsockopt(*arguments)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()
