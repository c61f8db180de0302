"""Which requests are logged."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pounce_asgi import ResponseCompleted

    from .settings import AccessLogSettings

__all__ = ["wanted"]


def wanted(
    settings: AccessLogSettings, quiet_paths: Iterable[bytes] = (), *, chance: Callable[[], float] | None = None
) -> Callable[[ResponseCompleted], bool] | None:
    """What tells whether a request is logged; None if all are.

    ``quiet_paths`` are left out besides those of the settings. ``chance`` gives numbers from 0 up to 1, for sampling.
    """
    if settings.access_log_sample < 1:
        return _Sample(settings, quiet_paths, chance or random.Random().random).wants  # noqa: S311 - no secret
    excluded = _Excluded(settings, quiet_paths)
    return excluded.wants if excluded else None


class _Excluded:
    """Paths and statuses that are left out, in a form that is quick to ask. Immutable, so threads may share it."""

    __slots__ = ("_paths", "_prefixes", "_statuses")

    def __init__(self, settings: AccessLogSettings, quiet_paths: Iterable[bytes]) -> None:
        patterns = [path.encode() for path in settings.access_log_exclude]
        exact = (pattern for pattern in patterns if not pattern.endswith(b"*"))
        self._paths = frozenset([*exact, *quiet_paths])
        self._prefixes = tuple(pattern[:-1] for pattern in patterns if pattern.endswith(b"*"))
        self._statuses = frozenset(
            number for status in settings.access_log_exclude_status for number in _numbers(status)
        )

    def __bool__(self) -> bool:
        return bool(self._paths or self._prefixes or self._statuses)

    def wants(self, record: ResponseCompleted) -> bool:
        """Whether the request is not left out."""
        path = record.raw_path
        if path in self._paths or record.status in self._statuses:
            return False
        # A path that climbs out of the folder again (/static/../admin) is not one of those below it.
        return not (self._prefixes and path.startswith(self._prefixes) and b".." not in path)


class _Sample(_Excluded):
    """The same, and of the others only a share. Failures are all in it."""

    __slots__ = ("_chance", "_share")

    def __init__(self, settings: AccessLogSettings, quiet_paths: Iterable[bytes], chance: Callable[[], float]) -> None:
        super().__init__(settings, quiet_paths)
        self._share = settings.access_log_sample
        self._chance = chance

    def wants(self, record: ResponseCompleted) -> bool:
        """Whether the request is not left out, and failed or is one of the share."""
        return super().wants(record) and (record.status >= 500 or record.aborted or self._chance() < self._share)


def _numbers(status: str) -> Iterable[int]:
    """Those that ``304`` or ``2xx`` stands for."""
    if status.endswith("xx"):
        first = int(status[0]) * 100
        return range(first, first + 100)
    return (int(status),)
