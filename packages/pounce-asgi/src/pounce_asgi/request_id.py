"""Request ids: UUIDs of version 7 (RFC 9562, 5.7), which sort by the time of their making.

The standard library has ``uuid7()`` from Python 3.14 on; this one serves every version, and its state belongs to one
worker, so that threads share no lock.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["RequestIdGenerator"]

# The 74 bits beside time, version and variant: a counter that keeps the order of one millisecond, then fresh random
# bits (RFC 9562, 6.2, method 1).
COUNTER_BITS: Final = 42
TAIL_BITS: Final = 32
COUNTER_END: Final = 1 << COUNTER_BITS

# One read from the system serves so many ids; it is a system call, and dearer than all the rest.
ENTROPY_BLOCK: Final = 1024
TAIL_BYTES: Final = TAIL_BITS // 8
# One bit less than the counter has: it begins in its lower half and cannot soon overflow.
SEED_BYTES: Final = 6
SEED_MASK: Final = (COUNTER_END >> 1) - 1

VERSION_7: Final = 7 << 76
VARIANT: Final = 0b10 << 62


class RequestIdGenerator:
    """Makes ids. Each is greater than the one before, also within a millisecond and when the clock is set back.

    Owned by one worker: neither thread-safe nor to be kept across a fork. ``now_ns`` gives nanoseconds since the
    epoch, ``entropy`` that many bytes fit for cryptography (RFC 9562, 6.9).
    """

    __slots__ = ("_counter", "_entropy", "_now_ns", "_pool", "_position", "_time_ms")

    def __init__(
        self, *, now_ns: Callable[[], int] = time.time_ns, entropy: Callable[[int], bytes] = os.urandom
    ) -> None:
        self._now_ns = now_ns
        self._entropy = entropy
        self._pool = b""
        self._position = 0
        self._time_ms = -1
        self._counter = 0

    def __call__(self) -> str:
        """The next id in its canonical form: 36 characters, lower case."""
        now_ms = self._now_ns() // 1_000_000
        if now_ms > self._time_ms:
            self._time_ms = now_ms
            self._counter = self._random(SEED_BYTES) & SEED_MASK
        else:
            self._counter += 1
            if self._counter == COUNTER_END:
                # As many ids in one millisecond as no machine makes, or a clock set far back: borrow from the future.
                self._time_ms += 1
                self._counter = self._random(SEED_BYTES) & SEED_MASK
        counter = self._counter
        value = (
            (self._time_ms & 0xFFFF_FFFF_FFFF) << 80
            | VERSION_7
            | (counter >> 30) << 64
            | VARIANT
            | (counter & 0x3FFF_FFFF) << TAIL_BITS
            | self._random(TAIL_BYTES)
        )
        digits = f"{value:032x}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def _random(self, size: int) -> int:
        start = self._position
        end = start + size
        if end > len(self._pool):
            self._pool = self._entropy(ENTROPY_BLOCK)
            start, end = 0, size
        self._position = end
        return int.from_bytes(self._pool[start:end], "big")
