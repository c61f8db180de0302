"""The workers of a server that runs: who accepts, who watches, and how one generation of them follows another.

What is the same for all is `Crew`; what differs is in the few lines of its subclasses: processes on shared sockets in
``process_crew``, the threads of this process in ``thread_crews``. A server imports the one that it needs.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pounce_workers import GenerationSwap, Supervisor, SwapCallbacks

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Sequence

    from pounce_workers import Generation, MoveTo, SlotHandle, SlotLauncher

    from .config import ServerConfig

__all__ = ["Crew", "CrewCallbacks"]


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
    on_exit: Callable[[SlotHandle], None] = lambda _: None
    """A worker has ended."""


class Crew(ABC):
    """All workers, from `start` to ``on_ended``. Its methods may be called from any thread."""

    def __init__(self, config: ServerConfig, sockets: Sequence[socket.socket], tell: CrewCallbacks) -> None:
        self.config = config
        self.sockets = tuple(sockets)
        self._tell = tell
        self._supervisor: Supervisor | None = None
        self._swap: GenerationSwap | None = None
        self.stopping = False
        """A stop has begun."""
        self.failure: BaseException | None = None
        """Why the crew has stopped by itself, where no worker is to blame."""

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
                adopt=self._adopt,
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
            on_exited=self._tell.on_exit,
        )
        swap.start()
        threading.Thread(
            target=self._watch, args=(self._supervisor, swap), name="pounce-supervisor", daemon=True
        ).start()

    def _adopt(self, launcher: SlotLauncher, handles: Sequence[SlotHandle], adopted: Callable[[], None]) -> None:
        if self._supervisor is not None:
            self._supervisor.adopt(launcher, handles, adopted)

    def reload(self) -> None:
        """Serve new code: a generation is built, and takes over when it can serve."""
        if self._swap is not None:
            self._swap.request()

    def stop(self) -> None:
        """Stop gracefully; the second call stops at once."""
        self.stopping = True
        if self._swap is not None:
            self._swap.stop()
        if self._supervisor is not None:
            self._supervisor.stop()

    def kill(self) -> None:
        """Wait for nobody: processes are killed, threads are named and left behind."""
        if self._supervisor is not None:
            self._supervisor.kill()

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
    def everyone(self) -> tuple[SlotHandle, ...]:
        """All workers, those that are leaving too."""
        return self._supervisor.everyone if self._supervisor is not None else ()

    @property
    def load(self) -> int:
        """Connections that the workers have, those that are leaving too."""
        return self._supervisor.load if self._supervisor is not None else 0

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
        self._tell.on_ended(failure or self.failure)
