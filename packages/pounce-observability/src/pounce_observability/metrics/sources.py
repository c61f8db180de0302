"""Numbers that others count: asked for when somebody reads the metrics.

A source is a callable that gives a `Reading` for each number it has. Its counters may begin anew, with other code or
another worker, and it may be taken away: what it had counted stays.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, NamedTuple

from .catalogue import family_of_sample
from .exact import Exact, exact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Reading", "Source", "SourceState"]

_error_log = logging.getLogger("pounce.error")


class Reading(NamedTuple):
    """A number of now."""

    name: str
    """As it is shown: ``pounce_rate_limited_requests_total``, or with ``_sum`` or ``_count`` of a summary."""
    value: float
    labels: tuple[tuple[str, str], ...] = ()
    """Names and values, in the order of the catalogue."""


Source = "Callable[[], Iterable[Reading]]"
_Key = tuple[str, tuple[tuple[str, str], ...]]


class SourceState:
    """What is known of a source. Guarded by the lock of who has it."""

    __slots__ = ("_failed", "_last", "_read", "before")

    def __init__(self, read: Callable[[], Iterable[Reading]]) -> None:
        self._read = read
        self._failed = False
        self._last: dict[_Key, Exact] = {}
        self.before: dict[_Key, Exact] = {}
        """What its counters had reached when they began anew."""

    def read(self) -> dict[_Key, Exact]:
        """All its numbers: counters as of the latest reading that could be had, gauges of now.

        A source that raises is named in the log once, and has no gauges.
        """
        gauges: dict[_Key, Exact] = {}
        try:
            for reading in self._read():
                self._take(reading, gauges)
            self._failed = False
        except Exception:  # noqa: BLE001 - a foreign callable, which must not cost the other numbers
            if not self._failed:
                _error_log.exception("A source of metrics raised: %r", self._read)
            self._failed = True
        return {**self.counters(), **gauges}

    def counters(self) -> dict[_Key, Exact]:
        """What its counters have reached."""
        return {key: self.before.get(key, 0) + value for key, value in self._last.items()}

    def _take(self, reading: Reading, gauges: dict[_Key, Exact]) -> None:
        family = family_of_sample(reading.name)
        if tuple(name for name, _ in reading.labels) != family.labels:
            raise ValueError(f"{reading.name}: its labels are {family.labels}")
        key = (reading.name, reading.labels)
        value = exact(reading.value)
        if family.kind == "gauge":
            gauges[key] = value
            return
        last = self._last.get(key, 0)
        if value < last:
            self.before[key] = self.before.get(key, 0) + last
        self._last[key] = value
