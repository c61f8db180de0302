"""What a server knows about itself, for those who ask whether to send it requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["Health"]


class Health:
    """Of one process. Any thread may ask it; whoever knows tells it."""

    def __init__(self, stall_timeout: float) -> None:
        """``stall_timeout``: seconds after which a loop that has not turned counts as stalled."""
        self.draining: Callable[[], bool] = lambda: False
        """Whether a stop has begun."""
        self.turning: Callable[[float], bool] = lambda _within: True
        """Whether the loop of every worker has turned within so many seconds."""
        self._stall_timeout = stall_timeout

    def ready(self) -> bool:
        """Whether requests should be sent here. Who can answer has started up."""
        return not self.reasons()

    def reasons(self) -> Sequence[str]:
        """Why not."""
        if self.draining():
            return ["draining"]  # workers that have been told to end are not looked after any more
        return [] if self.turning(self._stall_timeout) else ["a worker is stalled"]
