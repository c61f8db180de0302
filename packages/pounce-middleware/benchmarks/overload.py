"""What a server does at four times its capacity, with an adaptive limit and without: answers that come in time.

    python packages/pounce-middleware/benchmarks/overload.py [--seconds 12]

A real server (``pounce_testing.TestServer``, in a process of its own) answers requests of which each takes 40 ms of a
processor of two cores. The processor is a model (``tests/processor.py``: shared by its jobs, and slower the more of
them there are), so that what else the machine does decides nothing; server, sockets and time are real. Clients come at
random times whether earlier ones have been answered or not, each on a connection of its own, and leave after a second.
Goodput is what was answered 200 by then, in the second half of the time. The peak is the best of several rates without
a limit.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import random
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from processor import Processor

from pounce_middleware import AdaptiveLimit, LoadShedder, LoadSheddingMiddleware
from pounce_testing import TestServer

PATIENCE = 1.0
WORK = 0.040
CORES = 2


PROCESSOR = Processor(CORES, 0.01)


async def app(scope: Any, _receive: Any, send: Any) -> None:
    """Needs the processor for a while."""
    if scope["type"] != "http":
        return
    await PROCESSOR.work(WORK)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


def serve(limited: bool, connection: Any) -> None:
    """Serve until told to end."""
    served: Any = app
    if limited:
        served = LoadSheddingMiddleware(app, shedder=LoadShedder(AdaptiveLimit(1000), queue=50, timeout=0.5))
    with TestServer(served, lifespan="off", graceful_timeout=0.1) as server:
        connection.send(server.address)
        connection.recv()


async def visit(address: tuple[str, int]) -> bool:
    """One client: whether it was answered in time."""
    writer = None
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(*address)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            return (await reader.read()).startswith(b"HTTP/1.1 200")
    except (OSError, TimeoutError):
        return False
    finally:
        if writer is not None:
            writer.transport.abort()


async def load(address: tuple[str, int], per_second: float, seconds: float) -> float:
    """Goodput of the second half."""
    loop = asyncio.get_running_loop()
    began, good = loop.time(), 0
    next_one, chance = began, random.Random(7)
    clients: set[asyncio.Task[bool]] = set()

    def ended(task: asyncio.Task[bool]) -> None:
        nonlocal good
        clients.discard(task)
        good += task.result() and began + seconds / 2 < loop.time() < began + seconds

    while loop.time() < began + seconds:
        next_one += chance.expovariate(per_second)
        await asyncio.sleep(max(0.0, next_one - loop.time()))
        task = loop.create_task(visit(address))
        clients.add(task)
        task.add_done_callback(ended)
    await asyncio.gather(*clients)
    return good / (seconds / 2)


def measure(limited: bool, per_second: float, seconds: float) -> float:
    """Goodput of a fresh server."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    server = context.Process(target=serve, args=(limited, there))
    server.start()
    try:
        return asyncio.run(load(here.recv(), per_second, seconds))
    finally:
        here.send("end")
        server.join(5)
        server.kill()


def main() -> None:
    """A line for each load."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=12.0)
    seconds = parser.parse_args().seconds
    capacity = CORES / WORK
    peak = 0.0
    for part in (0.6, 0.75, 0.9):
        peak = max(peak, measure(False, part * capacity, seconds))
    without = measure(False, 4 * capacity, seconds)
    limited = measure(True, 4 * capacity, seconds)
    print(
        f"peak {peak:.0f}/s; at {4 * capacity:.0f}/s: without a limit {without:.0f}/s, adaptive {limited:.0f}/s", end=""
    )
    print(f" ({limited / peak:.0%} of the peak)")


if __name__ == "__main__":
    main()
