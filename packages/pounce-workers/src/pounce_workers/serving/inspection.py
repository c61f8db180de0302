"""What the workers of one process tell of themselves: four questions, answered in JSON by any thread.

Nothing is kept for it while requests are served. Each loop is asked to look at its own connections and tasks; one that
does not answer in time is held up by an application, and then what its thread is doing says more than any of that.
"""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pounce_workers.serving.connection_sketch import exchanges_of, sketch_connection
from pounce_workers.serving.loop_look import Sight, connections_on, count_running
from pounce_workers.serving.loop_questions import ask_loops
from pounce_workers.serving.request_sketch import Look
from pounce_workers.serving.sync_worker_pool import SyncWorkerPool
from pounce_workers.serving.tasks_answer import TasksAnswer
from pounce_workers.serving.worker_sketch import sketch_worker
from pounce_workers.supervision.memory import resident_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pounce_workers.serving.live_worker import LiveWorker
    from pounce_workers.serving.loop_questions import Reply
    from pounce_workers.serving.served_loop import ServedLoop
    from pounce_workers.supervision.slots import WorkerLike

__all__ = ["Inspection"]

LAG_WAIT: Final = 0.25
"""Seconds for loops to answer how far they lag: longer is no matter of lag."""


class Inspection:
    """Of one process. Its answers may be given in any thread but those of the loops that are asked."""

    def __init__(self, workers: Callable[[], Iterable[LiveWorker]], *, version: str = "") -> None:
        """``workers()`` are those that live now, from any thread; ``version`` is that of the server."""
        self._workers = workers
        self._version = version
        self._began = time.monotonic()

    @property
    def answers(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """By the names of the questions."""
        return {
            "info": self.info,
            "workers": self.workers,
            "connections": self.connections,
            "tasks": self.tasks,
        }

    # -- the questions -----------------------------------------------------------------------------------------------

    def info(self, _arguments: dict[str, Any]) -> dict[str, Any]:
        """What this process is."""
        return self._process() | {
            "version": self._version,
            "python": platform.python_version(),
            "implementation": platform.python_implementation(),
            "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
            "platform": platform.platform(),
            "threads": threading.active_count(),
        }

    def workers(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Its workers, and whether their loops turn."""
        look = Look.of({"timeout": LAG_WAIT} | arguments)
        live = list(self._workers())
        loops = [(one, served) for one in live for served in _loops(one.worker)]
        replies = ask_loops([served for _, served in loops], count_running, look.timeout)
        names = {thread.ident or 0: thread.name for thread in threading.enumerate()}
        by_worker: dict[int, list[Reply[int]]] = {}
        for (one, _), reply in zip(loops, replies, strict=True):
            by_worker.setdefault(id(one.worker), []).append(reply)
        return self._process() | {
            "workers": [sketch_worker(one, by_worker.get(id(one.worker), []), names) for one in live],
        }

    def connections(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The connections of its workers; those that are not idle first."""
        look = Look.of(arguments)
        found: list[dict[str, Any]] = []
        total = handshakes = 0
        for one in self._workers():
            if isinstance(one.worker, SyncWorkerPool):
                sight = _blocking_connections(one, look)
                found += sight.members
                total += sight.total
                handshakes += one.worker.entering
            see = partial(connections_on, worker_id=one.worker_id, limit=look.limit)
            for reply in ask_loops(_loops(one.worker), see, look.timeout):
                seen = reply.seen or see(reply.served)
                found += seen.members
                total += seen.total
                handshakes += reply.served.server.entering
        found.sort(key=lambda one: (one["state"] == "idle", one["connection_id"]))
        shown = found[: look.limit]
        return {
            "pid": os.getpid(),
            "total": total,
            "handshakes": handshakes,
            "left_out": total - len(shown),
            "connections": shown,
        }

    def tasks(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The requests in flight, the oldest first, and what each waits in."""
        look = Look.of(arguments)
        answer = TasksAnswer(look)
        for one in self._workers():
            if isinstance(one.worker, SyncWorkerPool):
                answer.add_blocking(one.worker)
            answer.add_loops(one.worker_id, _loops(one.worker))
        return answer.value()

    def _process(self) -> dict[str, Any]:
        is_enabled = getattr(sys, "_is_gil_enabled", None)
        return {
            "pid": os.getpid(),
            "gil": True if is_enabled is None else bool(is_enabled()),
            "rss": resident_memory(),
            "cpu": round(time.process_time(), 6),
            "uptime": round(time.monotonic() - self._began, 6),
        }


def _loops(worker: WorkerLike) -> tuple[ServedLoop, ...]:
    found: tuple[ServedLoop, ...] = getattr(worker, "served_loops", ())
    return found


def _blocking_connections(one: LiveWorker, look: Look) -> Sight:
    pool = one.worker
    assert isinstance(pool, SyncWorkerPool)
    members = list(pool.connections)  # as they are now: its iterator takes the lock
    members.sort(key=lambda each: (not exchanges_of(each) and each.idle, each.peer.connection_id))
    return Sight([sketch_connection(each, one.worker_id) for each in members[: look.limit]], len(members), [])
