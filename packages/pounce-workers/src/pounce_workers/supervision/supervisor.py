"""The supervisor: one queue of events, one thread that handles them, and the roster that decides.

Signal handlers, workers and the code that swaps generations only put events into the queue; what they mean is decided
in the thread that runs the supervisor, one after the other.
"""

from __future__ import annotations

import functools
import logging
import queue
import threading
import time
from typing import TYPE_CHECKING

from pounce_asgi import PounceError
from pounce_workers.supervision.roster import Roster, RosterEvents

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pounce_workers.settings import WorkerSettings
    from pounce_workers.supervision.slots import MoveTo, SlotExit, SlotHandle, SlotLauncher

__all__ = ["Supervisor", "WorkersFailed"]

logger = logging.getLogger("pounce.supervisor")


class WorkersFailed(PounceError):  # noqa: N818 - as its siblings, it says what happened
    """A worker could not start, or died again and again. The message tells how it ended."""

    def __init__(self, message: str, how: SlotExit) -> None:
        super().__init__(message)
        self.exit = how


class Supervisor:
    """Keeps a number of workers alive until it is stopped."""

    def __init__(
        self,
        launcher: SlotLauncher,
        count: int,
        *,
        settings: WorkerSettings,
        shutdown_timeout: float,
        on_started: Callable[[], None] | None = None,
        on_serving: Callable[[tuple[SlotHandle, ...]], None] | None = None,
        move_to: MoveTo | None = None,
        on_exited: Callable[[SlotHandle], None] | None = None,
    ) -> None:
        """``on_started`` is called once, when all workers are ready; ``on_exited`` with each that has ended, in the
        thread that hears of it.

        ``on_serving`` is called with the workers that take new connections, each time these change: before those that
        take none any more are told to go. ``move_to`` takes idle connections of worker threads that retire.
        ``shutdown_timeout``: seconds that the application's own shutdown may take. Callbacks are called in the
        supervisor's thread and must return soon.
        """
        self._events: queue.SimpleQueue[Callable[[float], None]] = queue.SimpleQueue()
        self._on_started = on_started
        self._on_exited = on_exited
        self._roster = Roster(
            launcher,
            count,
            settings=settings,
            shutdown_timeout=shutdown_timeout,
            events=RosterEvents(
                on_ready=self.ready,
                on_exit=self.exited,
                on_stalled=self._report_stall,
                on_serving=on_serving or (lambda _: None),
                move_to=move_to,
            ),
        )

    # -- from any thread, and from signal handlers -------------------------------------------------------------------

    def stop(self) -> None:
        """Stop gracefully; the second call stops at once."""
        self._events.put(self._roster.stop)

    def kill(self) -> None:
        """Stop, and wait for no worker: processes are killed, threads are logged and left behind."""
        self._events.put(self._roster.kill)

    def ready(self, handle: SlotHandle) -> None:
        """A worker serves."""
        self._events.put(functools.partial(self._roster.ready, handle))

    def exited(self, handle: SlotHandle) -> None:
        """A worker has ended."""
        if self._on_exited is not None:
            self._on_exited(handle)
        self._events.put(functools.partial(self._roster.exited, handle))

    def adopt(
        self, launcher: SlotLauncher, handles: Sequence[SlotHandle], on_adopted: Callable[[], None] | None = None
    ) -> None:
        """Let a new generation take over: its launcher, and one ready worker for each slot. The old ones retire.

        ``on_adopted`` is called, in the supervisor's thread, when they have taken over; never if it was too late. Its
        workers should have been started with `ready` and `exited` of this supervisor behind their callbacks.
        """
        self._events.put(functools.partial(self._adopt, launcher, tuple(handles), on_adopted))

    @property
    def load(self) -> int:
        """Connections of all workers, those that are leaving too."""
        return sum(handle.load for handle in self._roster.handles)

    @property
    def handles(self) -> tuple[SlotHandle, ...]:
        """The workers that take new connections, as they were a moment ago."""
        return self._roster.serving

    @property
    def everyone(self) -> tuple[SlotHandle, ...]:
        """All workers, those that are leaving too, as they were a moment ago."""
        return self._roster.handles

    @property
    def stopping(self) -> bool:
        """It was told to stop, or gives up: whoever ends now is not replaced."""
        return self._roster.stopping

    # -- the thread of it --------------------------------------------------------------------------------------------

    def _adopt(
        self, launcher: SlotLauncher, handles: tuple[SlotHandle, ...], on_adopted: Callable[[], None] | None, now: float
    ) -> None:
        too_late = self._roster.stopping
        self._roster.adopt(launcher, handles, now)
        if on_adopted is not None and not too_late:
            on_adopted()

    def run(self) -> None:
        """Start the workers and watch over them until all have ended; blocks.

        Raises:
            WorkersFailed: a worker could not be started, or did not stay up. What a thread raised is its cause.
        """
        roster = self._roster
        roster.start(time.monotonic())
        told = False
        while not roster.finished:
            if roster.started and not told and not roster.stopping:
                told = True
                if self._on_started is not None:
                    self._on_started()
            now = time.monotonic()
            due = roster.tick(now)
            if not roster.finished:
                self._handle_events(max(due - time.monotonic(), 0))
        if roster.failure is not None:
            raise WorkersFailed(roster.failure_message, roster.failure) from roster.failure.exception

    def _handle_events(self, seconds: float) -> None:
        """Wait for an event, at most this long, and handle all that have come."""
        try:
            event = self._events.get(timeout=seconds)
            while True:
                event(time.monotonic())
                event = self._events.get_nowait()
        except queue.Empty:
            return

    def _report_stall(self, handle: SlotHandle) -> None:
        """In a thread of its own: a process has some seconds for its answer, and nobody else shall wait for that."""
        threading.Thread(target=self._tell_stack, args=(handle,), name="pounce-stall-report", daemon=True).start()

    def _tell_stack(self, handle: SlotHandle) -> None:
        seconds = time.monotonic() - handle.last_beat
        logger.error(
            "worker %d (%s): its event loop has not turned for %.1f s. It is in:\n%s",
            handle.worker_id,
            handle.kind,
            seconds,
            handle.stack(),
        )
        self._events.put(functools.partial(self._roster.reported, handle))
