"""A rate limit that a million clients have come to: what a request costs, what is allowed, what it takes of memory."""

from __future__ import annotations

import statistics
import time
from pathlib import Path
from typing import Final

from pounce_middleware.client_key import address_key
from pounce_middleware.rate_limit_store import MemoryRateStore

__all__ = ["keys"]

INTERVAL: Final = 3_600_000_000_000
"""A token an hour: whoever has asked once keeps a place."""
BURST: Final = 10
MOST_COST: Final = 3.0
MOST_GROWN: Final = 8 << 20
"""Beside the table itself, which is there from the start."""
SAMPLE: Final = 20_000
PAGE: Final = 4096


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def cost(store: MemoryRateStore, start: int) -> float:
    """Median seconds of a request, each of another network of IPv6."""
    taken = []
    for number in range(start, start + SAMPLE):
        key = address_key(f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::1")
        began = time.perf_counter()
        store.take(key)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def keys(count: int) -> bool:
    """Whether it costs and takes what it may after so many."""
    store = MemoryRateStore(INTERVAL, BURST)
    empty = cost(store, 0)
    for _ in range(BURST + 1):
        limited = store.take("the one who asked too often")
    before = resident()
    for number in range(SAMPLE, count):
        store.take(address_key(f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::1"))
    grown = resident() - before
    full = cost(store, count)
    still = store.take("the one who asked too often")
    print(
        f"{count:,} keys: {empty * 1e6:.2f} us at first, {full * 1e6:.2f} us in the end;"
        f" grown by {grown / 2**20:.1f} MiB;"
        f" who had asked too often is {'let through' if still.allowed else 'refused'}"
    )
    return full <= MOST_COST * empty and grown <= MOST_GROWN and not limited.allowed and not still.allowed
