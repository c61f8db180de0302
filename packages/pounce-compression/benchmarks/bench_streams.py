"""What a stream holds, what its events cost, and from which size a thread is worth its way.

python packages/pounce-compression/benchmarks/bench_streams.py
"""

from __future__ import annotations

import asyncio
import gc
import platform
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Final

from corpora import make

from pounce_compression import available_codings, codec_for

if TYPE_CHECKING:
    from collections.abc import Callable

STREAMS: Final = 200
EVENT: Final = b'data: {"id": 123456, "text": "something happened", "at": "2026-01-01T00:00:00Z"}\n\n'


def resident() -> int:
    """Bytes of memory that the process holds (Linux)."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def memory_of_streams(coding: str) -> float:
    """KiB that each open stream holds after a hundred events."""
    gc.collect()
    before = resident()
    streams = [codec_for(coding).stream() for _ in range(STREAMS)]
    for stream in streams:
        for _ in range(100):
            stream.compress(EVENT)
            stream.flush()
    return (resident() - before) / STREAMS / 1024


def event_cost(coding: str) -> tuple[float, float]:
    """Microseconds and bytes of one event in a long stream."""
    stream, size, times = codec_for(coding).stream(), 0, 3000
    begun = time.thread_time()
    for number in range(times):
        event = EVENT.replace(b"123456", b"%06d" % number)
        size += len(stream.compress(event)) + len(stream.flush())
    return (time.thread_time() - begun) / times * 1e6, size / times


async def way_to_a_thread() -> float:
    """Microseconds that a piece of work takes longer in the executor than where it is."""
    loop = asyncio.get_running_loop()
    times = 500
    begun = time.perf_counter()
    for _ in range(times):
        await loop.run_in_executor(None, int)
    return (time.perf_counter() - begun) / times * 1e6


def seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def speed_up(coding: str) -> float:
    """How much sooner two threads are done with the same bodies than one."""
    codec, bodies = codec_for(coding), [make("json", 262_144)] * 24
    with ThreadPoolExecutor(2) as pool:
        alone = min(seconds(lambda: list(map(codec.compress, bodies))) for _ in range(3))
        together = min(seconds(lambda: list(pool.map(codec.compress, bodies))) for _ in range(3))
    return alone / together


def main() -> None:
    print(f"{platform.python_implementation()} {sys.version.split()[0]}\n")
    print("| coding | KiB a stream | us an event | bytes of 82 an event | two threads against one |")
    print("|---|---|---|---|---|")
    for coding in available_codings():
        cost, size = event_cost(coding)
        with ProcessPoolExecutor(1, get_context("spawn")) as fresh:  # nothing was freed there that could be used again
            memory = fresh.submit(memory_of_streams, coding).result()
        print(f"| {coding} | {memory:.0f} | {cost:.1f} | {size:.0f} | {speed_up(coding):.2f} |", flush=True)
    print(f"\nto a thread and back: {asyncio.run(way_to_a_thread()):.0f} us\n")
    sizes = (16_384, 65_536, 131_072, 262_144, 1_048_576)
    print("| coding, ms for JSON of | " + " | ".join(f"{size // 1024} KiB" for size in sizes) + " |")
    print("|---|" + "---|" * len(sizes))
    bodies = [make("json", size) for size in sizes]
    for coding in available_codings():
        best = (min(seconds(partial(codec_for(coding).compress, body)) for _ in range(5)) for body in bodies)
        print(f"| {coding} | " + " | ".join(f"{took * 1e3:.2f}" for took in best) + " |", flush=True)


if __name__ == "__main__":
    main()
