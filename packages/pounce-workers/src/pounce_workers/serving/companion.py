"""An async worker beside a pool of blocking ones, for the connections that need an event loop: HTTP/2 and HTTP/3."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from pounce_workers.serving.served_loop import ServedLoop
    from pounce_workers.serving.worker import Worker

__all__ = ["Companion"]

logger = logging.getLogger("pounce.worker")

START_SECONDS: Final = 5.0
"""For a loop to be ready that calls no application before; a millisecond is usual."""


class Companion:
    """A worker in a thread of its own. Every method is for any thread."""

    def __init__(self, new_worker: Callable[[Callable[[], None]], Worker], *, at_once: bool = False) -> None:
        """``new_worker`` makes it, given what it is to call once it serves. Connections are handed over to it. It
        begins with the first of them; ``at_once`` when the pool begins, because clients come to it by themselves.
        """
        self._at_once = at_once
        self.on_ending: Callable[[BaseException], None] | None = None
        """Called, in the worker's thread, when an application ends the process."""
        self._new_worker = new_worker
        self._lock = threading.Lock()  # guards what follows
        self._worker: Worker | None = None
        self._thread: threading.Thread | None = None
        self._stops = 0
        self._retiring = False

    @property
    def load(self) -> int:
        """Connections that it has."""
        worker = self._worker
        return worker.load if worker is not None else 0

    @property
    def requests_served(self) -> int:
        """Requests that it has begun to answer."""
        worker = self._worker
        return worker.requests_served if worker is not None else 0

    @property
    def served_loops(self) -> tuple[ServedLoop, ...]:
        """Its worker's, to be inspected."""
        worker = self._worker
        return worker.served_loops if worker is not None else ()

    def begin(self) -> None:
        """The pool begins."""
        if self._at_once:
            self._started()

    def hand_over(
        self, sock: socket.socket, peer: tuple[str, int] | None, local: tuple[str, int | None] | None
    ) -> bool:
        """Take this connection. False: it takes none any more, or too many wait."""
        worker = self._started()
        return worker is not None and worker.hand_over(sock, peer, local)

    def retire(self) -> None:
        """End when the work is done."""
        with self._lock:
            self._retiring = True
            worker = self._worker
        if worker is not None:
            worker.retire()

    def request_stop(self) -> None:
        """Stop: gracefully at the first call, at once at the second."""
        with self._lock:
            self._stops += 1
            worker = self._worker
        if worker is not None:
            worker.request_stop()

    def is_alive(self) -> bool:
        """It has begun, and not ended."""
        thread = self._thread
        return thread is not None and thread.is_alive()

    def join(self, seconds: float) -> bool:
        """Wait for its end, for so long at most; whether it has come."""
        thread = self._thread
        if thread is not None:
            thread.join(seconds)
        return not self.is_alive()

    def _started(self) -> Worker | None:
        with self._lock:
            if self._worker is None and not self._stops and not self._retiring:
                serving = threading.Event()
                worker = self._new_worker(serving.set)
                self._thread = threading.Thread(target=self._run, args=(worker,), name="pounce-companion", daemon=True)
                self._thread.start()
                if serving.wait(START_SECONDS):
                    self._worker = worker
                else:
                    worker.request_stop()
                    logger.error("The event loop beside the pool did not begin within %g seconds", START_SECONDS)
            return self._worker

    def _run(self, worker: Worker) -> None:
        try:
            worker.run()
        except Exception:
            logger.exception("The event loop beside the blocking workers failed")
        except BaseException as ending:  # noqa: BLE001 - the process ends, but from the thread that runs the pool
            if self.on_ending is not None:
                self.on_ending(ending)
