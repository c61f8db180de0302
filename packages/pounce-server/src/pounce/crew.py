"""The workers of a server that runs: who accepts, who watches, and how one generation of them follows another.

Threads behind one that accepts, a single thread that accepts by itself, or processes on shared sockets: what is the
same for all is `Crew`, what differs is in the few lines of its subclasses.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import queue
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from pounce_asgi import ConfigError
from pounce_workers import (
    AcceptDistributor,
    ConnectionBudget,
    GenerationSwap,
    Supervisor,
    SwapCallbacks,
    ThreadSlot,
    ThreadSlotLauncher,
    calm_garbage_collection,
    restore_garbage_collection,
)

from .generations import HereSlotLauncher, ProcessGeneration, ThreadGeneration
from .process_entry import ProcessPayload
from .worker_factory import WorkerFactory

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from pounce_asgi import Listeners
    from pounce_workers import ConnectionTarget, Generation, MoveTo, SlotHandle, SlotLauncher, WorkerLike

    from .access_log import AccessLog
    from .config import ServerConfig
    from .fresh_import import FreshImport, ImportedCode

__all__ = ["Crew", "CrewCallbacks", "ProcessCrew", "SoloCrew", "ThreadCrew"]

LAST_ACCEPTS: Final = 1.0
"""Seconds for handing over those who have connected before a stop."""

SIGNALS_HEARD: Final = 1.0
"""Seconds after which the main thread looks for signals, when it has nothing else to do."""

_log = logging.getLogger("pounce.server")


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewCallbacks:
    """Whom a crew tells. They are called in threads of its own and must return soon."""

    on_ready: Callable[[], None]
    """All workers of the first generation serve."""
    on_ended: Callable[[BaseException | None], None]
    """Every worker has ended; with what the server fails, if it was not told to stop."""
    on_switched: Callable[[int], None]
    """A generation of this number serves from now on."""
    on_failed: Callable[[int, Exception], None]
    """A generation of this number cannot be served; the one before it goes on."""


class Crew(ABC):
    """All workers, from `start` to ``on_ended``. Its methods may be called from any thread."""

    def __init__(self, config: ServerConfig, sockets: Sequence[socket.socket], tell: CrewCallbacks) -> None:
        self.config = config
        self.sockets = tuple(sockets)
        self._tell = tell
        self._supervisor: Supervisor | None = None
        self._swap: GenerationSwap | None = None

    @abstractmethod
    def first_generation(self) -> Generation:
        """The one to begin with."""

    @abstractmethod
    def prepare(self, number: int) -> Generation:
        """A further one: the application is imported again.

        Raises:
            PounceError: it cannot be had.
        """

    @property
    def mover(self) -> MoveTo | None:
        """Takes idle connections of workers that make way; None where they stay where they are."""
        return None

    @property
    def count(self) -> int:
        """How many workers serve."""
        return self.config.workers

    def start(self) -> None:
        """Start the workers of the first generation.

        Raises:
            ConfigError: this program cannot start them.
        """
        swap = GenerationSwap(
            self.first_generation(),
            self.prepare,
            self.count,
            callbacks=SwapCallbacks(
                on_ready=lambda handle: self._supervisor.ready(handle) if self._supervisor else None,
                on_exit=lambda handle: self._supervisor.exited(handle) if self._supervisor else None,
                adopt=lambda launcher, handles: self._supervisor.adopt(launcher, handles) if self._supervisor else None,
                on_switched=self._tell.on_switched,
                on_failed=self._tell.on_failed,
            ),
            shutdown_timeout=self.config.exchange.timeout_lifespan_shutdown,
        )
        self._swap = swap
        self._supervisor = Supervisor(
            swap.launcher,
            self.count,
            settings=self.config.worker,
            shutdown_timeout=self.config.exchange.timeout_lifespan_shutdown,
            on_started=self.ready,
            on_serving=self.serving,
            move_to=self.mover,
        )
        swap.start()
        threading.Thread(
            target=self._watch, args=(self._supervisor, swap), name="pounce-supervisor", daemon=True
        ).start()

    def reload(self) -> None:
        """Serve new code: a generation is built, and takes over when it can serve."""
        if self._swap is not None:
            self._swap.request()

    def stop(self) -> None:
        """Stop gracefully; the second call stops at once."""
        if self._swap is not None:
            self._swap.stop()
        if self._supervisor is not None:
            self._supervisor.stop()

    def is_well(self, within: float) -> bool:
        """Whether every worker's loop has turned within so many seconds."""
        handles = self.handles
        since = time.monotonic() - within
        return bool(handles) and all(handle.last_beat >= since for handle in handles)

    @property
    def handles(self) -> tuple[SlotHandle, ...]:
        """The workers that take new connections."""
        return self._supervisor.handles if self._supervisor is not None else ()

    @property
    def load(self) -> int:
        """Connections that the workers have."""
        return sum(handle.load for handle in self.handles)

    # -- what differs ------------------------------------------------------------------------------------------------

    def ready(self) -> None:
        """All workers serve. In the supervisor's thread."""
        self._tell.on_ready()

    @abstractmethod
    def serving(self, handles: tuple[SlotHandle, ...]) -> None:
        """These take new connections from now on. In the supervisor's thread."""

    def close_at_the_end(self, handles: tuple[SlotHandle, ...]) -> None:
        """Once nobody accepts any more clients are to be refused, not kept waiting. While somebody is about to take the
        place of a worker that died, they wait.
        """
        if not handles and self._supervisor is not None and self._supervisor.stopping:
            for sock in self.sockets:
                sock.close()

    @abstractmethod
    def ended(self) -> None:
        """Every worker has ended. In the supervisor's thread."""

    def _watch(self, supervisor: Supervisor, swap: GenerationSwap) -> None:
        failure: BaseException | None = None
        try:
            supervisor.run()
        except BaseException as error:  # noqa: BLE001 - whatever it is, who waits for the end must hear of it
            failure = error
        swap.stop()
        swap.join(1.0)
        try:
            self.ended()
        except BaseException as error:  # noqa: BLE001 - the same
            failure = failure or error
        self._tell.on_ended(failure)


class ProcessCrew(Crew):
    """Processes that accept on shared sockets. This one never imports the application."""

    def __init__(
        self,
        config: ServerConfig,
        sockets: Sequence[socket.socket],
        tell: CrewCallbacks,
        *,
        sets_up_logging: bool,
        cpus: Sequence[int],
    ) -> None:
        """``sets_up_logging``: this program's logging is ours, and so is that of its children."""
        super().__init__(config, sockets, tell)
        self._payload = ProcessPayload(
            # What was bound is inherited: the children do not look at the places.
            config=dataclasses.replace(config),
            workers=config.workers,
            sets_up_logging=sets_up_logging,
            cpus=tuple(cpus),
        )

    def first_generation(self) -> Generation:
        """The one to begin with."""
        return ProcessGeneration(self._payload, self.sockets, 1)

    def prepare(self, number: int) -> Generation:
        """Fresh processes import the application by themselves."""
        return ProcessGeneration(self._payload, self.sockets, number)

    def serving(self, handles: tuple[SlotHandle, ...]) -> None:
        """They accept by themselves."""
        self.close_at_the_end(handles)

    def ended(self) -> None:
        """Nothing of theirs is left here."""


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
        access_log: AccessLog | None,
        listeners: Listeners | None,
        cpus: Sequence[int],
    ) -> None:
        super().__init__(config, sockets, tell)
        self._importer = importer
        limit = config.worker.limit_concurrency
        self._new_factory = functools.partial(
            WorkerFactory,
            config,
            access_log=access_log,
            listeners=listeners,
            budget=ConnectionBudget(limit) if limit is not None else None,
            cpus=cpus,
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
        """Run the shutdown of lifespans that were for all workers."""
        with self._lock:
            generations = tuple(self._generations)
        for generation in generations:
            generation.factory.close()

    def _kept(self, generation: ThreadGeneration) -> ThreadGeneration:
        with self._lock:
            # Those that have ended have nothing to shut down, and are not many.
            self._generations = [*self._generations[-8:], generation]
        return generation


class ThreadCrew(_InProcess):
    """Several threads, behind one that accepts for all of them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._distributor = AcceptDistributor(self.sockets)
        self._thresholds: tuple[int, int, int] | None = None

    def make(self, factory: WorkerFactory, worker_id: int, on_started: Callable[[], None]) -> WorkerLike:
        """A worker to which connections are handed over."""
        return factory.make(worker_id, on_started)

    def ready(self) -> None:
        """Begin to accept."""
        self._thresholds = calm_garbage_collection()
        self._distributor.start()
        super().ready()

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
        if self._thresholds is not None:
            restore_garbage_collection(self._thresholds)
        super().ended()


class SoloCrew(_InProcess):
    """One worker, which accepts by itself and runs in the thread that calls `serve_here`."""

    def __init__(self, *arguments: Any, on_started_here: Callable[[], None] | None = None, **options: Any) -> None:
        """``on_started_here`` is called once, in the thread of `serve_here`, when the worker there serves."""
        super().__init__(*arguments, **options)
        self._on_started_here = on_started_here
        self._here: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._served = False
        self._moves: AcceptDistributor | None = None

    def first_launcher(self, factory: WorkerFactory) -> SlotLauncher:
        """The first worker runs in the thread that waits for it."""
        return HereSlotLauncher(functools.partial(self.make, factory), self._here)

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

    def serving(self, handles: tuple[SlotHandle, ...]) -> None:
        """Idle connections of a worker that makes way go to this one."""
        self.close_at_the_end(handles)
        if not self._served:
            self._served = True  # the first: there is nothing to move yet, and perhaps there never will be
            return
        if self._moves is None:
            self._moves = AcceptDistributor(())
            self._moves.start()
        self._moves.set_targets(_targets(handles))

    @property
    def mover(self) -> MoveTo | None:
        """Hands an idle connection to the worker that serves."""
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


def _targets(handles: Sequence[SlotHandle]) -> list[ConnectionTarget]:
    """The workers behind handles of threads."""
    workers = [handle.worker for handle in handles if isinstance(handle, ThreadSlot)]
    return cast("list[ConnectionTarget]", [worker for worker in workers if worker is not None])
