"""By which IDs the connections of one endpoint are known."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_asgi import DatagramLink
    from pounce_h3.transport import QuicTransport

__all__ = ["Directory"]


class Directory:
    """What is in it, the link is told: other workers pass on what they read for these IDs. Owned by its thread."""

    def __init__(self, link: DatagramLink) -> None:
        self._link = link
        self.by_id: dict[bytes, QuicTransport] = {}

    def know(self, transport: QuicTransport, ids: frozenset[bytes]) -> None:
        """Find it by these IDs, and no longer by others."""
        known, transport.ids = transport.ids, ids
        for connection_id in ids - known:
            if self.by_id.setdefault(connection_id, transport) is transport:
                self._link.claim(connection_id)
        self._unlearn(transport, known - ids)

    def forget(self, transport: QuicTransport) -> None:
        """Find it no longer."""
        self._unlearn(transport, transport.ids)
        transport.ids = frozenset()

    def _unlearn(self, transport: QuicTransport, ids: Iterable[bytes]) -> None:
        for connection_id in ids:
            if self.by_id.get(connection_id) is transport:
                del self.by_id[connection_id]
                self._link.release(connection_id)
