"""From one import of the application to workers that serve it. It chooses and connects; the parts live elsewhere."""

from __future__ import annotations

import importlib
import threading
from typing import TYPE_CHECKING, Any

from pounce_asgi import SUBSCRIPTIONS, Interface, Listeners, ServerLifespan, SharedState, adapt, detect
from pounce_observability.logging_setup import enter_worker
from pounce_workers import Worker, pin_worker

from .chain import ORDER, Surroundings, build_chain, import_chain
from .code_subscriptions import heard_by
from .protocols import spoken_protocols
from .shared_limits import SharedLimits

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from pounce_asgi import ASGI3Application, LiveListeners
    from pounce_asgi.request_sampler import RequestSampler
    from pounce_workers import Companion, ConnectionBudget, DatagramShare, SyncWorkerPool, TlsContexts

    from .config import ServerConfig
    from .fresh_import import ImportedCode
    from .http3 import Http3Service
    from .observation import Observation
    from .server_health import Health

__all__ = ["WorkerFactory", "interface_of"]


def interface_of(app: Any, config: ServerConfig) -> Interface:
    """What kind of application it is, as the configuration says or as it looks."""
    return detect(app) if config.interface == "auto" else Interface(config.interface)


def import_workers(interface: Interface, *, blocks: bool, mode: str, companion: bool) -> None:
    """Import what only some kinds of workers are made of, before any of them has a thread, in which it would be done
    beside others.
    """
    modules: list[str] = []
    if interface.blocking:
        modules.append("pounce_asgi.wsgi" if interface is Interface.WSGI else "pounce_asgi.sync_app")
    if interface.blocking and (companion or not blocks):
        modules.append("pounce_asgi.lifted_application")
    if blocks:
        modules.append("pounce_workers.serving.sync_worker_pool")
    elif mode == "sync":
        modules.append("pounce_workers.serving.async_worker_pool")
    if companion and (blocks or mode == "sync"):
        modules.append("pounce_workers.serving.companion")
    for module in modules:
        importlib.import_module(module)


class WorkerFactory:
    """Makes the workers of one import of the application. Called from any thread."""

    def __init__(
        self,
        config: ServerConfig,
        code: ImportedCode,
        *,
        observation: Observation | None = None,
        listeners: Listeners | None = None,
        budget: ConnectionBudget | None = None,
        multiprocess: bool = False,
        cpus: Sequence[int] = (),
        tls: TlsContexts | None = None,
        http3: Http3Service | None = None,
        limits: SharedLimits | None = None,
        health: Health | None = None,
    ) -> None:
        """``observation``: who looks at what the workers do. ``multiprocess``: other processes serve the same
        application. ``cpus``: those that workers are kept on.

        Raises:
            ConfigError: what the application is cannot be told.
        """
        self.interface = interface_of(code.app, config)
        self._protocols = spoken_protocols(config, self.interface, tls, http3)
        self._http3 = http3
        self._health = health
        self._limits = limits or SharedLimits(config)
        self._config = config
        self._code = code
        self._observation = observation
        self._listeners = listeners or Listeners()
        self._budget = budget
        self._multiprocess = multiprocess
        self._cpus = cpus
        self._lock = threading.Lock()  # guards the next two
        self._first_taken = False
        self._server_lifespan: ServerLifespan | None = None
        import_chain(config)
        import_workers(self.interface, blocks=self.blocks, mode=config.worker_mode, companion=self._has_companion)
        self._shared_state = SharedState(code.app) if config.workers != 1 and not config.app_per_worker else None

    def make(
        self,
        worker_id: int,
        on_started: Callable[[], None],
        sockets: Sequence[socket.socket] = (),
        *,
        shared_sockets: bool = False,
    ) -> Worker | SyncWorkerPool:
        """A worker; call it in the worker's own thread. Without sockets connections are handed over to it.

        Raises:
            AppImportError: the factory of the application failed.
            LifespanError: the lifespan that is run for all workers failed.
        """
        enter_worker(worker_id, whole_process=self._multiprocess)
        worker = self._made(worker_id, on_started, sockets, shared_sockets=shared_sockets)
        if self._observation is not None:
            self._observation.watch(worker, worker_id)
        return worker

    def _made(
        self,
        worker_id: int,
        on_started: Callable[[], None],
        sockets: Sequence[socket.socket],
        *,
        shared_sockets: bool,
    ) -> Worker | SyncWorkerPool:
        if self._cpus:
            pin_worker(worker_id, self._cpus)
        app = self._application()
        if self.blocks:
            return self._blocking_pool(app, worker_id, on_started, sockets, shared_sockets=shared_sockets)
        chain = self._chain(app, worker_id)
        try:
            state = self._state_for_all(chain)
        except BaseException:
            for sock in sockets:
                sock.close()  # there will be no worker to do it
            raise
        if self._config.worker_mode == "sync":
            from pounce_workers import AsyncWorkerPool

            return AsyncWorkerPool(
                chain,
                sockets,
                threads=self._config.lift.sync_threads,
                settings=self._config.serving,
                state=state,
                listeners=self._listeners_of(worker_id, shared=True),
                on_started=on_started,
                worker_id=worker_id,
                budget=self._budget,
                shared_sockets=shared_sockets,
                protocols=self._protocols,
                companion=self._companion(chain, worker_id, state),
            )
        return Worker(
            chain,
            sockets,
            settings=self._config.serving,
            listeners=self._listeners_of(worker_id, shared=False),
            on_started=on_started,
            worker_id=worker_id,
            shared_sockets=shared_sockets,
            state=state,
            on_lifespan=shared.started if (shared := self._shared_state) is not None else None,
            budget=self._budget,
            protocols=self._protocols,
            datagrams=self._datagrams_of(worker_id),
            sampler=self._sampler(worker_id),
        )

    def _chain(self, app: Any, worker_id: int) -> ASGI3Application:
        """The application in all that is switched on."""
        surroundings = Surroundings(
            config=self._config,
            named=self._code.named,
            limits=self._limits,
            health=self._health,
            observation=self._observation,
            worker_id=worker_id,
            wsgi=self.interface is Interface.WSGI,
        )
        return build_chain(self._lifted(app), surroundings)

    def _sampler(self, worker_id: int) -> RequestSampler | None:
        return self._observation.sampler(worker_id) if self._observation is not None else None

    def _datagrams_of(self, worker_id: int) -> DatagramShare | None:
        return self._http3.share(worker_id) if self._http3 is not None else None

    def _blocking_pool(
        self,
        app: Any,
        worker_id: int,
        on_started: Callable[[], None],
        sockets: Sequence[socket.socket],
        *,
        shared_sockets: bool,
    ) -> SyncWorkerPool:
        """Threads that call the application where no event loop is visible."""
        from pounce_asgi import sync_handler
        from pounce_workers import SyncWorkerPool

        return SyncWorkerPool(
            sync_handler(app, self.interface, multiprocess=self._multiprocess),
            sockets,
            threads=self._config.lift.sync_threads,
            settings=self._config.serving,
            listeners=self._listeners_of(worker_id, shared=True),
            on_started=on_started,
            worker_id=worker_id,
            budget=self._budget,
            shared_sockets=shared_sockets,
            protocols=self._protocols,
            companion=self._companion(self._lifted(app), worker_id),
        )

    @property
    def _has_companion(self) -> bool:
        return self._protocols.http2 is not None or self._http3 is not None

    def _companion(
        self, app: ASGI3Application, worker_id: int, state: dict[str, Any] | None = None
    ) -> Companion | None:
        """What serves HTTP/2 and HTTP/3 beside blocking workers; None where neither is spoken."""
        if not self._has_companion:
            return None
        from pounce_workers import Companion

        def new_worker(on_started: Callable[[], None]) -> Worker:
            return Worker(
                app,
                (),
                settings=self._config.serving,
                listeners=self._listeners_of(worker_id, shared=False),
                on_started=on_started,
                worker_id=worker_id,
                state=state,
                budget=self._budget,
                protocols=self._protocols,
                datagrams=self._datagrams_of(worker_id),
                sampler=self._sampler(worker_id),
            )

        return Companion(new_worker, at_once=self._http3 is not None)

    @property
    def blocks(self) -> bool:
        """Whether threads call it where no event loop is visible: applications that block, with nothing around them."""
        if self._config.worker_mode == "async":
            return False
        return self.interface.blocking and not any(link.lifts and link.is_on(self._config) for link in ORDER)

    def cancel_lifespan(self) -> None:
        """The server stops: a startup for all workers that is under way is given up."""
        if self._server_lifespan is not None:
            self._server_lifespan.cancel()

    def close(self) -> None:
        """The last worker has ended.

        Raises:
            LifespanError: the shutdown for all workers failed.
        """
        self._shared_state = None  # it knows the application, which nobody needs any more
        if self._server_lifespan is not None:
            self._server_lifespan.shutdown()

    def _application(self) -> Any:
        with self._lock:
            first, self._first_taken = not self._first_taken, True
        return self._code.app if first or not self._config.app_per_worker else self._code.make()

    def _lifted(self, app: Any) -> ASGI3Application:
        if self.interface.blocking:
            from pounce_asgi import lift

            if self.interface is Interface.WSGI and self._config.sentry.sentry_dsn is not None:
                from pounce_observability.sentry import reporting_wsgi

                app = reporting_wsgi(app)
            return lift(app, self.interface, self._config.lift, multiprocess=self._multiprocess)
        return adapt(app, self.interface)

    def _state_for_all(self, app: ASGI3Application) -> dict[str, Any] | None:
        """The state of the lifespan that is run once for all workers; None where each runs its own."""
        exchange = self._config.exchange
        if exchange.lifespan_scope != "server" and self._config.worker_mode != "sync":
            return None  # with mode sync loops come and go, and none could have a lifespan of its own
        with self._lock:  # the others wait until the first has started it
            if self._server_lifespan is None:
                self._server_lifespan = ServerLifespan(
                    app,
                    mode=exchange.lifespan,
                    startup_timeout=exchange.timeout_lifespan_startup,
                    shutdown_timeout=exchange.timeout_lifespan_shutdown,
                )
                self._server_lifespan.startup()
            return self._server_lifespan.state

    def _listeners_of(self, worker_id: int, *, shared: bool) -> LiveListeners:
        """Who hears of what one worker does: those that observe the process, those of the program, and whoever has
        subscribed.
        """
        own = self._listeners
        if self._observation is not None:
            own = own.beside(*self._observation.listeners_for_worker(worker_id, shared=shared))
        return SUBSCRIPTIONS.live(own, heard_by(self._code))
