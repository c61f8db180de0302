"""Who listens to the records of a connection's and a request's life.

A worker has one `Listeners`: for each type of record a callable, or None. The code that knows of an event asks first,
and makes the record only if somebody wants it::

    if listeners.response_completed is not None:
        listeners.response_completed(ResponseCompleted(...))
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, cast

from pounce_asgi.lifecycle import (
    ClientDisconnected,
    ClientTimedOut,
    ConnectionClosed,
    ConnectionOpened,
    ConnectionRefused,
    LimitHit,
    RequestFailed,
    RequestStarted,
    ResponseCompleted,
    ResponseStarted,
    StreamReset,
    WebSocketClosed,
    WebSocketOpened,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["RECORD_TYPES", "Listeners", "Subscriber", "guarded", "in_order"]

Record = TypeVar("Record", bound=tuple[Any, ...])

_ATTRIBUTES: Final[dict[type, str]] = {
    ConnectionOpened: "connection_opened",
    ConnectionClosed: "connection_closed",
    RequestStarted: "request_started",
    ResponseStarted: "response_started",
    ResponseCompleted: "response_completed",
    ClientDisconnected: "client_disconnected",
    RequestFailed: "request_failed",
    ConnectionRefused: "connection_refused",
    LimitHit: "limit_hit",
    ClientTimedOut: "client_timed_out",
    StreamReset: "stream_reset",
    WebSocketOpened: "websocket_opened",
    WebSocketClosed: "websocket_closed",
}

RECORD_TYPES: Final[tuple[type, ...]] = tuple(_ATTRIBUTES)
"""Every type of record, in the order of the fields of `Listeners`."""

_error_log = logging.getLogger("pounce.error")


class Subscriber(Generic[Record]):
    """A callable and the types of the records that it wants, at least one of them."""

    __slots__ = ("listener", "records", "trusted")

    listener: Callable[[Record], object]
    records: tuple[type[Record], ...]
    trusted: bool

    def __init__(self, listener: Callable[[Record], object], *records: type[Record], trusted: bool = False) -> None:
        """``trusted``: the callable never raises, so that nothing has to stand between it and who calls it."""
        if not records:
            raise ValueError("a subscriber names at least one record type")
        for record in records:
            if record not in _ATTRIBUTES:
                raise ValueError(f"{record!r} is not a lifecycle record; there are: {', '.join(_ATTRIBUTES.values())}")
        self.listener = listener
        self.records = tuple(dict.fromkeys(records))
        self.trusted = trusted

    @property
    def safe(self) -> Callable[[Record], object]:
        """The callable, which raises nothing but what ends the process."""
        return self.listener if self.trusted else guarded(self.listener)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Listeners:
    """For each type of record whom to call, or None when nobody wants it. Immutable, so threads may share it.

    Build it with ``of()``, whose callables never raise an ordinary exception; what is given to the constructor
    directly is called as it is.
    """

    connection_opened: Callable[[ConnectionOpened], object] | None = None
    connection_closed: Callable[[ConnectionClosed], object] | None = None
    request_started: Callable[[RequestStarted], object] | None = None
    response_started: Callable[[ResponseStarted], object] | None = None
    response_completed: Callable[[ResponseCompleted], object] | None = None
    client_disconnected: Callable[[ClientDisconnected], object] | None = None
    request_failed: Callable[[RequestFailed], object] | None = None
    connection_refused: Callable[[ConnectionRefused], object] | None = None
    limit_hit: Callable[[LimitHit], object] | None = None
    client_timed_out: Callable[[ClientTimedOut], object] | None = None
    stream_reset: Callable[[StreamReset], object] | None = None
    websocket_opened: Callable[[WebSocketOpened], object] | None = None
    websocket_closed: Callable[[WebSocketClosed], object] | None = None

    @classmethod
    def of(cls, *subscribers: Subscriber[Any]) -> Listeners:
        """Compose subscribers. Those of one type are called in the order given.

        One that raises is logged to ``pounce.error`` and the others still run; only what ends the process
        (``KeyboardInterrupt``, ``SystemExit``) passes. No lock is held during a call, so a listener may itself cause
        further records.
        """
        chosen: dict[str, Callable[[Any], object]] = {}
        for record, attribute in _ATTRIBUTES.items():
            wanting = tuple(one.safe for one in subscribers if record in one.records)
            if wanting:
                chosen[attribute] = wanting[0] if len(wanting) == 1 else in_order(wanting)
        return cls(**cast("dict[str, Any]", chosen))

    def beside(self, *subscribers: Subscriber[Any]) -> Listeners:
        """These as they are, and after them the subscribers."""
        own = (Subscriber(one.listener, *one.records, trusted=True) for one in self.subscribers())
        return Listeners.of(*own, *subscribers)

    def subscribers(self) -> tuple[Subscriber[Any], ...]:
        """The callables as subscribers, to be composed with others."""
        found = ((getattr(self, attribute), record) for record, attribute in _ATTRIBUTES.items())
        return tuple(Subscriber(listener, record) for listener, record in found if listener is not None)


def guarded(listener: Callable[[Record], object]) -> Callable[[Record], None]:
    """``listener``, except that what it raises is logged."""

    def call(record: Record) -> None:
        try:
            listener(record)
        # A cancelled future that the listener asked for its result must not look like a cancelled request.
        except (Exception, asyncio.CancelledError):  # noqa: BLE001 - a foreign callable; see Listeners.of
            _error_log.exception("A listener to %s raised: %r", type(record).__name__, listener)

    return call


def in_order(listeners: Sequence[Callable[[Any], object]]) -> Callable[[Any], None]:
    """One callable that calls all of them."""
    if len(listeners) == 2:  # the access log and metrics: on the way of every request
        first, second = listeners

        def call_both(record: Any) -> None:
            first(record)
            second(record)

        return call_both

    def call(record: Any) -> None:
        for listener in listeners:
            listener(record)

    return call
