"""Datagrams for connections that have more to do than others should wait for.

They wait here instead of in QUIC, so that what a connection has not looked at yet stays bounded, and so do the packets
that are decrypted for it in a row. What comes beyond the bounds is dropped, as a router would, and the client repeats
it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pounce_asgi import Datagram
    from pounce_h3.transport import QuicTransport

__all__ = ["Later"]

OF_ONE: Final = 64
"""Datagrams of one connection: what it may send in a round trip at first, some times over."""
OF_ALL: Final = 4096
"""Datagrams in all: some megabytes."""
PORTION: Final = 4
"""Handed on in one turn: reading them takes about that long."""


class Later:
    """What waits for the connections of one endpoint. Owned by its thread."""

    __slots__ = ("_count",)

    def __init__(self) -> None:
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def keep(self, transport: QuicTransport, datagram: Datagram) -> None:
        """Let one wait, if there is room."""
        if len(transport.later) < OF_ONE and self._count < OF_ALL:
            transport.later.append(datagram)
            self._count += 1

    def take(self, transport: QuicTransport) -> list[Datagram]:
        """The next ones of a connection, in their order."""
        portion = transport.later[:PORTION]
        del transport.later[:PORTION]
        self._count -= len(portion)
        return portion

    def drop(self, transport: QuicTransport) -> None:
        """The connection is over."""
        self._count -= len(transport.later)
        transport.later.clear()
