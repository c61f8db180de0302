"""One worker and its threads, as JSON for whoever inspects it."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from pounce_workers.serving.loop_look import chosen_on, requests_from_outside
from pounce_workers.serving.request_sketch import Look
from pounce_workers.serving.sync_worker_pool import SyncWorkerPool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_workers.serving.live_worker import LiveWorker
    from pounce_workers.serving.loop_questions import Reply
    from pounce_workers.serving.sync_worker import SyncWorker

__all__ = ["age_of", "rounded", "sketch_worker"]


def sketch_worker(one: LiveWorker, replies: Sequence[Reply[int]], names: dict[int, str]) -> dict[str, Any]:
    worker = one.worker
    threads = [_loop_thread(reply, names) for reply in replies]
    busy = 0
    if isinstance(worker, SyncWorkerPool):
        blocking = [_blocking_thread(each) for each in worker.workers]
        busy = sum(each["busy"] is not None for each in blocking)
        threads = blocking + threads
        mode, thread_id = "sync", worker.thread_id
    else:
        mode = "async" if all(reply.served.role == "worker" for reply in replies) else "async_pool"
        thread_id = replies[0].served.thread_id if replies else 0
    lags = [reply.lag for reply in replies]
    return {
        "worker_id": one.worker_id,
        "generation": one.generation,
        "kind": one.kind,
        "mode": mode,
        "pid": os.getpid(),
        "thread_id": thread_id,
        "thread": names.get(thread_id, ""),
        "beat_age": age_of(worker.beat),
        "answers": None not in lags,
        "lag": rounded(max((lag for lag in lags if lag is not None), default=None)) if None not in lags else None,
        "connections": worker.load,
        "in_flight": busy + sum(_in_flight(reply) for reply in replies),
        "queued": getattr(worker, "queued", 0),
        "requests_served": worker.requests_served,
        "threads": threads,
    }


def _in_flight(reply: Reply[int]) -> int:
    # A loop that is held up by its current task may have begun that without having noted it yet.
    if reply.seen is not None:
        return reply.seen
    look = Look(limit=1)
    return requests_from_outside(reply.served, look, chosen_on(reply.served, look)).total


def _loop_thread(reply: Reply[int], names: dict[int, str]) -> dict[str, Any]:
    served = reply.served
    return {
        "name": names.get(served.thread_id, ""),
        "thread_id": served.thread_id,
        "role": served.role,
        "busy": age_of(served.busy_since or 0.0),
        "beat_age": age_of(served.beat),
        "answers": reply.seen is not None,
        "lag": rounded(reply.lag),
    }


def _blocking_thread(worker: SyncWorker) -> dict[str, Any]:
    return {
        "name": worker.name,
        "thread_id": worker.thread_id,
        "role": "sync",
        "busy": age_of(worker.busy_since or 0.0),
        "beat_age": None,
        "answers": True,
        "lag": None,
    }


def age_of(since: float) -> float | None:
    return round(time.monotonic() - since, 6) if since else None


def rounded(seconds: float | None) -> float | None:
    return round(seconds, 6) if seconds is not None else None
