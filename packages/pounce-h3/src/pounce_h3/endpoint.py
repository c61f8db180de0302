"""All QUIC connections of one event loop: datagrams in, datagrams out, one timer.

The cost of a datagram does not depend on how many connections there are: it is looked up by its ID, and only the
connections that received something, expired or want to send are looked at in a turn. Hot path: `QuicEndpoint.receive`.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from pounce_asgi.fairness import QUIC_TURN_SECONDS, call_behind
from pounce_h3.arrival import Arrival
from pounce_h3.later import Later
from pounce_h3.newcomers import Newcomers
from pounce_h3.routing import destination_of
from pounce_h3.timers import Timers
from pounce_h3.transport import NEVER, QuicTransport

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pounce_asgi import Datagram, DatagramLink, DatagramPath, Http3Settings, Peer, ServedConnection, WireHost
    from pounce_h3.engines import QuicEngines
    from pounce_h3.keys import QuicKeys
    from pounce_h3.newcomers import Newcomer

__all__ = ["Http3Maker", "QuicEndpoint"]

logger = logging.getLogger("pounce.worker")

PROTOCOL: Final = "h3"
HANDSHAKE_TIME: Final = 10.0
"""Seconds for a handshake, as for one of TLS over TCP. A spoofed client never completes its own."""


class Refused(Protocol):
    """Told why a client has no connection, as the lifecycle records name it."""

    def __call__(
        self, client: tuple[str, int] | None, reason: str, error: Exception | None, protocol: str, /
    ) -> object:
        """``reason``: see `pounce_asgi.ConnectionRefused`."""


class Http3Maker(Protocol):
    """Makes the HTTP/3 connections of one loop: `pounce_h3.Http3Wire`."""

    def connect(self, quic: Any, transport: Any, peer: Peer, *, refusal: str | None = None) -> Any:
        """A connection, which is `ServedConnection` and `QuicUser`."""


class QuicEndpoint:
    """The `pounce_asgi.DatagramEndpoint` of one loop. Owned by the loop's thread."""

    def __init__(
        self,
        host: WireHost,
        wire: Http3Maker,
        link: DatagramLink,
        settings: Http3Settings,
        engines: QuicEngines,
        keys: QuicKeys,
        *,
        handshake_timeout: float = HANDSHAKE_TIME,
        refused: Refused | None = None,
    ) -> None:
        """``handshake_timeout`` is in seconds. ``refused`` is told of each client that never had a connection."""
        self._refused = refused
        self._host = host
        self._loop = host.loop
        self._wire = wire
        self._link = link
        self._engines = engines
        self._handshake_timeout = handshake_timeout
        self._newcomers = Newcomers(link, settings, engines, keys, self._loop.time(), on_full=self._turned_away)
        self._by_id: dict[bytes, QuicTransport] = {}
        self._transports: set[QuicTransport] = set()
        """Those that may still receive or send, also when their end was told."""
        self._timers: Timers[QuicTransport] = Timers()
        self._told_timer: float | None = None
        self._dirty: list[QuicTransport] = []
        """Those to be looked at before the turn ends."""
        self._busy = False
        """A look is to follow in this call."""
        self._flush_soon = False
        self._outgoing: list[Datagram] = []
        self._later = Later()
        self.open_handshakes = 0
        """Connections whose handshake goes on."""

    # -- DatagramEndpoint --------------------------------------------------------------------------------------------

    @property
    def connections(self) -> int:
        """Connections that are open, or may still have to repeat their last words."""
        return len(self._transports)

    @property
    def next_timer(self) -> float | None:
        """When ``expire()`` is to be called."""
        return self._timers.next

    def receive(self, batch: Sequence[Datagram], now: float, *, forwarded: bool = False) -> None:
        """Datagrams arrived."""
        self._busy = True
        find = self._by_id.get
        touched: list[QuicTransport] = []
        try:
            for datagram in batch:
                data, path = datagram
                connection_id = destination_of(data)
                transport = find(connection_id)
                if transport is None:
                    transport = self._meet(connection_id, datagram, now, forwarded)
                    if transport is None:
                        continue
                elif transport.held:
                    self._later.keep(transport, datagram)
                    continue
                if path is not transport.path and path != transport.path:
                    self._feed(transport, now)
                    transport.came_by(path)
                if not transport.waiting:
                    touched.append(transport)
                transport.waiting.append(data)
            time = self._loop.time
            end_of_turn = now + QUIC_TURN_SECONDS
            for transport in touched:
                if transport is touched[0] or time() < end_of_turn:
                    self._feed(transport, now)
                else:
                    self._put_off(transport)
        finally:
            self._busy = False
            self._look_at_dirty(now)

    def expire(self, now: float) -> None:
        """Act on every timer that is at or before ``now``."""
        self._busy = True
        try:
            for transport in self._timers.take_due(now):
                if now >= transport.handshake_deadline:
                    self._abandon(transport, TimeoutError("the QUIC handshake took too long"))
                else:
                    self._mark(transport)
                    try:
                        transport.quic.expire(now)
                    except Exception:  # noqa: BLE001 - no other is to suffer
                        self._failed(transport)
        finally:
            self._busy = False
            self._told_timer = None
            self._look_at_dirty(now)

    def begin_drain(self) -> None:
        """Begin no connection from now on, and end those whose client has not come yet: their host does not know
        them.
        """
        self._newcomers.accepting = False
        for transport in tuple(self._transports):
            if transport.connection is None:
                transport.close()

    def give_up(self) -> None:
        """End every connection, tell each client once, and let go of everything."""
        self.begin_drain()
        for transport in tuple(self._transports):
            transport.abort()
        self._look_at_dirty(self._loop.time())
        for transport in tuple(self._transports):
            self._forget(transport)
        self._link.set_timer(None)

    # -- TransportUser -----------------------------------------------------------------------------------------------

    def want_flush(self, transport: QuicTransport) -> None:
        """Something is to be sent before the loop waits again."""
        self._mark(transport)
        if not self._busy and not self._flush_soon:
            self._flush_soon = True
            self._loop.call_soon(self._flush, context=self._host.base_context)

    def tell_of_loss(self, transport: QuicTransport, error: OSError | None) -> None:
        """In the next turn call ``connection_lost()``, once."""
        connection, transport.connection = transport.connection, None
        if transport.handshake_deadline != NEVER:
            self._handshake_over(transport)
            if connection is None:
                self._never_came(transport, error)
        if connection is not None:
            self._loop.call_soon(connection.connection_lost, error, context=self._host.base_context)

    def _never_came(self, transport: QuicTransport, error: OSError | None) -> None:
        if self._refused is not None:
            late = isinstance(error, TimeoutError)
            ours = error is None and not self._newcomers.accepting
            reason = "ssl_handshake_timeout" if late else "stopping" if ours else "tls_handshake"
            self._refused(transport.peer, reason, error, PROTOCOL)

    def _turned_away(self, client: tuple[str, int]) -> None:
        if self._refused is not None:
            self._refused(client, "quic_max_connections", None, PROTOCOL)

    # -- a connection's life -----------------------------------------------------------------------------------------

    def _meet(self, connection_id: bytes, datagram: Datagram, now: float, forwarded: bool) -> QuicTransport | None:
        newcomer = self._newcomers.judge(
            connection_id,
            datagram,
            now,
            forwarded=forwarded,
            handshakes=self.open_handshakes,
            connections=len(self._transports),
        )
        return None if newcomer is None else self._begin(newcomer, connection_id, datagram[1], now)

    def _begin(self, newcomer: Newcomer, connection_id: bytes, path: DatagramPath, now: float) -> QuicTransport | None:
        transport = QuicTransport(self, path)
        try:
            transport.quic = self._engines.connect(
                Arrival(transport, self._admit),
                original_destination_id=newcomer.original_id,
                retry_source_id=newcomer.retry_id,
                new_connection_id=self._newcomers.ids.new,
                reset_token=self._newcomers.resets.token,
                now=now,
            )
        except Exception:
            logger.exception("A QUIC connection could not be made")
            return None
        self._transports.add(transport)
        self.open_handshakes += 1
        transport.handshake_deadline = now + self._handshake_timeout
        self._know(transport, frozenset((connection_id, *transport.quic.connection_ids)))
        return transport

    def _admit(self, transport: QuicTransport) -> ServedConnection:
        """The client has come: it is counted from now on, and has one of the server's places or is refused."""

        def make(peer: Peer, refusal: str | None) -> ServedConnection:
            made: ServedConnection = self._wire.connect(quic, transport, peer, refusal=refusal)
            return made

        quic = transport.quic
        if quic.handshake_complete:
            transport.tls = quic.tls
        connection = transport.connection = self._host.connection_came(PROTOCOL, transport, make)
        return connection

    def _know(self, transport: QuicTransport, ids: frozenset[bytes]) -> None:
        """Find it by these IDs, and no longer by others."""
        known, transport.ids = transport.ids, ids
        for connection_id in ids - known:
            if self._by_id.setdefault(connection_id, transport) is transport:
                self._link.claim(connection_id)
        self._unlearn(transport, known - ids)

    def _unlearn(self, transport: QuicTransport, ids: Iterable[bytes]) -> None:
        for connection_id in ids:
            if self._by_id.get(connection_id) is transport:
                del self._by_id[connection_id]
                self._link.release(connection_id)

    def _feed(self, transport: QuicTransport, now: float) -> None:
        """Hand on what waits."""
        waiting = transport.waiting
        if waiting:
            transport.waiting = []
            self._mark(transport)
            try:
                transport.quic.receive(waiting, transport.path.client, now)
            except Exception:  # noqa: BLE001 - no other is to suffer
                self._failed(transport)

    def _put_off(self, transport: QuicTransport) -> None:
        """Others took so long that what waits is for a further turn."""
        waiting = transport.waiting
        if waiting:
            transport.waiting = []
            for data in waiting:
                self._later.keep(transport, (data, transport.path))
            self._hold(transport)

    def _hold(self, transport: QuicTransport) -> None:
        """It goes on when others have had their turn."""
        transport.held = True
        call_behind(self._loop, partial(self._go_on, transport), self._host.base_context)

    def _go_on(self, transport: QuicTransport) -> None:
        transport.held = False
        if transport not in self._transports:
            return
        now = self._loop.time()
        if not transport.quic.held:
            self.receive(self._later.take(transport), now)
        else:
            self._mark(transport)
            self._busy = True
            try:
                transport.quic.tell_on()
            except Exception:  # noqa: BLE001 - no other is to suffer
                self._failed(transport)
            finally:
                self._busy = False
                self._look_at_dirty(now)
        if transport.later and not transport.held:
            self._hold(transport)

    def _failed(self, transport: QuicTransport) -> None:
        """An engine, or what it called, failed in an unforeseen way. No other connection is to suffer."""
        logger.exception("A QUIC connection failed in an unforeseen way")
        self._abandon(transport, ConnectionAbortedError("the QUIC connection failed"))

    def _handshake_over(self, transport: QuicTransport) -> None:
        transport.handshake_deadline = NEVER
        self.open_handshakes -= 1

    def _abandon(self, transport: QuicTransport, error: OSError) -> None:
        """End it without a word."""
        transport.lost(error)
        self._forget(transport)

    def _forget(self, transport: QuicTransport) -> None:
        """Nothing of it is to be received or sent any more."""
        if transport in self._transports:
            self._transports.discard(transport)
            self._unlearn(transport, transport.ids)
            self._later.drop(transport)
            transport.ids = frozenset()
            self._timers.drop(transport.timer)
            if not transport.closing:
                transport.lost(None)

    # -- the end of a turn -------------------------------------------------------------------------------------------

    def _mark(self, transport: QuicTransport) -> None:
        if not transport.dirty:
            transport.dirty = True
            self._dirty.append(transport)

    def _flush(self) -> None:
        self._flush_soon = False
        self._look_at_dirty(self._loop.time())

    def _look_at_dirty(self, now: float) -> None:
        """Send what the connections of this turn want to send, and see how they stand. What they want to send because
        of that comes in the next turn, after others.
        """
        dirty = self._dirty
        if dirty:
            self._dirty = []
            for transport in dirty:
                transport.dirty = False
                if transport in self._transports:
                    try:
                        self._settle(transport, now)
                    except Exception:  # noqa: BLE001 - no other is to suffer
                        self._failed(transport)
            outgoing = self._outgoing
            if outgoing:
                self._outgoing = []
                self._link.send(outgoing)
        when = self._timers.next
        if when != self._told_timer:
            self._told_timer = when
            self._link.set_timer(when)

    def _settle(self, transport: QuicTransport, now: float) -> None:
        quic = transport.quic
        for data, client in quic.datagrams_to_send(now):
            path = transport.path_to(client)
            if path is not None:
                self._outgoing.append((data, path))
        ids = quic.connection_ids
        if ids is not transport.ids and ids != transport.ids:
            self._know(transport, ids)
        if transport.handshake_deadline != NEVER and quic.handshake_complete:
            self._handshake_over(transport)
            transport.tls = quic.tls
        if quic.held and not transport.held:
            self._hold(transport)
        if quic.over:
            if not quic.held:
                self._forget(transport)
            return
        timer = quic.timer
        if transport.handshake_deadline != NEVER and (timer is None or transport.handshake_deadline < timer):
            timer = transport.handshake_deadline
        self._timers.set(transport.timer, timer)
