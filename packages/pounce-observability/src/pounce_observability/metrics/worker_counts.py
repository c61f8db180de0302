"""What one thread counts: plain numbers, so that nothing on the way of a request takes a lock.

`WorkerCounts` belongs to the thread that made it and is written by that thread only. Others read it at any time: they
copy a dictionary or a list, which is one step with and without the GIL, and may find a request counted whose neighbour
is not yet. No number in it ever falls.
"""

from __future__ import annotations

import threading
from bisect import bisect_left
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import Subscriber
from pounce_asgi.lifecycle import (
    ClientTimedOut,
    ConnectionClosed,
    ConnectionOpened,
    ConnectionRefused,
    LimitHit,
    RequestFailed,
    ResponseCompleted,
    StreamReset,
    WebSocketClosed,
    WebSocketOpened,
)

from .catalogue import KNOWN_METHODS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .buckets import Layout

__all__ = ["BYTES", "CLOSED_CONNECTIONS", "CLOSED_WEBSOCKETS", "COUNTS", "SECONDS", "EventKey", "RequestKey"]
__all__ += ["SharedCounts", "WorkerCounts", "is_websocket", "subscribers"]

RequestKey = tuple[str, int, str, bool]
"""Method, status, protocol, and whether the answer was cut off."""

EventKey = tuple[str, ...]
"""The name of a metric, then the values of its labels."""

BYTES: Final = 0
SECONDS: Final = 1
COUNTS: Final = 2
"""Where they are in the numbers of a `RequestKey`; from COUNTS on, one for each place of the layout."""

CLOSED_CONNECTIONS: Final = "closed connections"
CLOSED_WEBSOCKETS: Final = "closed websockets"
"""Counted to be taken from what was opened; no metrics of their own."""

_FIELDS: Final = ResponseCompleted._fields
# One call of C for what would be four attributes: a third of the time.
_request_key: Final = itemgetter(*map(_FIELDS.index, ("method", "status", "protocol", "aborted")))
_amounts: Final = itemgetter(*map(_FIELDS.index, ("body_bytes_sent", "duration")))

_HANDSHAKE_FAILURES: Final = ("tls_handshake", "ssl_handshake_timeout")
_FLOOD: Final = "flood:"


def is_websocket(key: RequestKey) -> bool:
    """Whether these are WebSockets: what they took is how long somebody was connected (RFC 6455, 4.2.2; RFC 8441)."""
    return key[1] == 101 or (key[0] == "CONNECT" and 200 <= key[1] < 300)


class WorkerCounts:
    """The numbers of one thread, and the listeners that add to them."""

    __slots__ = ("completed", "events", "owner", "requests", "shares")

    def __init__(self, layout: Layout, *, shares: bool = False) -> None:
        """Made by the thread that will count. With ``shares`` what it opens may be closed by another."""
        self.owner = threading.current_thread()
        self.shares = shares
        self.requests: dict[RequestKey, list[Any]] = {}
        """Bytes, seconds, and how many in each place of the layout."""
        self.events: dict[EventKey, int] = {}
        self.completed: Callable[[ResponseCompleted], None] = _counting(self.requests, layout)
        """Count a request that is over."""

    @property
    def ended(self) -> bool:
        """Whether the thread is gone, so that nothing will be added any more."""
        return not self.owner.is_alive()

    def event(self, record: Any) -> None:
        """Count anything else: at most a few for each connection."""
        _EVENTS[type(record)](self, record)

    def add(self, *key: str, amount: int = 1) -> None:
        """Add to a counter."""
        self.events[key] = self.events.get(key, 0) + amount


class SharedCounts:
    """The listeners of a worker with several threads: each of them has numbers of its own."""

    __slots__ = ("_local", "_new")

    def __init__(self, new: Callable[[], WorkerCounts]) -> None:
        """``new`` makes the numbers of a thread and is called in it."""
        self._local = threading.local()
        self._new = new

    def completed(self, record: ResponseCompleted) -> None:
        """Count a request that is over."""
        self._mine().completed(record)

    def event(self, record: Any) -> None:
        """Count anything else."""
        self._mine().event(record)

    def _mine(self) -> WorkerCounts:
        try:
            return self._local.counts  # type: ignore[no-any-return]
        except AttributeError:
            counts = self._local.counts = self._new()
            return counts


def subscribers(counts: WorkerCounts | SharedCounts) -> Sequence[Subscriber[Any]]:
    """What a worker has to call."""
    return Subscriber(counts.completed, ResponseCompleted, trusted=True), Subscriber(counts.event, *_EVENTS)


def _counting(requests: dict[RequestKey, list[Any]], layout: Layout) -> Callable[[ResponseCompleted], None]:
    """A closure, since this is what every request pays: its names are found faster than attributes.

    RESULTS.md has the measure of it, and of what was tried instead.
    """
    bounds = layout.bounds
    places = layout.places

    def completed(record: ResponseCompleted) -> None:
        key = _request_key(record)
        try:
            numbers = requests[key]
        except KeyError:
            if key[0] not in KNOWN_METHODS:
                key = ("other", *key[1:])
            # Complete before anybody can find it.
            numbers = requests.get(key) or [0, 0.0, *([0] * places)]
            requests[key] = numbers
        size, duration = _amounts(record)
        numbers[BYTES] += size
        numbers[SECONDS] += duration
        numbers[COUNTS + bisect_left(bounds, duration)] += 1

    return completed


def _connection_opened(counts: WorkerCounts, record: ConnectionOpened) -> None:
    if record.moved:  # it was counted where it came from, and is not gone after all
        counts.add(CLOSED_CONNECTIONS, record.protocol, amount=-1)
        return
    counts.add("pounce_connections_opened", record.protocol)
    if record.scheme == "https":
        counts.add("pounce_tls_handshakes", "ok")


def _connection_closed(counts: WorkerCounts, record: ConnectionClosed) -> None:
    counts.add(CLOSED_CONNECTIONS, record.began_as or record.protocol)  # as what it was counted when it came


def _connection_refused(counts: WorkerCounts, record: ConnectionRefused) -> None:
    counts.add("pounce_connections_refused", record.reason)
    if record.reason in _HANDSHAKE_FAILURES:
        counts.add("pounce_tls_handshakes", "failed")


def _limit_hit(counts: WorkerCounts, record: LimitHit) -> None:
    if record.limit.startswith(_FLOOD):
        counts.add("pounce_floods_refused", record.limit.removeprefix(_FLOOD))
    else:
        counts.add("pounce_limits_hit", record.limit)


def _client_timed_out(counts: WorkerCounts, record: ClientTimedOut) -> None:
    counts.add("pounce_client_timeouts", record.timeout)


def _stream_reset(counts: WorkerCounts, record: StreamReset) -> None:
    counts.add("pounce_stream_resets", record.protocol, "client" if record.by_client else "server")


def _request_failed(counts: WorkerCounts, record: RequestFailed) -> None:
    counts.add("pounce_application_errors", record.protocol)


def _websocket_opened(counts: WorkerCounts, record: WebSocketOpened) -> None:
    counts.add("pounce_websocket_connections_opened", record.protocol)


def _websocket_closed(counts: WorkerCounts, record: WebSocketClosed) -> None:
    counts.add(CLOSED_WEBSOCKETS, record.protocol)
    counts.add("pounce_websocket_messages", "received", amount=record.messages_received)
    counts.add("pounce_websocket_messages", "sent", amount=record.messages_sent)
    counts.add("pounce_websocket_bytes", "received", amount=record.bytes_received)
    counts.add("pounce_websocket_bytes", "sent", amount=record.bytes_sent)


_EVENTS: Final[dict[type, Callable[[WorkerCounts, Any], None]]] = {
    ConnectionOpened: _connection_opened,
    ConnectionClosed: _connection_closed,
    ConnectionRefused: _connection_refused,
    LimitHit: _limit_hit,
    ClientTimedOut: _client_timed_out,
    StreamReset: _stream_reset,
    RequestFailed: _request_failed,
    WebSocketOpened: _websocket_opened,
    WebSocketClosed: _websocket_closed,
}
