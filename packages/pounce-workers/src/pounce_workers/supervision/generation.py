"""Lets a new generation of the application's code take over while the old one serves.

What is done when is in `swap_states`. Here it is done, in a thread of its own: importing an application takes seconds,
in which the supervisor goes on watching over those who serve. The new workers are started beside the old ones; when all
are ready the supervisor adopts them and tells the old ones to retire. If one of them ends before that, all are given
up, and the old ones never knew.
"""

from __future__ import annotations

import functools
import logging
import math
import queue
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pounce_workers.supervision.departures import Departure
from pounce_workers.supervision.slots import SlotExit
from pounce_workers.supervision.supervisor import WorkersFailed
from pounce_workers.supervision.swap_states import Doing, Effect, Event, Happened, Phase, SwapState, step

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pounce_workers.supervision.slots import SlotCallback, SlotHandle, SlotKind, SlotLauncher

__all__ = ["Generation", "GenerationSwap", "SwapCallbacks"]

logger = logging.getLogger("pounce.reload")


class Generation(Protocol):
    """One import of the application, and what starts its workers."""

    @property
    def launcher(self) -> SlotLauncher:
        """Starts its workers."""

    def undo(self) -> None:
        """It never served and its workers have ended: the code of the one before it is the imported one again."""

    def release(self) -> None:
        """Its last worker has ended: its code need not be kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapCallbacks:
    """Whom the swap tells. All are called in its thread, the first two also in others; all must return soon."""

    on_ready: SlotCallback
    on_exit: SlotCallback
    """`Supervisor.ready` and `Supervisor.exited`: told of the new workers as of all others."""
    adopt: Callable[[SlotLauncher, Sequence[SlotHandle], Callable[[], None]], None]
    """`Supervisor.adopt`."""
    on_switched: Callable[[int], None]
    """This generation serves from now on. Called by whoever adopts its workers, once it has."""
    on_failed: Callable[[int, Exception], None]
    """This one cannot be served, and why; the one before it goes on."""


@dataclass(slots=True, eq=False)
class _Build:
    """The workers of a generation that does not serve yet."""

    handles: list[SlotHandle] = field(default_factory=list)
    ready: set[SlotHandle] = field(default_factory=set)
    leaving: dict[SlotHandle, Departure] = field(default_factory=dict)


class GenerationSwap:
    """Swaps generations, one after the other, from ``start()`` to ``stop()``."""

    def __init__(
        self,
        first: Generation,
        prepare: Callable[[int], Generation],
        count: int,
        *,
        callbacks: SwapCallbacks,
        shutdown_timeout: float,
    ) -> None:
        """``first`` is the generation that serves at the beginning, number 1: start its workers through ``launcher``.

        ``prepare`` imports the application for the generation of a number; what it raises is why that fails, and then
        it must have left everything as it was. ``count`` workers are started for each. ``shutdown_timeout``: seconds
        that the application's own shutdown may take, when workers that never served are given up.
        """
        self._prepare = prepare
        self._count = count
        self._tell = callbacks
        self._shutdown_timeout = shutdown_timeout
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._state = SwapState()
        self._generations: dict[int, Generation] = {1: first}
        self._launchers = {1: _Counted(first.launcher, functools.partial(self._put, self._emptied, 1))}
        self._build = _Build()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pounce-reload", daemon=True)

    # -- from any thread, the first two from signal handlers too ------------------------------------------------------

    def request(self) -> None:
        """Serve new code. While that is under way, one more request is remembered."""
        self._put(self._happened, (Happened.REQUESTED, 0))

    def stop(self) -> None:
        """Swap no more; one that is under way is given up. Returns at once; ``join()`` waits."""
        self._stopping.set()
        self._put(self._happened, (Happened.STOPPED, 0))

    def start(self) -> None:
        """Begin to wait for requests."""
        self._thread.start()

    def join(self, timeout: float | None = None) -> bool:
        """Wait until it has ended; False if it has not within ``timeout`` seconds."""
        if self._thread.ident is not None:  # it was started
            self._thread.join(timeout)
        return not self._thread.is_alive()

    @property
    def launcher(self) -> SlotLauncher:
        """What starts workers of the generation that serves."""
        return self._launchers[self._state.serving]

    @property
    def serving(self) -> int:
        """The number of the generation that serves."""
        return self._state.serving

    # -- its thread ----------------------------------------------------------------------------------------------------

    def _put(self, function: Callable[..., None], *arguments: object) -> None:
        self._events.put(functools.partial(function, *arguments))

    def _run(self) -> None:
        while not self._state.finished:
            due = min((one.due for one in self._build.leaving.values()), default=math.inf)
            try:
                event = self._events.get(timeout=None if due == math.inf else max(due - time.monotonic(), 0))
            except queue.Empty:
                self._hurry()
                continue
            try:
                event()
            except Exception:
                logger.exception("a step of the reload failed; the server goes on")

    def _happened(self, event: Event) -> None:
        self._state, effects = step(self._state, event)
        for effect in effects:
            self._do(effect)

    def _do(self, effect: Effect) -> None:
        doing, number = effect
        if doing is Doing.BUILD:
            self._begin(number)
        elif doing is Doing.SWITCH:
            self._switch(number)
        elif doing is Doing.DISCARD:
            self._discard(number)
        else:
            generation = self._generations.pop(number, None)
            self._launchers.pop(number, None)
            if generation is not None:
                (generation.undo if doing is Doing.UNDO else generation.release)()

    def _begin(self, number: int) -> None:
        self._build = _Build()
        try:
            generation = self._prepare(number)
        except Exception as error:  # noqa: BLE001 - whatever it is, the old generation goes on
            self._failed(number, error)
            return
        self._generations[number] = generation
        self._launchers[number] = _Counted(generation.launcher, functools.partial(self._put, self._emptied, number))
        if not self._stopping.is_set():  # else the event that says so is in the queue
            self._start_workers(number)

    def _start_workers(self, number: int) -> None:
        """Start the next worker thread, as they share the application object; processes all at once."""
        launcher, build = self._launchers[number], self._build
        while len(build.handles) < self._count:
            build.handles.append(
                launcher.start(
                    len(build.handles),
                    on_ready=functools.partial(self._on_ready, number),
                    on_exit=functools.partial(self._on_exit, number),
                )
            )
            if launcher.kind == "thread":
                return

    def _on_ready(self, number: int, handle: SlotHandle) -> None:
        self._tell.on_ready(handle)
        self._put(self._worker_ready, number, handle)

    def _on_exit(self, number: int, handle: SlotHandle) -> None:
        self._tell.on_exit(handle)
        self._put(self._worker_ended, number, handle)

    def _worker_ready(self, number: int, handle: SlotHandle) -> None:
        if number != self._state.building or self._state.phase is not Phase.BUILDING:
            return
        self._build.ready.add(handle)
        if len(self._build.ready) == self._count:
            self._happened((Happened.READY, number))
        elif len(self._build.ready) == len(self._build.handles):
            self._start_workers(number)

    def _worker_ended(self, number: int, handle: SlotHandle) -> None:
        if number != self._state.building:
            return
        if self._state.phase is Phase.BUILDING:
            how = handle.exit or SlotExit(expected=False)
            error = WorkersFailed(f"a worker of the new code {how}", how)
            error.__cause__ = how.exception
            self._failed(number, error)
        self._gone(number, handle)

    def _failed(self, number: int, error: Exception) -> None:
        self._tell.on_failed(number, error)
        self._happened((Happened.FAILED, number))

    def _switch(self, number: int) -> None:
        switched = functools.partial(self._tell.on_switched, number)
        self._tell.adopt(self._launchers[number], tuple(self._build.handles), switched)
        self._build = _Build()
        for one in self._state.retiring:  # it may have lost its last worker before it was told to go
            self._put(self._emptied, one)

    def _discard(self, number: int) -> None:
        now = time.monotonic()
        for handle in self._build.handles:
            if handle.exit is None:
                departure = Departure(handle, graceful=0.0, shutdown=self._shutdown_timeout)
                self._build.leaving[handle] = departure
                departure.drain(now)
        self._put(self._gone, number, None)

    def _hurry(self) -> None:
        for handle, departure in tuple(self._build.leaving.items()):
            departure.tick(time.monotonic())
            if departure.lost:
                self._gone(self._state.building, handle)

    def _gone(self, number: int, handle: SlotHandle | None) -> None:
        """One worker of a generation that is given up has ended."""
        if handle is not None:
            self._build.leaving.pop(handle, None)
        if number == self._state.building and not self._build.leaving:
            self._happened((Happened.DISCARDED, number))

    def _emptied(self, number: int) -> None:
        launcher = self._launchers.get(number)
        if launcher is not None and launcher.alive == 0:
            self._happened((Happened.ENDED, number))


class _Counted:
    """A launcher that knows how many of its workers live, whoever starts them."""

    def __init__(self, launcher: SlotLauncher, on_empty: Callable[[], None]) -> None:
        self._launcher = launcher
        self._on_empty = on_empty
        self._lock = threading.Lock()  # guards the count; workers end in any thread
        self.alive = 0

    @property
    def kind(self) -> SlotKind:
        return self._launcher.kind

    @property
    def generation(self) -> int:
        return self._launcher.generation

    def start(self, worker_id: int, *, on_ready: SlotCallback, on_exit: SlotCallback) -> SlotHandle:
        with self._lock:
            self.alive += 1

        def ended(handle: SlotHandle) -> None:
            on_exit(handle)
            with self._lock:
                self.alive -= 1
                empty = self.alive == 0
            if empty:
                self._on_empty()

        return self._launcher.start(worker_id, on_ready=on_ready, on_exit=ended)
