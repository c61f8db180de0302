"""A store that does not answer: when to ask it again, and how to say so without filling the log."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["StoreAway", "StoreOutage"]

PAUSE: Final = 1.0
"""Seconds after a failure in which nobody asks: with a time-out of a quarter of a second, one request of each second
waits for it."""

SAY_EVERY: Final = 10.0
"""Seconds between two lines of the log."""

logger = logging.getLogger("pounce.error")


class StoreAway(Exception):  # noqa: N818 - the name says what happened
    """Nobody can tell whether a request is within its limit, and the limit is to hold even so."""

    def __init__(self, retry_after: float) -> None:
        super().__init__("the store of the rate limit does not answer")
        self.retry_after = retry_after
        """Seconds until it is asked again."""


class StoreOutage:
    """Whether a store is away. Shared by all threads; all that changes is guarded by the lock, except that ``is_on``
    is read without it: it is one flag, and to see it late costs one more question.
    """

    def __init__(self, place: str, clock: Callable[[], float] = time.monotonic) -> None:
        """``place`` is what the log calls it."""
        self.pause = PAUSE
        self.is_on = False
        self._place = place
        self._clock = clock
        self._lock = threading.Lock()
        self._ask_at = 0.0
        self._say_at = 0.0
        self._uncounted = 0

    def may_ask(self) -> bool:
        """Whether this request should ask the store: all while it answers, one of each pause while it is away."""
        if not self.is_on:
            return True
        with self._lock:
            now = self._clock()
            if now < self._ask_at:
                return False
            self._ask_at = now + self.pause
            return True

    def failed(self, error: BaseException) -> None:
        """It did not answer."""
        with self._lock:
            now = self._clock()
            self._ask_at = now + self.pause
            self.is_on = True
            if now < self._say_at:
                return
            self._say_at = now + SAY_EVERY
            uncounted, self._uncounted = self._uncounted, 0
        why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        logger.error(
            "The store of the rate limit at %s does not answer (%s); decided without it since the last line: %d",
            self._place, why, uncounted,
        )  # fmt: skip

    def count(self) -> None:
        """A request was decided without it."""
        with self._lock:
            self._uncounted += 1

    def over(self) -> None:
        """It answers again."""
        with self._lock:
            if not self.is_on:
                return
            self.is_on = False
            self._say_at = 0.0
            uncounted, self._uncounted = self._uncounted, 0
        logger.warning(
            "The store of the rate limit at %s answers again; decided without it since the last line: %d",
            self._place, uncounted,
        )  # fmt: skip
