"""HTTP/1.1 in blocking workers: one wire for each thread, and the connections that all of them share."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from pounce_asgi import ExchangeContext
from pounce_asgi.sync_exchange import SyncExchange
from pounce_http1 import RequestReader, encode_header_line
from pounce_workers.serving.http1_wire import Http1Wire
from pounce_workers.serving.sync_gathering import GatheringExchange

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from pounce_asgi import Listeners, LiveListeners, Peer, ServedConnection
    from pounce_asgi.contracts import RequestHead
    from pounce_asgi.sync_app import SyncHandler
    from pounce_workers.net.blocking_transport import BlockingTransport
    from pounce_workers.net.deadlines import DeadlineSweeper
    from pounce_workers.serving.connection_budget import ConnectionBudget
    from pounce_workers.serving.http1_connection import Http1Connection
    from pounce_workers.serving.http2_preface import PrefaceWatch
    from pounce_workers.settings import ServingSettings

__all__ = ["SharedConnections", "SyncWire"]


class SharedConnections:
    """The connections of a pool: opened in one thread, closed in any. A set, as far as a wire needs one."""

    __slots__ = ("_lock", "_members", "draining")

    def __init__(self) -> None:
        self.draining = False
        """Every answer is to be the last of its connection. Set once; each thread looks when it gets a connection."""
        self._lock = threading.Lock()
        self._members: set[Http1Connection] = set()

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[Http1Connection]:
        """Those that are there now."""
        with self._lock:
            return iter(tuple(self._members))

    def add(self, connection: Http1Connection) -> None:
        """It is open."""
        with self._lock:
            self._members.add(connection)

    def discard(self, connection: Http1Connection) -> None:
        """It is closed."""
        with self._lock:
            self._members.discard(connection)


class SyncWire(Http1Wire):
    """What one thread of a pool serves connections with. A connection has the wire of the thread that has it."""

    __slots__ = ("_shared",)

    def __init__(
        self,
        handler: SyncHandler,
        connections: SharedConnections,
        *,
        clock: object,
        settings: ServingSettings,
        listeners: Listeners | LiveListeners | None,
        worker_id: int,
        budget: ConnectionBudget | None,
        upgrades: PrefaceWatch | None,
    ) -> None:
        """``clock`` has the time from which deadlines count, in ``soon``."""
        nobody = cast("asyncio.AbstractEventLoop", None)
        context: ExchangeContext[bytes] = ExchangeContext(
            cast("Any", handler),
            loop=nobody,
            encode=encode_header_line,
            no_fields=b"",
            settings=settings.exchange,
            listeners=listeners,
            worker_id=worker_id,
        )
        super().__init__(context, loop=nobody, sweeper=cast("DeadlineSweeper", clock), settings=settings, budget=budget)
        self.takes_turns = False
        self.upgrades = upgrades
        self._shared = connections
        self.connections = cast("set[ServedConnection]", connections)
        self.exchange_class = self._new_exchange

    def serve(self, connection: Http1Connection) -> None:
        """This thread has the connection from now on."""
        connection.wire = self
        # Not in between: an answer that promised to keep the connection must not be followed by its end, which could
        # meet the next request.
        self.draining = self._shared.draining
        self.loop = cast("asyncio.AbstractEventLoop", cast("BlockingTransport", connection.transport).turns)
        if connection.exchange is not None:
            connection.exchange.context = self.context  # what a context remembers belongs to one thread

    def new_reader(self) -> RequestReader:
        """A parser that remembers nothing: what is remembered belongs to one thread, and a connection to many."""
        return self._reader(self._limits)

    def _new_exchange(
        self, context: ExchangeContext[bytes], connection: Http1Connection, head: RequestHead, peer: Peer
    ) -> SyncExchange[bytes]:
        wait = partial(_await_room, cast("BlockingTransport", connection.transport))
        if head.has_body:
            return GatheringExchange(context, connection, head, peer, wait=wait)
        return SyncExchange(context, connection, head, peer, pull=_pulls_nothing, wait=wait)


def _pulls_nothing() -> bool:
    return False  # there is no body


def _await_room(transport: BlockingTransport, future: Any) -> None:
    """Wait until a congested connection is so no more, or lost. Nothing else is ever left undone: files are sent."""
    transport.await_room()
    if not future.done():
        raise RuntimeError("waiting for room in the connection ended, and its exchange was not told")
