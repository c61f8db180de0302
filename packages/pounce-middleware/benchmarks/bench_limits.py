"""What limits cost a request, without a network: microseconds of CPU, the best of several rounds; and what they keep.

    python packages/pounce-middleware/benchmarks/bench_limits.py [time | memory | threads] [--threads 2]

``time``: an ASGI call of an application that answers 13 bytes, alone and behind each middleware; the difference is what
the middleware costs. ``memory``: a million addresses ask a rate limit; the bytes are those that the process has more.
``threads``: decisions a second of one rate limit, asked by so many threads at once.
"""

from __future__ import annotations

import argparse
import asyncio
import platform
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any

from pounce_middleware import (
    AdaptiveLimit,
    ClientGoneMiddleware,
    HealthMiddleware,
    LoadShedder,
    LoadSheddingMiddleware,
    MemoryRateStore,
    RateLimiter,
    RateLimitMiddleware,
    RequestTimeoutMiddleware,
)

CALLS = 20_000
ROUNDS = 7
MILLION = 1_000_000


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    """The application of all."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"Hello, world!"})


async def full(_scope: Any, _receive: Any, send: Any) -> None:
    """One that lets the loop turn once, as most do."""
    await asyncio.sleep(0)
    await app(_scope, _receive, send)


def middlewares() -> dict[str, Any]:
    """Each with a limit that is not reached."""
    many = RateLimiter("1000000/s", burst=1_000_000)
    networks = ["10.0.0.0/8", "192.168.0.0/16"]
    one_a_day = RateLimiter("1/d")
    return {
        "nothing": app,
        "rate limit": RateLimitMiddleware(app, limiter=many),
        "rate limit, IPv6": RateLimitMiddleware(app, limiter=many),
        "rate limit, fields": RateLimitMiddleware(app, limiter=many, fields=True),
        "rate limit, two exempt networks": RateLimitMiddleware(app, limiter=many, exempt_networks=networks),
        "rate limit, 429": RateLimitMiddleware(app, limiter=one_a_day),
        "load shedding": LoadSheddingMiddleware(app, shedder=LoadShedder(100)),
        "load shedding, adaptive": LoadSheddingMiddleware(app, shedder=LoadShedder(AdaptiveLimit(1000))),
        "load shedding, 503": LoadSheddingMiddleware(app, shedder=LoadShedder(0, queue=0)),
        "request timeout": RequestTimeoutMiddleware(app, timeout=30),
        "client gone": ClientGoneMiddleware(app),
        "health": HealthMiddleware(app),
        "a turn of the loop": full,
        "a turn of the loop, client gone": ClientGoneMiddleware(full),
    }


async def spend(called: Any, host: str) -> float:
    """Microseconds of one call."""

    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(_message: Any) -> None:
        return

    scope = {"type": "http", "method": "GET", "path": "/", "headers": [(b"host", b"x")], "client": (host, 1)}
    began = time.process_time()
    for _ in range(CALLS):
        await called(scope, receive, send)
    return (time.process_time() - began) / CALLS * 1e6


def measure_time() -> None:
    """A line for each middleware."""
    best: dict[str, float] = {}
    for _ in range(ROUNDS):
        for name, called in middlewares().items():
            cost = asyncio.run(spend(called, "2001:db8::1" if "IPv6" in name else "192.0.2.1"))
            best[name] = min(cost, best.get(name, cost))
    for name, cost in best.items():
        print(f"{name:34} {cost:6.2f} us {cost - best['nothing']:+6.2f}")


def resident() -> int:
    """Bytes of memory that this process has (Linux)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def measure_memory() -> None:
    """A million addresses, with the table as it is by default and with one for all of them."""
    for capacity in (250_000, MILLION):
        before = resident()
        store = MemoryRateStore(60 * 10**9, 10, capacity)
        costs = []
        for quarter in range(4):
            began = time.process_time()
            for number in range(quarter * MILLION // 4, (quarter + 1) * MILLION // 4):
                store.take(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
            costs.append(f"{(time.process_time() - began) * 4:.2f}")
        kept = (resident() - before) / 1e6
        print(f"table of {store.capacity}: {kept:.1f} MB more; us for a decision by quarters: {', '.join(costs)}")


def measure_threads(count: int) -> None:
    """Decisions a second, each thread for clients of its own."""
    store = MemoryRateStore(1000, 1_000_000)
    ready = threading.Barrier(count + 1)

    def ask(number: int) -> None:
        keys = [f"10.0.{number}.{last}" for last in range(200)]
        ready.wait()
        for _ in range(1000):
            for key in keys:
                store.take(key)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    ready.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    print(f"{count} threads: {200_000 * count / (time.perf_counter() - began):,.0f} decisions/s")


def main() -> None:
    """All of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", default="all", choices=("all", "time", "memory", "threads"))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    print(f"{platform.python_implementation()} {platform.python_version()}, GIL {'on' if gil else 'off'}")
    if options.part in ("all", "time"):
        measure_time()
    if options.part in ("all", "memory"):
        measure_memory()
    if options.part in ("all", "threads"):
        measure_threads(1)
        measure_threads(options.threads)


if __name__ == "__main__":
    main()
