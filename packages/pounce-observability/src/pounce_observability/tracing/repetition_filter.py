"""Says once a minute what a library would say every few seconds, such as that a collector cannot be reached."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["RepetitionFilter"]

PERIOD: Final = 60.0
"""Seconds in which the same message passes once."""

MOST_MESSAGES: Final = 100
"""Remembered ones; a library that puts arguments into its messages itself would make any number of them."""


class RepetitionFilter(logging.Filter):
    """Lets each message of a logger pass once in a period, and tells how often it was held back since."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lock = threading.Lock()  # guards the next
        self._held: dict[tuple[int, str], tuple[float, int]] = {}
        """When a message, before its arguments are put in, has passed, and how often it came since."""

    @classmethod
    def add_to(cls, loggers: Iterable[str]) -> None:
        """Give each of these loggers one, unless it has one."""
        for name in loggers:
            logger = logging.getLogger(name)
            if not any(isinstance(one, cls) for one in logger.filters):
                logger.addFilter(cls())

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record passes."""
        key = (record.levelno, str(record.msg))
        now = self._clock()
        with self._lock:
            passed, held = self._held.get(key, (-PERIOD, 0))
            if now - passed < PERIOD:
                self._held[key] = (passed, held + 1)
                return False
            if len(self._held) >= MOST_MESSAGES:
                self._held.clear()
            self._held[key] = (now, 0)
        if held:
            record.msg = f"{record.getMessage()} (and {held} times more since it was last said)"
            record.args = ()
        return True
