"""How much of what was given to a socket its client has not taken yet."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket

__all__ = ["unacknowledged"]

SO_NWRITE: Final = 0x1024
"""macOS: bytes in the send buffer (sys/socket.h)."""

if sys.platform == "linux":
    import fcntl
    import termios

    def unacknowledged(sock: socket.socket) -> int:
        """Bytes in the kernel's send buffer that the client's system has not acknowledged; 0 if that is not known."""
        try:
            # SIOCOUTQ (tcp(7), unix(7)) has the number of TIOCOUTQ.
            return int.from_bytes(fcntl.ioctl(sock.fileno(), termios.TIOCOUTQ, bytes(4)), sys.byteorder)
        except OSError:
            return 0

else:  # pragma: no cover - other systems

    def unacknowledged(sock: socket.socket) -> int:
        """Bytes in the kernel's send buffer that the client's system has not acknowledged; 0 if that is not known."""
        if sys.platform != "darwin":
            return 0
        import socket as sockets

        try:
            return sock.getsockopt(sockets.SOL_SOCKET, SO_NWRITE)
        except OSError:
            return 0
