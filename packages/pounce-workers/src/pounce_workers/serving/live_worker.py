"""A worker of this process, for those who look at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from pounce_workers.supervision.slots import SlotKind, WorkerLike

__all__ = ["LiveWorker"]


class LiveWorker(NamedTuple):
    """A worker of this process."""

    worker_id: int
    generation: int
    kind: SlotKind
    worker: WorkerLike
