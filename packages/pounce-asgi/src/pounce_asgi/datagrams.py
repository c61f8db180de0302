"""The contract between a worker's UDP sockets and the protocol that is spoken over them (HTTP/3).

The worker moves datagrams and knows nothing of what is in them; the endpoint reads them and knows no socket. A worker
makes one endpoint for each event loop, and gives it a `DatagramLink`. Everything here belongs to the loop's thread.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi.wire_host import WireHost

__all__ = ["Datagram", "DatagramEndpoint", "DatagramEndpointMaker", "DatagramLink", "DatagramPath"]


class DatagramPath(NamedTuple):
    """Between which two addresses a datagram goes. An answer to it is sent along the same path."""

    client: tuple[str, int]
    """Host and port of the client, as scopes and logs have it: an IPv4 client's is IPv4 over every socket."""
    local: tuple[str, int]
    """Host and port that the client has reached: never a wildcard, where the system tells."""
    remote: tuple[Any, ...]
    """The client's address as the socket has it."""
    source: bytes = b""
    """For the system, so that an answer leaves from ``local``; empty where that is so anyway."""
    place: int = 0
    """Which of the sockets of a worker. All workers of a server number theirs alike."""


Datagram = tuple[bytes, DatagramPath]


class DatagramLink(Protocol):
    """What an endpoint is given by its worker: a way out, a timer, and the other workers."""

    def send(self, datagrams: Sequence[Datagram]) -> None:
        """Send these in this order. What the system does not take now waits for a while or is dropped; no error is
        raised. Neighbours with the same path and size cost least.
        """

    def set_timer(self, when: float | None) -> None:
        """Call ``expire()`` at this time of the loop's clock, and forget what was asked before; None for never."""

    def claim(self, connection_id: bytes) -> None:
        """Datagrams for this connection ID are this endpoint's from now on."""

    def release(self, connection_id: bytes) -> None:
        """No longer."""

    def pass_on(self, connection_id: bytes, datagrams: Sequence[Datagram], *, new: bool) -> bool:
        """Give datagrams for an ID that this endpoint does not know to whoever does.

        ``new``: they may begin a connection, which another endpoint is to have if this one makes way for it. False:
        nobody knows the ID, so what becomes of the datagrams is up to the caller. True also while the others are
        being asked: QUIC repeats what is lost.
        """


class DatagramEndpoint(Protocol):
    """One loop's side of the protocol over datagrams."""

    @property
    def connections(self) -> int:
        """Connections that are open, those among them whose handshake goes on."""

    @property
    def open_handshakes(self) -> int:
        """Those whose handshake goes on. Their host does not know them yet, unless they sent early data."""

    @property
    def next_timer(self) -> float | None:
        """When ``expire()`` is to be called: what ``set_timer()`` was told last."""

    def receive(self, batch: Sequence[Datagram], now: float, *, forwarded: bool = False) -> None:
        """Datagrams arrived, in this order. ``forwarded`` by another worker: they are passed on no further."""

    def expire(self, now: float) -> None:
        """Act on every timer that is at or before ``now``."""

    def begin_drain(self) -> None:
        """Begin no connection from now on. Those that are open are told by their host, which has them all."""

    def give_up(self) -> None:
        """End every connection, tell each client once, and let go of everything."""


class DatagramEndpointMaker(Protocol):
    """Makes the endpoints of a server: given to its workers."""

    def endpoint(self, host: WireHost, websockets: Any, link: DatagramLink) -> DatagramEndpoint:
        """The endpoint of one loop. ``websockets``: what makes WebSockets there; None if they are not served."""
