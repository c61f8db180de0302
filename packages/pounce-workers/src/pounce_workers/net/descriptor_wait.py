"""Waiting for one descriptor, in a thread that has nothing else to do."""

from __future__ import annotations

import math
import select

__all__ = ["wait_readable", "wait_writable"]

if hasattr(select, "poll"):

    def wait_readable(fd: int, timeout: float) -> bool:
        """Wait until a read would not block, for so many seconds at most. False when that time has passed."""
        return _wait(fd, select.POLLIN, timeout)

    def wait_writable(fd: int, timeout: float) -> bool:
        """Wait until a write would not block, for so many seconds at most. False when that time has passed."""
        return _wait(fd, select.POLLOUT, timeout)

    def _wait(fd: int, mask: int, timeout: float) -> bool:
        poll = select.poll()
        poll.register(fd, mask)
        # Rounded up: a wait that ends a fraction of a millisecond early would be repeated at full speed.
        return bool(poll.poll(math.ceil(max(timeout, 0) * 1000)))

else:  # pragma: no cover - Windows

    def wait_readable(fd: int, timeout: float) -> bool:
        """Wait until a read would not block, for so many seconds at most. False when that time has passed."""
        return bool(select.select([fd], (), (), max(timeout, 0))[0])

    def wait_writable(fd: int, timeout: float) -> bool:
        """Wait until a write would not block, for so many seconds at most. False when that time has passed."""
        return any(select.select((), [fd], [fd], max(timeout, 0)))
