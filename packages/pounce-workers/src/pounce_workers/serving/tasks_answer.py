"""The answer to what is in flight, put together from loops and from threads."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

from pounce_workers.serving.loop_look import Sight, chosen_on, requests_from_outside, requests_on
from pounce_workers.serving.loop_questions import ask_loops
from pounce_workers.serving.request_sketch import sketch_request
from pounce_workers.serving.stack_lines import shown_stack
from pounce_workers.serving.thread_stacks import is_idle, stacks_of
from pounce_workers.serving.worker_sketch import age_of, rounded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_workers.serving.loop_questions import Reply
    from pounce_workers.serving.request_sketch import Look
    from pounce_workers.serving.served_loop import ServedLoop
    from pounce_workers.serving.sync_worker import SyncWorker
    from pounce_workers.serving.sync_worker_pool import SyncWorkerPool

__all__ = ["TasksAnswer"]


class TasksAnswer:
    """The answer to "tasks" as it is put together. Owned by the thread that answers."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._requests: list[dict[str, Any]] = []
        self._total = 0
        self._others: list[dict[str, Any]] = []
        self._others_total = 0
        self._loops: list[dict[str, Any]] = []
        self._known = {threading.get_ident(), threading.main_thread().ident or 0}
        """Threads that need not be told of as well."""
        self._in_threads: list[tuple[dict[str, Any], int]] = []
        """Whose stack is that of a thread, and of which."""

    def add_blocking(self, pool: SyncWorkerPool) -> None:
        """The requests of blocking workers: each has its thread."""
        self._known.add(pool.thread_id)
        for worker in pool.workers:
            self._known.add(worker.thread_id)
            sketch = _blocking_request(worker, self._look)
            if sketch is not None:
                self._total += 1
                self._requests.append(sketch)
                self._in_threads.append((sketch, worker.thread_id))

    def add_loops(self, worker_id: int, loops: Sequence[ServedLoop]) -> None:
        """The requests of loops: each is asked what those wait in that are worth it."""
        chosen = {id(served.server): chosen_on(served, self._look) for served in loops}

        def look(served: ServedLoop) -> Sight:
            return requests_on(served, self._look, chosen[id(served.server)])

        for reply in ask_loops(loops, look, self._look.timeout):
            self._add_loop(worker_id, reply)

    def _add_loop(self, worker_id: int, reply: Reply[Sight]) -> None:
        """What a loop has seen, or what is seen of it from outside."""
        served = reply.served
        self._known.add(served.thread_id)
        sight = reply.seen
        if sight is None:  # chosen anew: what holds it may have begun since
            sight = requests_from_outside(served, self._look, chosen_on(served, self._look))
        sketch = {
            "worker_id": worker_id,
            "role": served.role,
            "thread_id": served.thread_id,
            "answers": reply.seen is not None,
            "lag": rounded(reply.lag),
            "beat_age": age_of(served.beat),
            "stack": None,
        }
        if reply.seen is None:
            self._in_threads.append((sketch, served.thread_id))
            self._in_threads += [(one, served.thread_id) for one in sight.members if one["state"] == "running"]
        self._loops.append(sketch)
        self._requests += sight.members
        self._total += sight.total
        self._others += sight.others
        self._others_total += sight.others_total

    def value(self) -> dict[str, Any]:
        """As JSON."""
        look = self._look
        names = {thread.ident or 0: thread.name for thread in threading.enumerate()}
        self._requests.sort(key=lambda one: -(one.get("age") or 0.0))
        requests, others = self._requests[: look.limit], self._others[: look.limit]
        further = [one for one in names if one not in self._known and _is_applications(names[one])]
        threads = self._give_stacks(further if look.others else [])
        for one in (*requests, *others, *self._loops):
            one["stack"] = shown_stack(one["stack"])
        for loop in self._loops:
            loop["thread"] = names.get(loop["thread_id"], "")
        shown = [
            {"name": names[one], "thread_id": one, "stack": shown_stack(stack)} for one, stack in threads[: look.limit]
        ]
        return {
            "pid": os.getpid(),
            "total": self._total,
            "left_out": self._total - len(requests),
            "requests": requests,
            "loops": self._loops,
            "others": others,
            "others_left_out": self._others_total - len(others),
            "threads": shown,
            "threads_left_out": len(threads) - len(shown),
        }

    def _give_stacks(self, further: list[int]) -> list[tuple[int, Any]]:
        """Look at all threads that matter, at once; returns what further threads are doing that do anything."""
        if not self._look.stacks:
            return []
        stacks = stacks_of([*(thread_id for _, thread_id in self._in_threads), *further])
        for sketch, thread_id in self._in_threads:
            sketch["stack"] = stacks.get(thread_id)
        return [(one, stacks[one]) for one in further if one in stacks and not is_idle(stacks[one])]


def _blocking_request(worker: SyncWorker, look: Look) -> dict[str, Any] | None:
    connection, since = worker.connection, worker.busy_since
    exchange = connection.exchange if connection is not None else None
    if exchange is None:
        return None
    sketch = sketch_request(exchange, look)
    if sketch["age"] is None and since is not None:
        sketch["age"] = age_of(since)
    return sketch | {"task": worker.name, "state": "running", "waiting_for": None, "stack": None}


def _is_applications(name: str) -> bool:
    """Whether a thread of this name may run what an application gave it: the server's own do not."""
    return (
        not name.startswith("pounce-") or "-executor" in name or name.startswith(("pounce-blocking", "pounce-lifted"))
    )
