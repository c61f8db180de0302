"""Which worker of a process has which connection over datagrams: one table for all workers and generations.

A worker looks into its own table first, without a lock; it comes here with what it does not know, and to say what it
begins and ends.
"""

from __future__ import annotations

import threading
import zlib
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi import Datagram

__all__ = ["DatagramMember", "DatagramRoutes"]


class DatagramMember(Protocol):
    """A worker, as the others see it."""

    def hand_over(self, datagrams: Sequence[Datagram], /) -> None:
        """Have datagrams that another one read. Safe in any thread; returns at once."""


class DatagramRoutes:
    """Shared by all threads of a process. Used once or twice for each connection, and never for a datagram of one that
    arrives where its connection is.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards all that follows
        self._owners: dict[bytes, DatagramMember] = {}
        self._takers: tuple[DatagramMember, ...] = ()

    def __len__(self) -> int:
        with self._lock:
            return len(self._owners)

    def take_new(self, member: DatagramMember) -> None:
        """This member has connections that begin from now on."""
        with self._lock:
            if member not in self._takers:
                self._takers = (*self._takers, member)

    def take_no_more(self, member: DatagramMember) -> None:
        """This member is to have no new connections any more."""
        with self._lock:
            self._takers = tuple(one for one in self._takers if one is not member)

    def leave(self, member: DatagramMember) -> None:
        """This member is gone, and its connections with it."""
        self.take_no_more(member)
        with self._lock:
            for connection_id in [one for one, owner in self._owners.items() if owner is member]:
                del self._owners[connection_id]

    def claim(self, connection_id: bytes, member: DatagramMember) -> None:
        """The connection with this ID is this member's. Whoever came first keeps it."""
        with self._lock:
            self._owners.setdefault(connection_id, member)

    def release(self, connection_id: bytes, member: DatagramMember) -> None:
        """It is not any more."""
        with self._lock:
            if self._owners.get(connection_id) is member:
                del self._owners[connection_id]

    def owner(self, connection_id: bytes) -> DatagramMember | None:
        """Who has it."""
        with self._lock:
            return self._owners.get(connection_id)

    def taker(self, connection_id: bytes) -> DatagramMember | None:
        """Who is to have a connection that begins with this ID: the same one for all datagrams that begin it, some of
        which may come before there is a connection. None: nobody takes any.
        """
        with self._lock:
            takers = self._takers
        return takers[zlib.crc32(connection_id) % len(takers)] if takers else None
