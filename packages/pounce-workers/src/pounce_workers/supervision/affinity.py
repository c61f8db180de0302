"""How many processors there are to use, and which of them a worker stays on."""

from __future__ import annotations

import math
import os
import sys
from typing import TYPE_CHECKING

from pounce_asgi import ConfigError
from pounce_workers.supervision.cpu_quota import cpu_quota

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["allowed_cpus", "available_cpus", "cpu_for", "pin_worker", "worker_count"]


def available_cpus() -> int:
    """Processors that this process can keep busy: at least 1.

    Of those that the machine has, those in the process's own mask (taskset, a cpuset), and no more than its control
    group grants time for. Part of a CPU counts as one: with a quota of 1.5, one worker alone would leave a third of it
    unused. ``-X cpu_count`` and PYTHON_CPU_COUNT (Python 3.13 and later) count instead of the mask.
    """
    cpus = _cpus_of_process()
    quota = cpu_quota() if sys.platform == "linux" else None
    return max(1, cpus if quota is None else min(cpus, math.ceil(quota)))


def worker_count(asked: int) -> int:
    """How many workers to start: as many as asked for, and for 0 (``auto``) one for each available CPU."""
    return asked or available_cpus()


def allowed_cpus() -> tuple[int, ...]:
    """The numbers of the CPUs in this thread's mask, in order: what `pin_worker` chooses from.

    To be asked once, before any worker is pinned: a thread that is pinned has a mask of one, and hands it on to every
    thread and process that it starts.

    Raises:
        ConfigError: the system does not let a program choose.
    """
    if sys.platform != "linux":
        raise ConfigError("cpu_affinity works on Linux only; leave the option out here")
    return tuple(sorted(os.sched_getaffinity(0)))


def cpu_for(worker_id: int, cpus: Sequence[int]) -> int:
    """The CPU of a worker: the workers take turns. A successor with the same id gets the same CPU."""
    return cpus[worker_id % len(cpus)]


def pin_worker(worker_id: int, cpus: Sequence[int]) -> int:
    """Keep the calling thread on the CPU of a worker, and return its number.

    To be called in the worker's own thread, or in its process before that has other threads: what is started from
    there on, executors' threads and child processes, stays on that CPU as well.

    Raises:
        ConfigError: the system does not let a program choose.
        OSError: the CPU has been taken away since `allowed_cpus` was asked.
    """
    if sys.platform != "linux":
        raise ConfigError("cpu_affinity works on Linux only; leave the option out here")
    cpu = cpu_for(worker_id, cpus)
    os.sched_setaffinity(0, {cpu})  # sched_setaffinity(2): 0 is the calling thread, not the process
    return cpu


def _cpus_of_process() -> int:
    if sys.version_info >= (3, 13):
        return os.process_cpu_count() or 1
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # pragma: no cover - macOS and Windows before 3.13
