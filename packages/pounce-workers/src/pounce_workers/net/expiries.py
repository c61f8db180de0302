"""When certificates expire."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_workers.net.certificate import Certificate

__all__ = ["Expiries"]


class Expiries:
    """The ends of some certificates, each of which is told once when it has passed."""

    def __init__(self, certificates: Iterable[Certificate]) -> None:
        self._waiting = sorted(certificates, key=lambda one: one.not_after, reverse=True)

    def passed(self, now: float) -> list[Certificate]:
        """Those that have expired since the last call; ``now`` is in seconds since 1970."""
        expired: list[Certificate] = []
        while self._waiting and self._waiting[-1].not_after.timestamp() < now:
            expired.append(self._waiting.pop())
        return expired
