"""What a core of qh3 wants to send, and when its events may be taken with regard to that.

After a probe timeout (RFC 9002, 6.2.4) the core sends copies of what may still arrive. It sets the frames aside first,
and those that the congestion window holds wait aside. When the original is then acknowledged after all, its stream is
done; and when that is taken from the core as an event, the stream is gone, but not what was set aside: the next packet
fails with "reserved stream is missing", and whatever was in it is lost for ever. So, for a while after a probe timeout,
what is set aside goes out first, and events wait while it cannot.

Nearly all that is to be said shares datagrams, but each answer to a PATH_CHALLENGE has its own. A client has few paths;
one that asks hundreds of times gets some answers, and the rest is lost on purpose (RFC 9000, 9.3 and 21.9).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pounce_h3.engine.limits import SENT_DATAGRAM

if TYPE_CHECKING:
    from qh3._hazmat import QuicConnectionCore

__all__ = ["ENDING", "Outgoing"]

ENDING: Final = frozenset(("closing", "draining", "terminated"))
"""States of a core that sends no more streams."""

_CAUTIOUS: Final = 32
"""Datagrams after a probe timeout, and two for each stream, in which copies may be."""

_SMALL: Final = 64
"""Bytes: below are the answer to a PATH_CHALLENGE, and what is alone because nothing else was to be said."""
_MOST_SMALL: Final = 16
"""Such datagrams at once."""


class Outgoing:
    """Of one connection."""

    __slots__ = ("_cautious", "_ready", "_timeouts")

    def __init__(self) -> None:
        self._ready: list[tuple[bytes, Any]] = []
        self._timeouts = 0
        self._cautious = 0
        """Datagrams that are still to go out before no copies can be waiting."""

    def take(self, core: QuicConnectionCore, now: float) -> list[tuple[bytes, Any]]:
        """What is to be sent now."""
        self._poll(core, now)
        datagrams, self._ready = self._ready, []
        return datagrams if len(datagrams) <= _MOST_SMALL else _without_flood(datagrams)

    def timer_handled(self, core: QuicConnectionCore, streams: int) -> None:
        """The core's timer may have been that of a probe."""
        if core.pto_total != self._timeouts:
            self._timeouts = core.pto_total
            self._cautious = _CAUTIOUS + 2 * streams

    def may_take_events(self, core: QuicConnectionCore, now: float) -> bool:
        """Whether no stream that is done has anything set aside."""
        if self._cautious:
            self._poll(core, now)
        return not self._holds(core) or core.state in ENDING

    def events_wait(self, core: QuicConnectionCore) -> bool:
        """Whether events waited, and need not any more."""
        return self._cautious > 0 and core.has_events and not self._holds(core)

    def _holds(self, core: QuicConnectionCore) -> bool:
        # With room for a datagram the core has sent all that was set aside when it says that there is nothing more.
        return self._cautious > 0 and core.congestion_window - core.bytes_in_flight < SENT_DATAGRAM

    def _poll(self, core: QuicConnectionCore, now: float) -> None:
        ready = self._ready
        before = len(ready)
        try:
            while (transmit := core.poll_transmit(now)) is not None:
                ready.append((transmit[0], transmit[1]))
        except RuntimeError:
            pass  # a frame does not fit into what a new path may be sent (RFC 9000, 8.1): that has to wait
        finally:
            self._cautious = max(0, self._cautious - len(ready) + before)


def _without_flood(datagrams: list[tuple[bytes, Any]]) -> list[tuple[bytes, Any]]:
    kept, small = [], 0
    for each in datagrams:
        if len(each[0]) < _SMALL:
            small += 1
            if small > _MOST_SMALL:
                continue
        kept.append(each)
    return kept
