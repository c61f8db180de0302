"""The warnings of one process: a thread that looks at its loops, and listeners for what its clients meet."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
import weakref
from typing import TYPE_CHECKING, Any

from .collection_pauses import CollectionPauses
from .limit_warnings import LimitWarnings
from .watch_round import WatchRound

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pounce_asgi import Subscriber

    from .contracts import LoopLag, WatchedLoop, WatchedWorker
    from .settings import AdviceSettings
    from .task_census import TaskLeak

__all__ = ["Advice"]

_log = logging.getLogger("pounce.advice")


class Advice:
    """Every method is for any thread."""

    def __init__(
        self,
        settings: AdviceSettings,
        *,
        loops: Callable[[Any, int], Sequence[WatchedLoop]],
        limits: Mapping[str, object] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``loops`` gives the loops of a worker and its number that serve now: `pounce_workers.loop_watches`.
        ``limits`` are the values of settings by name, which warnings about limits tell.
        """
        self._settings = settings
        self._loops = loops
        self._clock = clock
        self._limits = LimitWarnings(limits or {}, clock) if settings.limit_warnings else None
        self._pauses = CollectionPauses(clock=clock)
        self._round = WatchRound(settings, self._loops_now, self._leaked, workers=self._workers_now)
        # Held while it is to go on: waiting for a lock wakes a processor for half as long as waiting for an event.
        self._goes_on = threading.Lock()
        self._lock = threading.Lock()  # guards what follows
        self._thread: threading.Thread | None = None
        self._workers: tuple[tuple[weakref.ref[WatchedWorker], int], ...] = ()

    def listeners_for_worker(self, worker_id: int, *, shared: bool = False) -> Sequence[Subscriber[Any]]:  # noqa: ARG002 - all workers share them
        """Who is to hear of the limits that its clients meet."""
        return self._limits.subscribers() if self._limits is not None else ()

    def watch(self, worker: WatchedWorker, worker_id: int) -> None:
        """Look at the loops of this worker while they serve. It is not kept alive for that."""
        with self._lock:
            alive = tuple(one for one in self._workers if one[0]() is not None)
            self._workers = (*alive, (weakref.ref(worker), worker_id))

    def start(self) -> None:
        """Begin to look. Called again, it does nothing."""
        with self._lock:
            if self._thread is not None:
                return
            self._goes_on = threading.Lock()
            self._goes_on.acquire()
            # A daemon: whatever it is at when the interpreter ends is of no matter then.
            self._thread = threading.Thread(
                target=self._watch, args=(self._goes_on,), name="pounce-advice", daemon=True
            )
            self._thread.start()
        self._pauses.install()

    def stop(self, timeout: float = 1.0) -> None:
        """Look no more, and say what was counted and not said. Waits for ``timeout`` seconds at most."""
        with self._lock:
            thread, self._thread = self._thread, None
            if thread is None:
                return
            self._goes_on.release()
        self._pauses.remove()
        thread.join(timeout)

    def loop_lags(self) -> tuple[LoopLag, ...]:
        """For how long each loop has not come back to what waits for it."""
        return self._round.lags

    # -- inside ------------------------------------------------------------------------------------------------------

    def _workers_now(self) -> list[tuple[WatchedWorker, Sequence[WatchedLoop]]]:
        return [
            (worker, self._loops(worker, worker_id))
            for reference, worker_id in self._workers
            if (worker := reference()) is not None
        ]

    def _loops_now(self) -> list[WatchedLoop]:
        return [loop for _, loops in self._workers_now() for loop in loops]

    def _watch(self, goes_on: threading.Lock) -> None:
        clock = self._clock
        while not goes_on.acquire(timeout=self._round.pause):
            try:
                now = clock()
                self._say(self._round.look(now, self._pauses.take()))
                if self._limits is not None:
                    self._say(self._limits.due(now))
            except Exception:  # noqa: BLE001 - warnings may fail, the server goes on
                _log.exception("Looking for what deserves a warning failed; there will be no more of them")
                return
        with contextlib.suppress(Exception):  # the end of the process is no time for a traceback
            now = clock()
            self._say(self._round.finish(now))
            if self._limits is not None:
                self._say(self._limits.due(now, everything=True))

    def _say(self, texts: Sequence[str]) -> None:
        for text in texts:
            _log.warning("%s", text)

    def _leaked(self, leak: TaskLeak) -> None:
        _log.warning("%s", leak)
