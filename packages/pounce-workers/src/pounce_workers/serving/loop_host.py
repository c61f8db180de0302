"""One loop's side of the wires of other packages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pounce_asgi import ExchangeContext, HeadLimits, WireTimeouts
from pounce_workers.serving.connection_budget import TOO_MANY_CONNECTIONS

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Mapping
    from contextvars import Context

    from pounce_asgi import Expiring, Listeners, LiveListeners, Peer, ServedConnection, Transport
    from pounce_asgi.contracts import WireFields
    from pounce_asgi.types import ASGI3Application
    from pounce_workers.net.deadlines import DeadlineSweeper
    from pounce_workers.serving.http1_wire import Http1Wire
    from pounce_workers.settings import ServingSettings

__all__ = ["Admission", "LoopHost"]


@dataclass(frozen=True, slots=True)
class Admission:
    """How a connection came in; it leaves by the same door."""

    protocol: str
    """As the lifecycle records name it."""
    has_place: bool
    """It is one of the connections that the server may have."""
    opened: float
    """When, by ``time.monotonic()``."""
    earlier_requests: int = 0
    """Those over the protocol that it spoke before."""
    began_as: str = ""
    """That protocol, if there was one."""


class LoopHost:
    """The `pounce_asgi.WireHost` of a loop. Owned by the loop's thread."""

    def __init__(
        self,
        app: ASGI3Application,
        *,
        loop: asyncio.AbstractEventLoop,
        sweeper: DeadlineSweeper,
        settings: ServingSettings,
        state: dict[str, Any],
        listeners: Listeners | LiveListeners,
        worker_id: int,
        wire: Http1Wire,
    ) -> None:
        """``wire`` has the register of the loop's connections."""
        worker = settings.worker
        limits = settings.http1
        self.loop = loop
        self.worker_id = worker_id
        self.timeouts = WireTimeouts(
            keep_alive=worker.timeout_keep_alive,
            request_head=worker.timeout_request_head,
            body_stall=worker.timeout_body_stall,
            write_stall=worker.timeout_write_stall,
        )
        self.limits = HeadLimits(
            target_size=limits.limit_request_line,
            field_size=limits.limit_request_field_size,
            fields_size=limits.limit_request_header_size,
            field_count=limits.limit_request_fields,
        )
        self.base_context: Context = wire.base_context
        self._app = app
        self._sweeper = sweeper
        self._settings = settings
        self._state = state
        self._listeners = listeners
        self._wire = wire
        self._admissions: dict[ServedConnection, Admission] = {}

    @property
    def draining(self) -> bool:
        """The server stops, or another worker takes over."""
        return self._wire.draining or self._wire.retiring

    @property
    def soon(self) -> float:
        """The moment from which deadlines count."""
        return self._sweeper.soon

    def new_context(
        self,
        encode: Callable[[bytes, bytes], WireFields],
        no_fields: WireFields,
        extensions: Mapping[str, dict[str, Any]],
    ) -> ExchangeContext[WireFields]:
        """The surroundings of the exchanges of one kind of wire. All of a loop count as running in one set."""
        context = ExchangeContext(
            self._app,
            loop=self.loop,
            encode=encode,
            no_fields=no_fields,
            settings=self._settings.exchange,
            state=self._state,
            listeners=self._listeners,
            worker_id=self.worker_id,
            extensions=extensions,
            clock=self._sweeper,
        )
        context.running = self._wire.context.running
        return context

    def watch_deadlines(self, member: Expiring) -> None:
        """Call its ``expire`` once a tick from now on."""
        self._sweeper.add(member)

    def forget_deadlines(self, member: Expiring) -> None:
        """No longer."""
        self._sweeper.remove(member)

    def connection_came(
        self, protocol: str, transport: Transport, make: Callable[[Peer, str | None], ServedConnection]
    ) -> ServedConnection:
        """Count a new connection; ``make`` is given whose it is and, if it is one too many, what to answer with 503."""
        wire = self._wire
        has_place = wire.has_place_for(transport)
        peer = wire.new_peer(transport)
        connection = make(peer, None if has_place else TOO_MANY_CONNECTIONS)
        self.admit(connection, Admission(protocol, has_place, wire.connection_came(protocol, peer)))
        return connection

    def admit(self, connection: ServedConnection, admission: Admission) -> None:
        """Count a connection until it says that it is closed."""
        self._admissions[connection] = admission
        self._wire.connections.add(connection)

    def connection_closed(self, connection: ServedConnection, error: OSError | None) -> None:
        """A connection is gone."""
        admission = self._admissions.pop(connection)
        self._wire.connections.discard(connection)
        self._wire.connection_left(
            admission.protocol,
            connection.peer,
            has_place=admission.has_place,
            opened=admission.opened,
            requests=admission.earlier_requests + connection.requests,
            error=error,
            began_as=admission.began_as,
        )

    def request_refused(self, peer: Peer, status: int, detail: str, *, told: bool = False) -> None:
        """A request was answered without the application, or a connection ended for what the client did."""
        self._wire.request_refused(peer, status, detail, told=told)
