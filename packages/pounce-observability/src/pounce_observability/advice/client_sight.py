"""Whether a stop of the whole process keeps somebody waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .contracts import WatchedLoop, WatchedWorker

__all__ = ["ClientSight"]


class _Count(NamedTuple):
    loops: int
    served: int
    closed: int

    def grew(self, before: _Count | None) -> bool:
        """Requests were served since. A worker whose loop has ended counts a last time, which is none."""
        if before is None or self.loops != before.loops:
            return False
        return self.served > before.served or self.closed > before.closed


class ClientSight:
    """Looks at all workers of a process, time and again. Used by one thread."""

    def __init__(self) -> None:
        self._counts: dict[int, _Count] = {}  # by the worker's identity, which is not kept alive by that

    def look(self, workers: Iterable[tuple[WatchedWorker, Sequence[WatchedLoop]]]) -> bool:
        """Whether a worker that goes on serving has a client, or had one since the last look. While it starts or stops
        nobody waits for what it does. The loops that are given are those of the worker that can be watched.
        """
        before, self._counts = self._counts, {}
        found = False
        for worker, loops in workers:
            key = id(worker)
            closed = sum(loop.requests_of_closed for loop in loops)
            count = self._counts[key] = _Count(len(loops), worker.requests_served, closed)
            calm = not loops or any(loop.calm for loop in loops)
            if calm and (worker.load or count.grew(before.get(key))):
                found = True
        return found
