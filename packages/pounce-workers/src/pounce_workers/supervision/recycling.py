"""When a worker has served enough and makes room for a fresh one. Pure: time and chance are passed in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    import random

    from pounce_workers.settings import WorkerSettings
    from pounce_workers.supervision.slots import SlotHandle

__all__ = ["Quota"]

MIB: Final = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What one worker may use up. Drawn at its birth, so that workers born together do not go together."""

    requests: int | None
    lifetime: float | None
    """Seconds since it began to serve."""
    rss: int | None
    """Bytes."""

    @classmethod
    def draw(cls, settings: WorkerSettings, chance: random.Random) -> Self:
        """The limits of the settings, each with its jitter."""
        requests, lifetime, rss = settings.limit_max_requests, settings.workers_lifetime, settings.workers_max_rss
        return cls(
            requests=None if requests is None else requests + chance.randint(0, settings.limit_max_requests_jitter),
            lifetime=None if lifetime is None else lifetime + chance.uniform(0, settings.workers_lifetime_jitter),
            rss=None if rss is None else rss * MIB,
        )

    def used_up(self, handle: SlotHandle, age: float) -> str | None:
        """What is used up, in words; None while nothing is. ``age``: seconds since it began to serve."""
        if self.requests is not None and handle.requests_served >= self.requests:
            return f"it has served {handle.requests_served} requests"
        if self.lifetime is not None and age >= self.lifetime:
            return f"it has served for {age:.0f} s"
        if self.rss is not None:
            rss = handle.rss
            if rss is not None and rss >= self.rss:
                return f"its memory has grown to {rss // MIB} MiB"
        return None
