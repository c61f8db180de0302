"""Workers as threads of this process."""

from __future__ import annotations

import contextvars
import logging
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Final

from pounce_workers.supervision.slots import SlotExit

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_workers.supervision.slots import MoveTo, SlotCallback, SlotKind, WorkerLike

__all__ = ["ThreadSlot", "ThreadSlotLauncher"]

logger = logging.getLogger("pounce.supervisor")


class ThreadSlot:
    """A worker in a thread. See `SlotHandle` for what its members mean."""

    kind: Final[SlotKind] = "thread"
    rss: Final = None

    def __init__(
        self,
        make: Callable[[int, Callable[[], None]], WorkerLike],
        worker_id: int,
        generation: int,
        *,
        on_ready: SlotCallback,
        on_exit: SlotCallback,
    ) -> None:
        self.worker_id = worker_id
        self.generation = generation
        self._make = make
        self._on_ready = on_ready
        self._on_exit = on_exit
        self._born = time.monotonic()
        # Guards what follows. Reentrant: a signal handler may stop the worker while this thread holds it.
        self._lock = threading.RLock()
        self._worker: WorkerLike | None = None
        self._exit: SlotExit | None = None
        self._stops_wanted = 0
        self._stops_sent = 0
        self._retire: Callable[[WorkerLike], None] | None = None
        self._told_to_end = False
        self._start: Callable[[Callable[[], None]], None] | None = None
        # A daemon, so that one which does not end can be left behind.
        self._thread = threading.Thread(
            target=lambda: contextvars.Context().run(self._run), name=f"pounce-worker-{worker_id}", daemon=True
        )

    def start(self) -> None:
        """Begin.

        Raises:
            RuntimeError: the system allows no further thread.
        """
        if self._start is not None:
            self._start(self._run_here)
        else:
            self._thread.start()

    def start_with(self, start: Callable[[Callable[[], None]], None]) -> None:
        """Be run by a thread that is there already: ``start`` has it call what it is given."""
        self._start = start

    def _run_here(self) -> None:
        self._thread = threading.current_thread()
        self._run()

    @property
    def worker(self) -> WorkerLike | None:
        """The worker, once it is made."""
        return self._worker

    @property
    def exit(self) -> SlotExit | None:
        """How it ended; None while it lives."""
        return self._exit

    @property
    def last_beat(self) -> float:
        """When its loop last turned."""
        worker = self._worker
        return max(self._born, worker.beat) if worker is not None else self._born

    @property
    def load(self) -> int:
        """Connections that it holds."""
        worker = self._worker
        return worker.load if worker is not None else 0

    @property
    def requests_served(self) -> int:
        """Requests that it has answered."""
        worker = self._worker
        return worker.requests_served if worker is not None else 0

    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self._exit is None

    def retire(self, move_to: MoveTo | None = None) -> None:
        """Finish without being in a hurry."""
        with self._lock:
            self._told_to_end = True
            if self._worker is None:
                self._retire = lambda worker: worker.retire(move_to)
            else:
                self._worker.retire(move_to)

    def drain(self) -> None:
        """Finish what is in flight, then end."""
        self._stop(1)

    def stop_now(self) -> None:
        """End at once."""
        self._stop(2)

    def kill(self) -> None:
        """Log what it is doing and give it up."""
        if self.is_alive():
            logger.error("%s does not end and is left behind, in:\n%s", self._thread.name, self.stack())
            self._ended(SlotExit(expected=False, abandoned=True))

    def stack(self) -> str:
        """What it is doing now."""
        frame = sys._current_frames().get(self._thread.ident or 0)
        return "".join(traceback.format_stack(frame)).rstrip() if frame is not None else "  (it does not run)"

    def _stop(self, times: int) -> None:
        with self._lock:
            self._told_to_end = True
            self._stops_wanted = max(self._stops_wanted, times)
            self._pass_on()

    def _pass_on(self) -> None:
        """Tell the worker what it has not heard yet. A second request would mean more than the first: none is sent
        twice."""
        worker = self._worker
        while worker is not None and self._stops_sent < self._stops_wanted:
            self._stops_sent += 1
            worker.request_stop()

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            worker = self._make(self.worker_id, self._ready)
            with self._lock:
                self._worker = worker
                if self._retire is not None:
                    self._retire(worker)
                self._pass_on()
            worker.run()
        except BaseException as raised:  # noqa: BLE001 - however it ends, it is told
            error = raised
        text = "" if error is None else "".join(traceback.format_exception_only(error)).strip()
        self._ended(SlotExit(expected=self._told_to_end and error is None, error=text, exception=error))

    def _ready(self) -> None:
        if self._exit is None:  # else it was given up before
            self._on_ready(self)

    def _ended(self, how: SlotExit) -> None:
        with self._lock:
            if self._exit is not None:
                return  # given up before
            self._exit = how
        self._on_exit(self)


class ThreadSlotLauncher:
    """Starts workers as threads, for one generation."""

    kind: Final[SlotKind] = "thread"

    def __init__(self, make: Callable[[int, Callable[[], None]], WorkerLike], *, generation: int = 1) -> None:
        """``make(worker_id, on_started)`` makes a worker. It is called in the worker's own thread."""
        self._make = make
        self.generation = generation

    def start(self, worker_id: int, *, on_ready: SlotCallback, on_exit: SlotCallback) -> ThreadSlot:
        """Start a worker.

        Raises:
            RuntimeError: the system allows no further thread.
        """
        slot = self.new_slot(worker_id, on_ready=on_ready, on_exit=on_exit)
        slot.start()
        return slot

    def new_slot(self, worker_id: int, *, on_ready: SlotCallback, on_exit: SlotCallback) -> ThreadSlot:
        """The slot, not started."""
        return ThreadSlot(self._make, worker_id, self.generation, on_ready=on_ready, on_exit=on_exit)
