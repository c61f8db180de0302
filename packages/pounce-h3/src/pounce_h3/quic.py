"""The contract between QUIC and HTTP/3: what an engine does for one connection, and what it tells.

An engine knows no HTTP, no socket and no clock: datagrams and ``now`` come in, calls of its user and datagrams go out.
``now`` is ``loop.time()`` of whoever drives it, in seconds. Nothing here is thread-safe or needs to be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi.types import TLSExtension

__all__ = ["Address", "ConnectionEnd", "Quic", "QuicUser"]

Address = tuple[str, int]
"""Host and port of a client, as ``recvfrom()`` gives them, without flow label and scope."""


class ConnectionEnd(NamedTuple):
    """Why a connection is over (RFC 9000, 10)."""

    code: int
    """0 for one that ended without an error; else an error of QUIC, or of HTTP/3 where ``application``."""
    reason: str
    application: bool
    by_peer: bool
    """The client has said so. False: an idle timeout, a stateless reset, or what we found wrong."""


class QuicUser(Protocol):
    """What an engine tells of its connection. No call is made from within a call of the user, but within
    ``receive()``, ``expire()`` and ``tell_on()``.

    What returns a bool says whether others are to have their turn before more is told.
    """

    def take_turn(self) -> bool:
        """A turn begins: go on with what there was no time for in the last one."""

    def handshake_done(self) -> None:
        """The client's TLS handshake is complete, and with it its address is proven."""

    def stream_received(self, stream_id: int, data: bytes, ended: bool) -> bool:
        """Bytes of a stream, in order; ``ended`` with the last, which may be none. The first ones open it."""

    def stream_reset(self, stream_id: int, code: int) -> bool:
        """The client gave up sending on a stream (RESET_STREAM). Nothing more is received on it."""

    def sending_stopped(self, stream_id: int, code: int) -> bool:
        """The client wants nothing more of a stream (STOP_SENDING); the engine has reset our side."""

    def backlog_fell(self, stream_id: int) -> None:
        """Bytes of a stream left for the first time after ``backlog()`` was asked and was not 0: ask again."""

    def connection_ended(self, end: ConnectionEnd) -> None:
        """The connection is over; every call of the engine does nothing from now on. Said once."""


class Quic(Protocol):
    """One connection, the server's side."""

    # -- driven by the endpoint --------------------------------------------------------------------------------------

    def receive(self, datagrams: Sequence[bytes], address: Address, now: float) -> None:
        """Datagrams arrived from this address, in this order."""

    def datagrams_to_send(self, now: float) -> Sequence[tuple[bytes, Address]]:
        """What is to be sent now, as far as congestion control and the amplification limit allow."""

    @property
    def timer(self) -> float | None:
        """When ``expire()`` is to be called; None when there is nothing to wait for."""

    def expire(self, now: float) -> None:
        """A time has come: losses, probes, acknowledgements, the idle timeout, the end of the closing period."""

    @property
    def held(self) -> bool:
        """The user has made way for others before it had heard everything: call ``tell_on()`` when they have had their
        turn. What is told meanwhile, the end included, comes behind that.
        """

    def tell_on(self) -> None:
        """Tell what is held. Nothing happens if nothing is."""

    @property
    def over(self) -> bool:
        """Nothing more is to be received or sent, the closing and draining periods included (RFC 9000, 10.2)."""

    @property
    def connection_ids(self) -> frozenset[bytes]:
        """The ids by which the client may call it now; those of the first flight are among them while they hold."""

    # -- asked by HTTP/3 ---------------------------------------------------------------------------------------------

    @property
    def address(self) -> Address:
        """Where the client is now; another after a migration (RFC 9000, 9)."""

    @property
    def handshake_complete(self) -> bool:
        """False while what arrives is early data, which may be a repetition (RFC 9001, 9.2)."""

    @property
    def tls(self) -> TLSExtension:
        """For the scope. Known once the handshake is complete."""

    def send(self, stream_id: int, data: bytes, *, end: bool) -> None:
        """Queue bytes on a stream. All are taken; whoever sends looks at the backlog first. Does nothing on a stream
        that was reset or stopped.
        """

    def backlog(self, stream_id: int) -> int:
        """Bytes of a stream that were not sent for the first time yet: windows or congestion hold them."""

    def open_unidirectional(self) -> int:
        """The id of a new stream on which only we send (RFC 9114, 6.2)."""

    def reset(self, stream_id: int, code: int) -> None:
        """Give up sending on a stream. Nothing happens if that is over already."""

    def stop(self, stream_id: int, code: int) -> None:
        """Want nothing more of a stream. Nothing happens if that is over already."""

    def credit(self, stream_id: int, size: int) -> None:
        """So many bytes of a stream have been used up: the client may send as many anew, on the stream and on the
        connection. Until then they count against both windows.
        """

    def sending(self, stream_id: int) -> bool:
        """Whether our side of a stream is open."""

    def receiving(self, stream_id: int) -> bool:
        """Whether the client's side of a stream is open."""

    def update_keys(self) -> None:
        """Begin a new generation of keys (RFC 9001, 6)."""

    def close(self, code: int, reason: str, *, application: bool = True) -> None:
        """End the connection (RFC 9000, 10.2). ``connection_ended`` is not called for it."""
