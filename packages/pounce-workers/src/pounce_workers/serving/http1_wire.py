"""What all HTTP/1.1 connections of one worker share: settings in reach, the remembered heads, the connections alive."""

from __future__ import annotations

import contextvars
import itertools
import logging
import time
from typing import TYPE_CHECKING, Final

from pounce_asgi import HttpExchange, Peer, client_name
from pounce_asgi.incidents import tell_timeout
from pounce_asgi.lifecycle import ConnectionClosed, ConnectionOpened
from pounce_http1 import HeaderMemo, RequestReader, encode_status_line
from pounce_workers.net.loop import ServingLoop
from pounce_workers.serving.connection_budget import ConnectionBudget
from pounce_workers.serving.http1_connection import Http1Connection

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from pounce_asgi import ExchangeContext, ServedConnection, Transport
    from pounce_http1 import Limits
    from pounce_workers.net.deadlines import DeadlineSweeper
    from pounce_workers.serving.http2_preface import PrefaceWatch
    from pounce_workers.settings import ServingSettings

__all__ = ["Http1Wire"]

logger = logging.getLogger("pounce.worker")

PROTOCOL: Final = "http/1.1"

_connection_ids: Final = itertools.count(1)
"""Of all wires of this process, so that a number is one connection's, whichever worker or generation it belonged to."""


class Http1Wire:
    """Makes the connections of one worker and knows which are alive. Owned by the worker's thread."""

    __slots__ = (
        "_connection_ids",
        "_limits",
        "_memo",
        "_reader",
        "base_context",
        "budget",
        "connection_class",
        "connections",
        "context",
        "draining",
        "exchange_class",
        "limit_connection_requests",
        "loop",
        "others_wait",
        "requests_of_closed",
        "retiring",
        "status_lines",
        "sweeper",
        "takes_turns",
        "timeout_body_stall",
        "timeout_keep_alive",
        "timeout_request_head",
        "upgrades",
    )

    def __init__(
        self,
        context: ExchangeContext[bytes],
        *,
        loop: asyncio.AbstractEventLoop,
        sweeper: DeadlineSweeper,
        settings: ServingSettings,
        budget: ConnectionBudget | None = None,
    ) -> None:
        """``budget`` are the connections that the server may have, where several workers share them."""
        worker = settings.worker
        self.context = context
        self.loop = loop
        self.takes_turns = True
        """Connections share a loop, so none may hold it for long. Where each has a thread, the system sees to that."""
        self.others_wait = loop.others_wait if isinstance(loop, ServingLoop) else _unknown
        """Whether somebody else has something to do on the loop now, as far as that is known."""
        self.sweeper = sweeper
        self.connections: set[ServedConnection] = set()
        """Those that are alive, also the ones that speak another protocol by now."""
        self.retiring = False
        """Another worker takes over: what cannot move there is to end, also what becomes so from now on."""
        self.upgrades: PrefaceWatch | None = None
        """What connections may go on as; None where nothing else is spoken."""
        self.draining = False
        self.connection_class: type[Http1Connection] = Http1Connection
        """Makes what serves one connection."""
        self.exchange_class: Callable[..., HttpExchange[bytes]] = HttpExchange
        """Makes what serves one request."""
        self.base_context = contextvars.copy_context()
        """What a request's context is copied from, also when it begins within the context of the one before."""
        # Copied to slots of our own: shared objects cost time on free-threaded builds.
        limit = worker.limit_concurrency
        self.budget = budget or (ConnectionBudget(limit) if limit is not None else None)
        self.requests_of_closed = 0
        """Requests of the connections that are gone."""
        self.limit_connection_requests = worker.limit_connection_requests or 0
        self.timeout_body_stall = worker.timeout_body_stall
        self.timeout_keep_alive = worker.timeout_keep_alive
        self.timeout_request_head = worker.timeout_request_head
        self.status_lines: dict[int, bytes] = {}
        """The status lines that were sent before; at most 900."""
        self._limits: Limits = settings.http1
        self._memo = HeaderMemo()
        self._reader = _reader_class(worker.http)
        self._connection_ids = _connection_ids

    def connect(self, transport: Transport) -> Http1Connection:
        """A new connection on this transport."""
        connection = self.connection_class(
            self, transport, self.new_peer(transport), has_place=self.has_place_for(transport)
        )
        self.connections.add(connection)
        moved = getattr(getattr(transport, "sock", None), "moved", False)
        connection.opened = self.connection_came(PROTOCOL, connection.peer, moved=moved)
        return connection

    def new_peer(self, transport: Transport) -> Peer:
        """What is known of a client that has just connected."""
        return Peer(transport.peer, transport.local, transport.scheme, next(self._connection_ids), transport.tls)

    def has_place_for(self, transport: Transport) -> bool:
        """Whether a new connection is one of those that the server may have."""
        return self.budget is None or self.budget.take(_descriptor(transport))

    def connection_came(self, protocol: str, peer: Peer, *, moved: bool = False) -> float:
        """There is a new connection, or one that was ``moved`` here. Returns the time of ``time.monotonic()``."""
        listener = self.context.listeners.connection_opened
        now = time.monotonic()
        if listener is not None:
            worker_id = self.context.worker_id
            listener(
                ConnectionOpened(
                    now,
                    time.time(),
                    worker_id,
                    peer.connection_id,
                    protocol,
                    peer.scheme,
                    peer.client,
                    peer.server,
                    moved,
                )
            )
        return now

    def keep_place(self, connection: Http1Connection) -> None:
        """It is about to go to another worker, and takes its place among the connections of the server along."""
        if self.budget is not None and connection.has_place:
            self.budget.keep(_descriptor(connection.transport))
            connection.has_place = False

    def new_reader(self) -> RequestReader:
        """A parser for one connection."""
        return self._reader(self._limits, self._memo)

    def new_status_line(self, status: int) -> bytes:
        """A status line, remembered as an object of this worker's own."""
        line = self.status_lines[status] = b"%b" % encode_status_line(status)
        return line

    def connection_closed(self, connection: Http1Connection, error: OSError | None) -> None:
        """A connection is gone."""
        self.connections.discard(connection)
        self.connection_left(
            PROTOCOL,
            connection.peer,
            has_place=connection.has_place,
            opened=connection.opened,
            requests=connection.requests,
            error=error,
        )

    def connection_left(
        self,
        protocol: str,
        peer: Peer,
        *,
        has_place: bool,
        opened: float,
        requests: int,
        error: OSError | None,
        began_as: str = "",
    ) -> None:
        """A connection is gone, whatever it spoke at last; ``began_as`` if that was something else at first."""
        if type(error) is TimeoutError and error.errno is None and protocol != "h3":  # a transport's, not the system's
            tell_timeout(self.context, peer, "timeout_write_stall", protocol=protocol)
        self.requests_of_closed += requests
        if self.budget is not None and has_place:
            self.budget.give_back()
        listener = self.context.listeners.connection_closed
        if listener is not None:
            now = time.monotonic()
            worker_id = self.context.worker_id
            listener(
                ConnectionClosed(
                    now,
                    time.time(),
                    worker_id,
                    peer.connection_id,
                    protocol,
                    peer.client,
                    now - opened,
                    requests,
                    error,
                    began_as,
                )
            )

    def request_refused(self, peer: Peer, status: int, detail: str, *, told: bool = False) -> None:
        """A request was answered without the application, or with status 0 a connection was ended; operators find out
        why here. ``told``: of what listeners hear warnings are made that count it, and one line each is for debugging.
        """
        level = logging.DEBUG if told else logging.INFO
        if status:
            logger.log(level, "Refused a request from %s with %d: %s", client_name(peer.client), status, detail)
        else:
            logger.log(level, "Ended the connection of %s: %s", client_name(peer.client), detail)

    def retire_others(self) -> None:
        """What cannot move to the worker that takes over, which counts on what is remembered here, is to end."""
        self.retiring = True
        for connection in tuple(self.connections):
            if not isinstance(connection, Http1Connection):
                connection.last_request()

    def last_requests(self) -> None:
        """Another worker takes over: every answer whose head is not out yet says that the connection ends with it."""
        self.draining = True
        for connection in tuple(self.connections):
            connection.last_request()

    def begin_drain(self) -> None:
        """The server stops: idle connections close, the others after their answer."""
        self.draining = True
        for connection in tuple(self.connections):
            connection.begin_drain()


def _unknown() -> bool:
    return False


def _descriptor(transport: Transport) -> int:
    """That of a transport over a socket; -1 for others, which do not go from worker to worker."""
    fd: int = getattr(transport, "fd", -1)
    return fd


def _reader_class(engine: str) -> type[RequestReader]:
    if engine == "h11":
        from pounce_http1.h11_engine import H11RequestReader

        # Not a subclass, but the same surface, judged by the same cases.
        return H11RequestReader  # type: ignore[return-value]
    return RequestReader
