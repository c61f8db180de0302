"""kqueue (macOS and the BSDs) behind the interface of `pounce_workers.net.readiness`."""

from __future__ import annotations

import contextlib
import select
import sys
from typing import Final

from pounce_workers.net.readiness import READ, WRITE

__all__: Final = ["KqueueReadiness"]

# A type checker looks at one platform at a time, and kqueue is not on all of them.
if sys.platform != "win32" and sys.platform != "linux":

    class KqueueReadiness:
        """Two filters a descriptor, reading and writing, each added and deleted by itself."""

        __slots__ = ("_masks", "_queue")

        def __init__(self) -> None:
            self._queue = select.kqueue()
            self._masks: dict[int, int] = {}

        def register(self, fd: int, eventmask: int, /) -> None:
            """Watch a descriptor."""
            self._masks[fd] = 0
            self.modify(fd, eventmask)

        def modify(self, fd: int, eventmask: int, /) -> None:
            """Watch a descriptor for something else."""
            changed = self._masks[fd] ^ eventmask
            changes = []
            for bit, event_filter in ((READ, select.KQ_FILTER_READ), (WRITE, select.KQ_FILTER_WRITE)):
                if changed & bit:
                    flag = select.KQ_EV_ADD if eventmask & bit else select.KQ_EV_DELETE
                    changes.append(select.kevent(fd, event_filter, flag))
            if changes:
                self._queue.control(changes, 0, 0)
            self._masks[fd] = eventmask

        def unregister(self, fd: int, /) -> None:
            """Watch a descriptor no longer."""
            with contextlib.suppress(OSError):  # it may be closed already, which ends its filters
                self.modify(fd, 0)
            self._masks.pop(fd, None)

        def poll(self, timeout: float | None = None, maxevents: int = -1, /) -> list[tuple[int, int]]:
            """Wait until something is ready. One descriptor may be reported twice, once for each direction."""
            if timeout is not None and timeout < 0:
                timeout = None
            limit = maxevents if maxevents > 0 else max(len(self._masks) * 2, 1)
            events = self._queue.control(None, limit, timeout)
            return [(event.ident, READ if event.filter == select.KQ_FILTER_READ else WRITE) for event in events]

        def close(self) -> None:
            """Close the queue's own descriptor."""
            self._queue.close()
