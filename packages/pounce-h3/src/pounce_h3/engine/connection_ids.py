"""The ids by which clients may call a connection (RFC 9000, 5.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["ConnectionIds"]


class ConnectionIds:
    """Kept by an engine; a route is wanted exactly for what is in here."""

    __slots__ = ("_new", "_token", "now")

    def __init__(self, new: Callable[[], bytes], token: Callable[[bytes], bytes], first: bytes) -> None:
        self._new = new
        self._token = token
        self.now = frozenset((first,))
        """Those of now: the same object for as long as nothing changes, so that looking at it costs nothing."""

    def make(self) -> bytes:
        """A new id, of the same length as all others."""
        made = self._new()
        self.add(made)
        return made

    def token(self, connection_id: bytes) -> bytes:
        """What ends the connection that has this id, when nobody knows it any more (RFC 9000, 10.3): 16 bytes."""
        return self._token(connection_id)

    def add(self, connection_id: bytes) -> None:
        self.now |= {connection_id}

    def discard(self, connection_id: bytes) -> None:
        self.now -= {connection_id}
