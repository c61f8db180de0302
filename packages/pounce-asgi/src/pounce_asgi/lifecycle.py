"""What happened: typed records of a connection's and a request's life, and who listens to them.

The records are for access logs, metrics and tests. One is created only if somebody listens to its type, so the code
that knows of an event asks first::

    if listeners.response_completed is not None:
        listeners.response_completed(ResponseCompleted(...))

Creating a record is on the hot path: they are NamedTuples and are built with positional arguments. New fields are
added at the end, with a default.

Units: ``monotonic`` and ``started`` are seconds on ``time.monotonic()``; ``wall`` is seconds since the epoch
(``time.time()``); ``duration`` is in seconds. ``connection_id`` counts the connections of a process from 1, over all
its workers and generations of code; one that moves to another worker is closed there and opened here, as another.
``request_id`` is None while request ids are switched off. ``stream_id`` tells the requests of one connection apart over
HTTP/2 and HTTP/3; over HTTP/1.1, where only one is answered at a time, it is 0. ``client`` is address and port, or None
over a UNIX socket.

Listeners are called in the worker's thread, between two steps of the request: they must be quick and must not block.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
from collections.abc import Callable, Sequence  # noqa: TC003 - so that the hints of records resolve at run time
from typing import Any, Final, Generic, NamedTuple, TypeVar, cast

__all__ = [
    "ClientDisconnected",
    "ConnectionClosed",
    "ConnectionOpened",
    "LifecycleRecord",
    "Listeners",
    "RequestFailed",
    "RequestStarted",
    "ResponseCompleted",
    "ResponseStarted",
    "Subscriber",
]


class ConnectionOpened(NamedTuple):
    """A client's connection is ready for its first request (after the TLS handshake, if there is one)."""

    monotonic: float
    wall: float
    worker_id: int
    connection_id: int
    protocol: str
    """The wire protocol by its ALPN name: ``"http/1.1"``, ``"h2"``, ``"h3"``."""
    scheme: str
    """``"http"`` or ``"https"``."""
    client: tuple[str, int] | None
    server: tuple[str, int | None] | None
    """Address and port that the client reached; the path and None over a UNIX socket."""


class ConnectionClosed(NamedTuple):
    """A connection is gone, whoever ended it. Comes once for each ``ConnectionOpened``, after all its requests."""

    monotonic: float
    wall: float
    worker_id: int
    connection_id: int
    protocol: str
    client: tuple[str, int] | None
    duration: float
    """Seconds since the connection was opened."""
    requests: int
    """How many requests it carried."""
    error: OSError | None
    """Why it broke; None when one side closed it in order."""


class RequestStarted(NamedTuple):
    """A request head is complete and the application is about to be called."""

    monotonic: float
    wall: float
    worker_id: int
    connection_id: int
    request_id: str | None
    client: tuple[str, int] | None
    method: str
    raw_path: bytes
    query_string: bytes
    http_version: str
    """``"1.0"``, ``"1.1"``, ``"2"`` or ``"3"``."""
    request_headers: Sequence[tuple[bytes, bytes]]
    """The fields as received, names in lower case. Shared with the server: read only."""
    stream_id: int = 0


class ResponseStarted(NamedTuple):
    """The final response head (never a 1xx) was handed to the wire."""

    monotonic: float
    wall: float
    worker_id: int
    connection_id: int
    request_id: str | None
    status: int
    duration: float
    """Seconds since the request started."""
    stream_id: int = 0


class ResponseCompleted(NamedTuple):
    """A request is over: answered in full, or given up. Comes once for each ``RequestStarted``.

    It holds all that a line of an access log needs, so that such a log keeps nothing between two records.
    """

    monotonic: float
    wall: float
    worker_id: int
    connection_id: int
    request_id: str | None
    client: tuple[str, int] | None
    method: str
    raw_path: bytes
    query_string: bytes
    http_version: str
    request_headers: Sequence[tuple[bytes, bytes]]
    """The fields as received, names in lower case. Shared with the server: read only."""
    status: int
    """The status sent, or 499 when the client left before there was one."""
    body_bytes_sent: int
    """Bytes of the response body handed to the wire, without its framing."""
    started: float
    """When the request started, monotonic."""
    duration: float
    """Seconds from the start of the request to the end of its response."""
    aborted: bool
    """The response was cut off: the client left, or the application failed in the middle of it."""
    stream_id: int = 0


class ClientDisconnected(NamedTuple):
    """The client left, or reset the stream, while its request was in flight. ``ResponseCompleted`` still follows."""

    monotonic: float
    wall: float
    worker_id: int
    connection_id: int
    request_id: str | None
    response_started: bool
    """Whether the response head had been handed to the wire."""
    stream_id: int = 0


class RequestFailed(NamedTuple):
    """The application raised, or broke the ASGI contract. ``ResponseCompleted`` still follows."""

    monotonic: float
    wall: float
    worker_id: int
    connection_id: int
    request_id: str | None
    method: str
    raw_path: bytes
    error: BaseException
    response_started: bool
    """False: the client gets a 500. True: the response is aborted."""
    stream_id: int = 0


LifecycleRecord = (
    ConnectionOpened
    | ConnectionClosed
    | RequestStarted
    | ResponseStarted
    | ResponseCompleted
    | ClientDisconnected
    | RequestFailed
)
"""Any of the records."""

Record = TypeVar("Record", bound=tuple[Any, ...])

_ATTRIBUTES: Final[dict[type, str]] = {
    ConnectionOpened: "connection_opened",
    ConnectionClosed: "connection_closed",
    RequestStarted: "request_started",
    ResponseStarted: "response_started",
    ResponseCompleted: "response_completed",
    ClientDisconnected: "client_disconnected",
    RequestFailed: "request_failed",
}

_error_log = logging.getLogger("pounce.error")


class Subscriber(Generic[Record]):
    """A callable and the types of the records that it wants, at least one of them."""

    __slots__ = ("listener", "records")

    listener: Callable[[Record], object]
    records: tuple[type[Record], ...]

    def __init__(self, listener: Callable[[Record], object], *records: type[Record]) -> None:
        if not records:
            raise ValueError("a subscriber names at least one record type")
        for record in records:
            if record not in _ATTRIBUTES:
                raise ValueError(f"{record!r} is not a lifecycle record; there are: {', '.join(_ATTRIBUTES.values())}")
        self.listener = listener
        self.records = tuple(dict.fromkeys(records))


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

    @classmethod
    def of(cls, *subscribers: Subscriber[Any]) -> Listeners:
        """Compose subscribers. Those of one type are called in the order given.

        One that raises is logged to ``pounce.error`` and the others still run; only what ends the process
        (``KeyboardInterrupt``, ``SystemExit``) passes. No lock is held during a call, so a listener may itself cause
        further records.
        """
        chosen: dict[str, Callable[[Any], object]] = {}
        for record, attribute in _ATTRIBUTES.items():
            wanting = tuple(one.listener for one in subscribers if record in one.records)
            if wanting:
                chosen[attribute] = _guarded(wanting[0]) if len(wanting) == 1 else _in_order(wanting)
        return cls(**cast("dict[str, Any]", chosen))


def _guarded(listener: Callable[[Any], object]) -> Callable[[Any], None]:
    """``listener``, except that what it raises is logged."""

    def call(record: Any) -> None:
        try:
            listener(record)
        # A cancelled future that the listener asked for its result must not look like a cancelled request.
        except (Exception, asyncio.CancelledError):  # noqa: BLE001 - a foreign callable; see Listeners.of
            _error_log.exception("A listener to %s raised: %r", type(record).__name__, listener)

    return call


def _in_order(listeners: Sequence[Callable[[Any], object]]) -> Callable[[Any], None]:
    """One callable that calls all of them, each guarded on its own."""
    guarded = tuple(_guarded(listener) for listener in listeners)

    def call(record: Any) -> None:
        for listener in guarded:
            listener(record)

    return call
