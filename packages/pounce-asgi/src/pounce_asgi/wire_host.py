"""What a worker gives to the wires whose connections it serves, and the contract of a WebSocket with what carries it.

A wire package (HTTP/2, HTTP/3, WebSocket) knows no worker. It is given a `WireHost` once for each event loop, and a
transport or a carrier for each connection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from pounce_asgi.contracts import ConnectionProtocol, HeaderPair, ResponseSink, WireFields

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping, Sequence
    from contextvars import Context

    from pounce_asgi.contracts import Transport
    from pounce_asgi.exchange_context import ExchangeContext, Peer

__all__ = ["Expiring", "HeadLimits", "ServedConnection", "WebSocketCarrier", "WireHost", "WireTimeouts"]

_Fields = TypeVar("_Fields", bound=Any, contravariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class WireTimeouts:
    """Times of one connection, in seconds."""

    keep_alive: float = 75.0
    """How long an idle connection is kept open."""
    request_head: float = 10.0
    """Longest time in all for one request head."""
    body_stall: float = 30.0
    """Longest pause inside a request body."""
    write_stall: float = 30.0
    """Longest time in which a client takes no byte of what waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadLimits:
    """Limits of one request head. Each has the same meaning over every wire."""

    target_size: int = 8192
    """Bytes of a request target; beyond it the answer is 414."""
    field_size: int = 16384
    """Bytes of one field line; beyond it the answer is 431."""
    fields_size: int = 65536
    """Bytes of all field lines; beyond it the answer is 431."""
    field_count: int = 100
    """Field lines; beyond it the answer is 431."""


class Expiring(Protocol):
    """Something with deadlines."""

    def expire(self, now: float) -> None:
        """Act on every deadline that is at or before ``now``; called once a tick of the host's clock."""


class ServedConnection(ConnectionProtocol, Protocol):
    """A connection that a worker counts, tells of its end, and moves or closes when it makes way for another."""

    @property
    def transport(self) -> Transport:
        """What moves its bytes."""

    @property
    def peer(self) -> Peer:
        """Whose it is."""

    @property
    def requests(self) -> int:
        """Requests that were begun on it."""

    def last_request(self) -> None:
        """Another worker takes over: let the client know, where the protocol can, that it should connect anew."""


class WireHost(Protocol):
    """One event loop's side of all wires. Everything here belongs to the loop's thread."""

    loop: asyncio.AbstractEventLoop
    worker_id: int
    timeouts: WireTimeouts
    limits: HeadLimits
    base_context: Context
    """In which callbacks of a connection run: not in that of the request that asked for them."""

    @property
    def draining(self) -> bool:
        """The server stops, or another worker takes over: connections that begin now are to end soon."""

    @property
    def soon(self) -> float:
        """The moment from which deadlines count: ``soon + timeout`` is never early. Moves once a tick."""

    def new_context(
        self,
        encode: Callable[[bytes, bytes], WireFields],
        no_fields: WireFields,
        extensions: Mapping[str, dict[str, Any]],
    ) -> ExchangeContext[WireFields]:
        """The surroundings of the exchanges of one kind of wire; see `ExchangeContext`."""

    def watch_deadlines(self, member: Expiring) -> None:
        """Call its ``expire`` once a tick from now on."""

    def forget_deadlines(self, member: Expiring) -> None:
        """No longer; nothing happens if it was not watched."""

    def connection_came(
        self, protocol: str, transport: Transport, make: Callable[[Peer, str | None], ServedConnection]
    ) -> ServedConnection:
        """A client has come in a way of its own, over datagrams: count it, and ``make`` its connection of who it is
        and, where the server has too many, what each of its requests is told with a 503. ``protocol`` is ``h3``.
        """

    def connection_closed(self, connection: ServedConnection, error: OSError | None) -> None:
        """A connection is gone: called by it from ``connection_lost()``."""

    def request_refused(self, peer: Peer, status: int, detail: str, *, told: bool = False) -> None:
        """A request was answered without the application, or a connection ended for what the client did: one line in
        the log, in which operators find out why. ``status`` is an HTTP status, or 0 where there was no answer.
        ``told``: listeners hear of the same as a `LimitHit` or a `ClientTimedOut`.
        """


class WebSocketCarrier(ResponseSink[_Fields], Protocol[_Fields]):
    """What carries the bytes of one WebSocket: an HTTP/1.1 connection after its upgrade, or a stream of HTTP/2 or
    HTTP/3. As a `ResponseSink` it answers the handshake when that is refused; then there will be no WebSocket.
    """

    congested: bool
    """More bytes wait than the high-water mark; the WebSocket hears ``writable()`` when it is over."""

    def accept(self, fields: Sequence[HeaderPair]) -> None:
        """Answer the handshake: 101 or 200 with these fields, to which the carrier adds its own (Connection and
        Upgrade over HTTP/1.1; Date and Server). From now on bytes are the WebSocket's; those that came early follow
        in a later turn of the loop.
        """

    def write(self, data: bytes) -> None:
        """Send bytes. After ``finish()`` or a lost connection it does nothing."""

    def pause_reading(self) -> None:
        """Stop calling ``data_received()`` until ``resume_reading()``; back-pressure on this client alone."""

    def resume_reading(self) -> None:
        """Undo ``pause_reading()``."""

    def finish(self) -> None:
        """Both sides have said goodbye, or the client will not: end the byte stream in an orderly way after what waits
        is sent (a lingering close, END_STREAM).
        """
