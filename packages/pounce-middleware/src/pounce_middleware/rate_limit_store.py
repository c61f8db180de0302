"""Who has sent how much: token buckets in a table of fixed size.

A bucket holds ``burst`` tokens and gets one back every ``interval``. It is kept as one number, the time at which it
will be full again (the theoretical arrival time of the generic cell rate algorithm, ITU-T I.371): a request is let
through if its token makes this time no more than ``burst * interval`` from now. All times are whole nanoseconds of a
monotonic clock, so nothing is lost in rounding.

The table is an array of sets of 16 places, a key has its set by its hash, and a place is 16 bytes: the memory is there
from the start and never grows, and a request costs the same with one client and with a million. A bucket that is full
again needs no place. When a set has none left, a new key takes that which is nearest to being full, *together with
its time*: so no number in the table ever becomes smaller, whoever comes back finds at least the debt that he left, and
an attacker with many addresses cannot wash one of them clean. What it costs is that in a table too small for its
clients some begin with less than a full bucket.
"""

from __future__ import annotations

import threading
import time
from array import array
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from pounce_middleware.rate import NANOSECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["Decision", "MemoryRateStore", "RateStore"]

PLACES: Final = 16
"""In a set. With half of the table in use, one set of a thousand is full."""

SHARDS: Final = 64
"""Parts of the table, each with its lock: eight threads seldom meet at one."""

SHARD_BITS: Final = 6


class Decision(NamedTuple):
    """What becomes of one request."""

    allowed: bool
    remaining: int
    """Requests that would be let through at once after this one."""
    wait: float
    """Seconds until there is one more: what a refused client should wait."""


class RateStore(Protocol):
    """Where buckets are kept. One object serves any number of threads and event loops."""

    def take(self, key: str) -> Decision | Awaitable[Decision]:
        """Take a token of a key's bucket."""

    async def aclose(self) -> None:
        """Give up what the running event loop has of it."""


class MemoryRateStore:
    """Buckets in this process."""

    __slots__ = ("_clock", "_interval", "_mask", "_shards", "_tolerance", "capacity")

    def __init__(
        self, interval: int, burst: float, capacity: int = 250_000, clock: Callable[[], int] = time.monotonic_ns
    ) -> None:
        """``interval`` is in nanoseconds; ``capacity``, how many clients may be short of tokens at once, is rounded up
        so that it is a power of two.
        """
        sets = 1
        while SHARDS * sets * PLACES < capacity:
            sets *= 2
        self.capacity = SHARDS * sets * PLACES
        self._mask = sets - 1
        self._interval = interval
        self._tolerance = max(round(burst * interval), interval)
        self._clock = clock
        self._shards = tuple(_Shard(sets * PLACES) for _ in range(SHARDS))

    def take(self, key: str) -> Decision:
        """Take a token of a key's bucket."""
        # Texts are hashed with a secret of the process, so nobody can choose keys that meet in one set.
        tag = hash(key) or 1
        start = (tag >> SHARD_BITS & self._mask) * PLACES
        interval = self._interval
        shard = self._shards[tag & (SHARDS - 1)]
        with shard.lock:
            now = self._clock()
            place = shard.place(tag, start)
            full = max(shard.full_at[place], now) + interval
            spare = self._tolerance - (full - now)
            if spare >= 0:
                shard.tags[place] = tag
                shard.full_at[place] = full
        if spare < 0:
            return Decision(False, 0, -spare / NANOSECONDS)
        remaining, over = divmod(spare, interval)
        return Decision(True, remaining, (interval - over) / NANOSECONDS)

    async def aclose(self) -> None:
        """There is nothing to give up."""

    def __sizeof__(self) -> int:
        """Bytes of the table."""
        return sum(len(one.tags) * one.tags.itemsize + len(one.full_at) * one.full_at.itemsize for one in self._shards)


class _Shard:
    """A part of the table. Everything but the lock is guarded by the lock."""

    __slots__ = ("full_at", "lock", "tags")

    def __init__(self, places: int) -> None:
        self.lock = threading.Lock()
        self.tags = array("q", bytes(8 * places))
        """Hashes of the keys; 0 where no key ever was."""
        self.full_at = array("q", bytes(8 * places))

    def place(self, tag: int, start: int) -> int:
        """Where a key is within its set, or which place it may take."""
        try:
            return self.tags.index(tag, start, start + PLACES)
        except ValueError:
            times = self.full_at[start : start + PLACES]
            return start + times.index(min(times))
