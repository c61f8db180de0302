"""What happened: typed records of the life of connections, requests and WebSockets.

The records are for access logs, metrics and tests. One is created only if somebody listens to its type; who does is
in `pounce_asgi.listeners`.

Creating a record is on the hot path: they are NamedTuples and are built with positional arguments. New fields are
added at the end, with a default.

Units: ``monotonic`` and ``started`` are seconds on ``time.monotonic()``; ``wall`` is seconds since the epoch
(``time.time()``); ``duration`` is in seconds. ``connection_id`` counts the connections of a process from 1, over all
its workers and generations of code; one that moves to another worker is closed there and opened here, as another.
``request_id`` is None while request ids are switched off. ``stream_id`` tells the requests of one connection apart over
HTTP/2 and HTTP/3; over HTTP/1.1, where only one is answered at a time, it is 0, and so it is where something concerns
a connection as a whole. (The number of an HTTP/3 stream can be 0 as well: the first request's is.) ``protocol`` is the
ALPN name of the wire protocol: ``"http/1.1"``, ``"h2"``, ``"h3"``. ``client`` is address and port, or None over a UNIX
socket.

What ends where: every `ConnectionOpened` is followed by exactly one `ConnectionClosed`, every `RequestStarted` by
exactly one `ResponseCompleted` before its connection is closed, and every `WebSocketOpened` by exactly one
`WebSocketClosed` before the `ResponseCompleted` of its handshake. The other records come in between, or alone.

Listeners are called in the worker's thread, between two steps of the request: they must be quick and must not block.
"""

from __future__ import annotations

from collections.abc import Sequence  # noqa: TC003 - so that the hints of records resolve at run time
from typing import NamedTuple

__all__ = [
    "ClientDisconnected",
    "ClientTimedOut",
    "ConnectionClosed",
    "ConnectionOpened",
    "ConnectionRefused",
    "LifecycleRecord",
    "LimitHit",
    "RequestFailed",
    "RequestStarted",
    "ResponseCompleted",
    "ResponseStarted",
    "StreamReset",
    "WebSocketClosed",
    "WebSocketOpened",
]


class ConnectionOpened(NamedTuple):
    """A client's connection is ready for its first request (after the TLS handshake, if there is one)."""

    monotonic: float
    wall: float
    worker_id: int
    connection_id: int
    protocol: str
    scheme: str
    """``"http"`` or ``"https"``."""
    client: tuple[str, int] | None
    server: tuple[str, int | None] | None
    """Address and port that the client reached; the path and None over a UNIX socket."""
    moved: bool = False
    """It was opened before, and closed when it turned out to speak HTTP/2: a worker that blocks gives it to the event
    loop beside its threads."""


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
    began_as: str = ""
    """The protocol of its ``ConnectionOpened``, if it has gone on as another since: HTTP/2 begins so without TLS."""


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
    protocol: str = ""


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
    protocol: str = ""


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
    protocol: str = ""


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
    protocol: str = ""


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
    protocol: str = ""


class ConnectionRefused(NamedTuple):
    """A connection ended before there was a ``ConnectionOpened`` for it."""

    monotonic: float
    wall: float
    worker_id: int
    client: tuple[str, int] | None
    """The peer of the socket: where a PROXY header was refused that is the proxy."""
    reason: str
    """``"limit_concurrency"``: too many connections. ``"tls_handshake"``: it failed. ``"ssl_handshake_timeout"``: it
    took too long. ``"proxy_header"``: no valid PROXY header. ``"proxy_header_timeout"``: it did not come in time.
    ``"quic_max_connections"``: a worker had as many connections over QUIC, and dropped the client's first datagram.
    ``"client_gone"``: the client left before it was through with these. ``"stopping"``: the server stopped meanwhile.
    """
    error: Exception | None
    """What was wrong, where an exception tells."""
    protocol: str = ""
    """``"h3"`` where it came over QUIC; empty where the protocol was not agreed yet."""


class LimitHit(NamedTuple):
    """Something that a client asked for was refused because of a limit."""

    monotonic: float
    wall: float
    worker_id: int
    connection_id: int
    protocol: str
    client: tuple[str, int] | None
    limit: str
    """The name of the setting, such as ``"max_request_body"``, or ``"flood:"`` and what there was too much of, such as
    ``"flood:resets"``: the budgets of HTTP/2 and HTTP/3, which end the connection."""
    stream_id: int = 0


class ClientTimedOut(NamedTuple):
    """A client took longer than a time limit allows. To close an idle connection is in order, and none of these."""

    monotonic: float
    wall: float
    worker_id: int
    connection_id: int
    protocol: str
    client: tuple[str, int] | None
    timeout: str
    """The name of the setting, such as ``"timeout_request_head"``."""
    stream_id: int = 0


class StreamReset(NamedTuple):
    """One stream of an HTTP/2 or HTTP/3 connection was cut off, and the connection goes on."""

    monotonic: float
    wall: float
    worker_id: int
    connection_id: int
    protocol: str
    stream_id: int
    code: int
    """The error code that was sent: RFC 9113, section 7, or RFC 9114, section 8.1."""
    by_client: bool
    """The client reset it, or told to stop sending; otherwise the server did."""


class WebSocketOpened(NamedTuple):
    """The application has accepted a WebSocket; ``ResponseStarted`` came just before."""

    monotonic: float
    wall: float
    worker_id: int
    connection_id: int
    request_id: str | None
    client: tuple[str, int] | None
    raw_path: bytes
    subprotocol: str | None
    """What the application chose of those that the client offered."""
    protocol: str
    stream_id: int


class WebSocketClosed(NamedTuple):
    """A WebSocket is over. Comes once for each ``WebSocketOpened``; ``ResponseCompleted`` follows."""

    monotonic: float
    wall: float
    worker_id: int
    connection_id: int
    request_id: str | None
    client: tuple[str, int] | None
    raw_path: bytes
    subprotocol: str | None
    protocol: str
    stream_id: int
    code: int
    """Of the side that closed it (RFC 6455, 7.4): the application's, or the client's; 1006 when nobody said goodbye."""
    duration: float
    """Seconds since it was opened."""
    messages_received: int
    """Whole messages of the client that were taken in for the application."""
    messages_sent: int
    bytes_received: int
    """Bytes of their payload, decompressed and without framing."""
    bytes_sent: int


LifecycleRecord = (
    ConnectionOpened
    | ConnectionClosed
    | RequestStarted
    | ResponseStarted
    | ResponseCompleted
    | ClientDisconnected
    | RequestFailed
    | ConnectionRefused
    | LimitHit
    | ClientTimedOut
    | StreamReset
    | WebSocketOpened
    | WebSocketClosed
)
"""Any of the records."""
