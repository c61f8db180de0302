"""What becomes of datagrams that none of an endpoint's connections knows (RFC 9000, 5.2.2).

Nothing is kept for them. What is answered is never larger than what came, except to clients that proved their address.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, NamedTuple

from pounce_h3.address_validation import Beginnings, RetryTokens, TokenExpired, wants_retry
from pounce_h3.reset_tokens import ResetBudget, ResetTokens
from pounce_h3.routing import SMALLEST_INITIAL, ConnectionIds, PacketKind, read_long_header, version_negotiation

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi import Datagram, DatagramLink, DatagramPath, Http3Settings
    from pounce_h3.engines import QuicEngines
    from pounce_h3.keys import QuicKeys
    from pounce_h3.routing import LongHeader

__all__ = ["Newcomer", "Newcomers"]

logger = logging.getLogger("pounce.worker")

FULL_AGAIN: Final = 60.0
"""Seconds between two lines in the log about an endpoint that is full."""


class Newcomer(NamedTuple):
    """A client that may have a connection."""

    original_id: bytes
    """The ID that it made up for its very first Initial."""
    retry_id: bytes | None
    """The ID that a Retry gave it: its address is proven."""


class Newcomers:
    """The door of one endpoint. Owned by its thread."""

    def __init__(
        self,
        link: DatagramLink,
        settings: Http3Settings,
        engines: QuicEngines,
        keys: QuicKeys,
        now: float,
        *,
        on_full: Callable[[tuple[str, int]], object] | None = None,
    ) -> None:
        """``on_full``: called with the address of each client for which there is no room."""
        self._on_full = on_full
        self._link = link
        self._engines = engines
        self._versions = tuple(engines.versions)
        self._policy = settings.quic_retry
        self._limit = settings.quic_max_connections
        self._beginnings = Beginnings(now)
        self._tokens = RetryTokens(keys.retry_tokens)
        self._budget = ResetBudget(now)
        self._said_full = -FULL_AGAIN
        self.ids = ConnectionIds(keys.connection_ids)
        self.resets = ResetTokens(keys.reset_tokens)
        self.accepting = True

    def judge(
        self,
        connection_id: bytes,
        datagram: Datagram,
        now: float,
        *,
        forwarded: bool,
        handshakes: int,
        connections: int,
    ) -> Newcomer | None:
        """Who this is, if it is to have a connection; else it was answered, passed on or dropped.

        ``connections`` are those that the endpoint has, ``handshakes`` those among them whose handshake goes on.
        """
        data, path = datagram
        if not data:
            return None
        if data[0] < 0x80:
            self._meet_stray(connection_id, datagram, now, forwarded)
            return None
        header = read_long_header(data, self._versions)
        if header is None or header.kind in (PacketKind.NEGOTIATION, PacketKind.RETRY):
            return None
        if header.kind is PacketKind.UNKNOWN:
            if len(data) >= SMALLEST_INITIAL:  # RFC 9000, 6.1
                self._link.send([(version_negotiation(header, self._versions), path)])
            return None
        if header.kind is not PacketKind.INITIAL:
            if not forwarded:
                self._link.pass_on(connection_id, [datagram], new=False)
            return None
        if len(data) < SMALLEST_INITIAL:
            return None
        return self._meet_initial(header, datagram, now, forwarded, handshakes, connections)

    def _meet_initial(
        self, header: LongHeader, datagram: Datagram, now: float, forwarded: bool, handshakes: int, connections: int
    ) -> Newcomer | None:
        path = datagram[1]
        called = header.destination_id
        try:
            original = self._tokens.check(header.token, path.client, called, now) if header.token else None
        except TokenExpired:
            return None  # a further Retry would be ignored, and an error could be sent to whoever repeats the token
        if not forwarded:
            # Called by an ID of ours and without its token it goes on with a connection, and does not begin one.
            new = original is not None or not self.ids.ours(called)
            if self._link.pass_on(called, [datagram], new=new):
                return None
        if not self.accepting:
            return None  # its client repeats it, and may meet another worker, or none
        if connections >= self._limit:
            self._full(now)
            if self._on_full is not None:
                self._on_full(path.client)
            return None
        if original is not None:
            return Newcomer(original, called)
        if wants_retry(self._policy, handshakes, self._beginnings.one_more(now)):
            self._send_retry(header, path, now)
            return None
        return Newcomer(called, None)

    def _send_retry(self, header: LongHeader, path: DatagramPath, now: float) -> None:
        source_id = self.ids.new()
        packet = self._engines.retry(
            header.version,
            source_id=source_id,
            destination_id=header.source_id,
            original_destination_id=header.destination_id,
            token=self._tokens.new(path.client, header.destination_id, source_id, now),
        )
        self._link.send([(packet, path)])

    def _meet_stray(self, connection_id: bytes, datagram: Datagram, now: float, forwarded: bool) -> None:
        """A packet of a connection that is not here: somebody else's, or over."""
        data, path = datagram
        # Whoever forwarded it was told that it is ours, a moment ago: the next one is answered where it arrives.
        if forwarded or self._link.pass_on(connection_id, [datagram], new=False):
            return
        reset = self.resets.reset(connection_id, len(data))
        if reset is not None and self._budget.take(now):
            self._link.send([(reset, path)])

    def _full(self, now: float) -> None:
        """Dropped and not refused: an answer would have to be encrypted for each of what may be a flood, and clients
        that are not answered go on over TCP, which they try beside.
        """
        if now - self._said_full >= FULL_AGAIN:
            self._said_full = now
            logger.warning("%d QUIC connections are open: no more are taken (--quic-max-connections)", self._limit)
