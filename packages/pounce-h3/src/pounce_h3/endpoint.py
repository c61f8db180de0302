"""All QUIC connections of one event loop: datagrams in, datagrams out, one timer.

The cost of a datagram does not depend on how many connections there are: it is looked up by its ID, and only the
connections that received something, expired or want to send are looked at in a turn. Hot path: `QuicEndpoint.receive`.
"""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from pounce_asgi.fairness import call_behind
from pounce_h3.arrival import Arrival
from pounce_h3.directory import Directory
from pounce_h3.hosts import Refusals
from pounce_h3.later import Later
from pounce_h3.newcomers import Newcomers
from pounce_h3.routing import destination_of
from pounce_h3.timers import Timers
from pounce_h3.transport import NEVER, QuicTransport
from pounce_h3.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi import Datagram, DatagramLink, DatagramPath, Http3Settings, Peer, ServedConnection, WireHost
    from pounce_h3.engines import QuicEngines
    from pounce_h3.hosts import Http3Maker, Refused
    from pounce_h3.keys import QuicKeys
    from pounce_h3.newcomers import Newcomer

__all__ = ["QuicEndpoint"]

logger = logging.getLogger("pounce.worker")

PROTOCOL: Final = "h3"
HANDSHAKE_TIME: Final = 10.0
"""Seconds for a handshake, as for one of TLS over TCP. A spoofed client never completes its own."""


MOST_FED: Final = 16
"""Datagrams of one connection that QUIC is given at once. To decrypt and read so many takes less than a turn."""


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
        self._refusals = Refusals(refused, PROTOCOL)
        self._host = host
        self._loop = host.loop
        self._wire = wire
        self._link = link
        self._engines = engines
        self._handshake_timeout = handshake_timeout
        self._newcomers = Newcomers(link, settings, engines, keys, self._loop.time(), on_full=self._refusals.full)
        self._directory = Directory(link)
        self._transports: set[QuicTransport] = set()
        """Those that may still receive or send, also when their end was told."""
        self._timers: Timers[QuicTransport] = Timers()
        self._told_timer: float | None = None
        self._dirty: list[QuicTransport] = []
        """Those to be looked at before the turn ends."""
        self._turn = Turn(self._loop, of_many=True)
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
        turn = self._turn
        turn.begin(now)
        find = self._directory.by_id.get
        touched: list[QuicTransport] = []
        begun = False
        try:
            for datagram in batch:
                data, path = datagram
                connection_id = destination_of(data)
                transport = find(connection_id)
                if transport is None:
                    transport = self._meet(connection_id, datagram, now, forwarded)
                    if transport is None:
                        continue
                    begun = True
                elif transport.held:
                    self._later.keep(transport, datagram)
                    continue
                if path is not transport.path and path != transport.path:
                    self._feed(transport, now)
                    transport.came_by(path)
                if not transport.waiting:
                    touched.append(transport)
                transport.waiting.append(data)
            for transport in touched:
                if (begun or transport is not touched[0]) and turn.over():  # to begin one takes long enough
                    self._put_off(transport)
                else:
                    self._feed_some(transport, now)
        finally:
            self._busy = False
            self._turn_ends(now)

    def expire(self, now: float) -> None:
        """Act on the timers that are due, as many as fit into a turn: the link calls again for the rest."""
        self._busy = True
        self._turn.begin(now)
        try:
            while (transport := self._timers.maybe_due(now)) is not None:
                if now >= transport.handshake_deadline:
                    self._abandon(transport, TimeoutError("the QUIC handshake took too long"))
                else:
                    self._mark(transport)
                    try:
                        transport.quic.expire(now)
                    except Exception:  # noqa: BLE001 - no other is to suffer
                        self._failed(transport)
                if self._turn.over():
                    break
        finally:
            self._busy = False
            self._told_timer = None
            self._turn_ends(now)

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
        self._look_at_dirty(self._loop.time(), whoever_waits=True)
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
                self._refusals.never_came(transport.peer, error, stopping=not self._newcomers.accepting)
        if connection is not None:
            self._loop.call_soon(connection.connection_lost, error, context=self._host.base_context)

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
        self._directory.know(transport, frozenset((connection_id, *transport.quic.connection_ids)))
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

    def _feed(self, transport: QuicTransport, now: float) -> None:
        """Hand on what waits."""
        waiting = transport.waiting
        if waiting and transport in self._transports:
            transport.waiting = []
            self._mark(transport)
            try:
                transport.quic.receive(waiting, transport.path.client, now)
            except Exception:  # noqa: BLE001 - no other is to suffer
                self._failed(transport)

    def _feed_some(self, transport: QuicTransport, now: float) -> None:
        """Hand on as much of what waits as fits into a turn: QUIC tells of the first when it has read all of them."""
        waiting = transport.waiting
        most = MOST_FED if transport.handshake_deadline == NEVER else 1
        while len(waiting) > most:
            transport.waiting = waiting[:most]
            self._feed(transport, now)
            transport.waiting = waiting = waiting[most:]
            if self._turn.over() or transport not in self._transports:
                self._put_off(transport)
                return
        self._feed(transport, now)

    def _put_off(self, transport: QuicTransport) -> None:
        """Others took so long that what waits is for a further turn."""
        waiting, transport.waiting = transport.waiting, []
        if waiting and transport in self._transports:
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
            self._turn.begin(now)
            try:
                transport.quic.tell_on()
            except Exception:  # noqa: BLE001 - no other is to suffer
                self._failed(transport)
            finally:
                self._busy = False
                self._turn_ends(now)
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
            self._directory.forget(transport)
            self._later.drop(transport)
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
        now = self._loop.time()
        self._turn.begin(now)
        self._look_at_dirty(now)

    def _turn_ends(self, now: float) -> None:
        """See to the connections of this turn, unless others wait for it to be over."""
        if self._turn.disturbed() and self._dirty:
            self._flush_behind()
        else:
            self._look_at_dirty(now)

    def _flush_behind(self) -> None:
        if not self._flush_soon:
            self._flush_soon = True
            call_behind(self._loop, self._flush, self._host.base_context)

    def _look_at_dirty(self, now: float, *, whoever_waits: bool = False) -> None:
        """Send what the connections of this turn want to send, and see how they stand. What they want to send because
        of that comes in the next turn, after others.
        """
        dirty, turn = self._dirty, self._turn
        unsent = bool(self._outgoing)
        if dirty:
            self._dirty = []
            for place, transport in enumerate(dirty):
                if place and not whoever_waits and turn.disturbed():
                    self._dirty = dirty[place:] + self._dirty
                    self._flush_behind()
                    break
                transport.dirty = False
                if transport in self._transports:
                    try:
                        self._settle(transport, now)
                    except Exception:  # noqa: BLE001 - no other is to suffer
                        self._failed(transport)
        outgoing = self._outgoing
        if outgoing:
            if not unsent and not whoever_waits and turn.disturbed():
                self._flush_behind()
            else:
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
            self._directory.know(transport, ids)
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
        timer = None if timer is None else max(timer, now)  # behind those that are due already
        self._timers.set(transport.timer, timer)
