"""Whoever takes connections that another thread accepted: an async worker, a pool of blocking workers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

__all__ = ["ConnectionTarget"]


class ConnectionTarget(Protocol):
    """What the `AcceptDistributor` needs of it. Called from the distributor's thread."""

    on_room: Callable[[], None] | None
    """To be called, from any thread, once there is room again after `hand_over` has said False. Set by the
    distributor. Whether room is missed must be settled under the lock, or in the thread, that takes connections out, or
    the news of it can be lost."""

    @property
    def load(self) -> int:
        """Connections that it has, and those that wait to be taken in. Read from any thread."""

    def hand_over(
        self, sock: socket.socket, peer: tuple[str, int] | None, local: tuple[str, int | None] | None, /
    ) -> bool:
        """Take this connection, without waiting. False: too many wait to be taken in, or it takes no more at all; the
        socket stays the caller's.
        """
