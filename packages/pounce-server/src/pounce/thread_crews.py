"""Workers that are threads of this process: behind one that accepts, each on a port that they share, or just one."""

from __future__ import annotations

import functools
import logging
import queue
import threading
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Final, cast

from pounce_asgi import ConfigError
from pounce_workers import (
    AcceptDistributor,
    ConnectionBudget,
    ThreadSlot,
    ThreadSlotLauncher,
    calm_garbage_collection,
    restore_garbage_collection,
)

from .crew import Crew
from .generations import HereSlotLauncher, ThreadGeneration
from .server_health import Health
from .shared_limits import SharedLimits
from .worker_factory import WorkerFactory

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from pounce_asgi import Listeners
    from pounce_workers import (
        ConnectionTarget,
        Generation,
        MoveTo,
        SlotHandle,
        SlotLauncher,
        TlsContexts,
        WorkerLike,
    )

    from .config import ServerConfig
    from .crew import CrewCallbacks
    from .fresh_import import FreshImport, ImportedCode
    from .http3 import Http3Service
    from .observation import Observation
    from .port_shares import PortShares

__all__ = ["PortCrew", "SoloCrew", "ThreadCrew"]

LAST_ACCEPTS: Final = 1.0
"""Seconds for handing over those who have connected before a stop."""

SIGNALS_HEARD: Final = 1.0
"""Seconds after which the main thread looks for signals, when it has nothing else to do."""

_log = logging.getLogger("pounce.server")


class _InProcess(Crew):
    """Threads of this process: the application is imported here."""

    def __init__(
        self,
        config: ServerConfig,
        sockets: Sequence[socket.socket],
        tell: CrewCallbacks,
        *,
        importer: FreshImport,
        code: ImportedCode,
        observation: Observation | None,
        listeners: Listeners | None,
        cpus: Sequence[int],
        tls: TlsContexts | None,
        http3: Http3Service | None,
        owns_process: bool,
    ) -> None:
        super().__init__(config, sockets, tell)
        self._owns_process = owns_process
        self._thresholds: tuple[int, int, int] | None = None
        self.health = Health(config.worker.worker_stall_timeout)
        self.health.draining = lambda: self.stopping
        self.health.turning = self.is_well
        self._importer = importer
        limits = SharedLimits(config)
        if observation is not None:
            observation.count_limits(limits)
        limit = config.worker.limit_concurrency
        self._new_factory = functools.partial(
            WorkerFactory,
            config,
            observation=observation,
            listeners=listeners,
            budget=ConnectionBudget(limit) if limit is not None else None,
            cpus=cpus,
            tls=tls,
            http3=http3,
            limits=limits,
            health=self.health,
        )
        self.factory = self._new_factory(code)
        self._code = code
        self._generations: list[ThreadGeneration] = []
        self._lock = threading.Lock()  # guards the list

    def first_generation(self) -> Generation:
        """The one whose code was imported to find out what to serve."""
        return self._kept(ThreadGeneration(self._code, self.factory, self.first_launcher(self.factory)))

    def prepare(self, number: int) -> Generation:
        """The application is imported afresh, beside the one that serves."""
        code = self._importer.load()
        for name, reason in code.kept.items():
            _log.info("Reload: %s is still the module of before: %s", name, reason)
        try:
            factory = self._new_factory(code)
        except ConfigError:
            code.undo()
            raise
        launcher = ThreadSlotLauncher(functools.partial(self.make, factory), generation=number)
        return self._kept(ThreadGeneration(code, factory, launcher))

    def first_launcher(self, factory: WorkerFactory) -> SlotLauncher:
        """What starts the first workers."""
        return ThreadSlotLauncher(functools.partial(self.make, factory))

    @abstractmethod
    def make(self, factory: WorkerFactory, worker_id: int, on_started: Callable[[], None]) -> WorkerLike:
        """A worker, in its own thread."""

    def stop(self) -> None:
        """Stop; a startup for all workers that is under way is given up."""
        with self._lock:
            generations = tuple(self._generations)
        for generation in generations:
            generation.factory.cancel_lifespan()
        super().stop()

    def ended(self) -> None:
        """Run the shutdown of lifespans that were for all workers; garbage is collected as before."""
        with self._lock:
            generations = tuple(self._generations)
        for generation in generations:
            generation.factory.close()
        if self._thresholds is not None:
            restore_garbage_collection(self._thresholds)

    def calm_garbage(self) -> None:
        """Unless a program embeds the server: what it freezes, and when it collects, is its own affair."""
        if self._owns_process:
            self._thresholds = calm_garbage_collection()

    def _kept(self, generation: ThreadGeneration) -> ThreadGeneration:
        with self._lock:
            # Those that have ended have nothing to shut down, and would keep all that their code made.
            self._generations = [*(one for one in self._generations if not one.ended), generation]
        return generation


class ThreadCrew(_InProcess):
    """Several threads, behind one that accepts for all of them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._distributor = AcceptDistributor(self.sockets, on_failed=self._accepting_failed)

    def make(self, factory: WorkerFactory, worker_id: int, on_started: Callable[[], None]) -> WorkerLike:
        """A worker to which connections are handed over."""
        return factory.make(worker_id, on_started)

    def ready(self) -> None:
        """Begin to accept."""
        self.calm_garbage()
        self._distributor.start()
        super().ready()

    def _accepting_failed(self, error: BaseException) -> None:
        """A server that hears nobody is not to look as if it served."""
        self.failure = error
        super().stop()

    def serving(self, handles: tuple[SlotHandle, ...]) -> None:
        """Hand new connections to these."""
        self._distributor.set_targets(_targets(handles))

    @property
    def mover(self) -> MoveTo | None:
        """Hands an idle connection to one of those that serve."""
        return self._distributor.adopt

    def stop(self) -> None:
        """Take in who has connected by now, then stop."""
        self._distributor.stop(LAST_ACCEPTS)
        super().stop()

    def ended(self) -> None:
        """The same for what accepts."""
        self._distributor.stop(1.0)
        super().ended()


class _AcceptingCrew(_InProcess):
    """Threads that accept by themselves, on sockets which outlive them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._served = False
        self._moves: AcceptDistributor | None = None

    def serving(self, handles: tuple[SlotHandle, ...]) -> None:
        """Idle connections of workers that make way go to these."""
        self.close_at_the_end(handles)  # the workers close their own, and then clients are refused
        if not handles:
            return
        if not self._served:
            self._served = True  # the first: there is nothing to move yet, and perhaps there never will be
            return
        if self._moves is None:
            self._moves = AcceptDistributor(())
            self._moves.start()
        self._moves.set_targets(_targets(handles))

    @property
    def mover(self) -> MoveTo | None:
        """Hands an idle connection to one of those that serve."""
        return self._move

    def _move(self, sock: socket.socket, peer: tuple[str, int] | None, local: tuple[str, int | None] | None) -> None:
        if self._moves is not None:
            self._moves.adopt(sock, peer, local)
        else:
            sock.close()

    def ended(self) -> None:
        """The same for moved connections."""
        if self._moves is not None:
            self._moves.stop(1.0)
        super().ended()


class PortCrew(_AcceptingCrew):
    """Several threads, each with sockets of its own on the same ports."""

    def __init__(self, config: ServerConfig, shares: PortShares, tell: CrewCallbacks, **options: Any) -> None:
        super().__init__(config, shares.sockets, tell, **options)
        self._shares = shares

    def make(self, factory: WorkerFactory, worker_id: int, on_started: Callable[[], None]) -> WorkerLike:
        """A worker on its sockets: it closes its own descriptors of them, and they stay open for its successor."""
        own = [sock.dup() for sock in self._shares.of(worker_id)]
        return factory.make(worker_id, on_started, own, shared_sockets=self._shares.has_common)

    def ready(self) -> None:
        """They serve."""
        self.calm_garbage()
        super().ready()


class SoloCrew(_AcceptingCrew):
    """One worker, which accepts by itself and runs in the thread that calls `serve_here`."""

    def __init__(self, *arguments: Any, on_started_here: Callable[[], None] | None = None, **options: Any) -> None:
        """``on_started_here`` is called once, in the thread of `serve_here`, when the worker there serves."""
        super().__init__(*arguments, **options)
        self._on_started_here = on_started_here
        self._here: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._first: HereSlotLauncher | None = None

    def first_launcher(self, factory: WorkerFactory) -> SlotLauncher:
        """The first worker runs in the thread that waits for it."""
        self._first = HereSlotLauncher(functools.partial(self.make, factory), self._here)
        return self._first

    def make(self, factory: WorkerFactory, worker_id: int, on_started: Callable[[], None]) -> WorkerLike:
        """A worker with sockets of its own on the same places: it closes them, and they stay open for its successor."""
        here, self._on_started_here = self._on_started_here, None

        def started() -> None:
            if here is not None:
                here()
            on_started()

        return factory.make(worker_id, started, [sock.dup() for sock in self.sockets])

    def serve_here(self) -> None:
        """Run what is to run in this thread, until everything has ended."""
        while True:
            try:
                # The system may give a signal to another thread. Its handler runs here, when this one next wakes.
                job = self._here.get(timeout=SIGNALS_HEARD)
            except queue.Empty:
                continue
            if job is None:
                return
            job()

    def leave(self) -> None:
        """Let `serve_here` return."""
        self._here.put(None)

    @property
    def holds_thread(self) -> bool:
        """The worker in the thread of `serve_here` was given up and goes on."""
        slot = self._first.slot_here if self._first is not None else None
        return slot is not None and slot.exit is not None and slot.exit.abandoned


def _targets(handles: Sequence[SlotHandle]) -> list[ConnectionTarget]:
    """The workers behind handles of threads."""
    workers = [handle.worker for handle in handles if isinstance(handle, ThreadSlot)]
    return cast("list[ConnectionTarget]", [worker for worker in workers if worker is not None])
