"""How much the kernel takes for a client that has not read anything yet.

It takes 2.5 MB and more for each connection, whether its client reads or not. That is memory, and time: an application
that answers somebody who will never read works as long as for somebody who does. So it takes 256 KiB at first (tcp(7),
TCP_NOTSENT_LOWAT; what is on its way to the client is not counted), and as much as it likes from the moment when a
client has read enough of that for there to be room.
"""

from __future__ import annotations

import contextlib
import socket
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["bound_unsent", "lift_bound"]

UNSENT_BYTES: Final = 262_144
_AS_USUAL: Final = 0
"""What the system says for all connections (net.ipv4.tcp_notsent_lowat)."""


def bound_unsent(listener: socket.socket) -> None:
    """Bound it for all that are accepted on this socket, which inherit that from it on Linux."""
    if sys.platform == "linux" and listener.family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError):  # not TCP
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)


def lift_bound(setsockopt: Callable[[int, int, int], object]) -> None:
    """The client of this socket reads."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # not TCP, or gone
            setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _AS_USUAL)
