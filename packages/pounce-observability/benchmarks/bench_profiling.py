"""Measure what the profile of requests costs a server: its processor time for each request, with it and without.

    python benchmarks/bench_profiling.py --seconds 2 --rounds 5

Needs Linux and wrk, and pounce-server installed. Each round measures every kind in turn, each with a server of its own:
one worker, 32 connections on loopback, no access log. Medians are over the rounds. With an interval that is never
reached, what requests pay that are not measured is all that is seen. It also tells how long one look at the stacks of
all threads takes, as ``pounce profile`` does it, beside threads that compute.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pounce_observability.profiling.stack_readers import best_reader

if TYPE_CHECKING:
    from collections.abc import Iterator

APPLICATION: Final = """
async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200,
        "headers": [(b"content-type", b"text/plain"), (b"content-length", b"13")]})
    await send({"type": "http.response.body", "body": b"Hello, world!"})
"""
KINDS: Final = {"off": None, "never reached": 1_000_000_000, "every 100th": 100}
LISTENING: Final = re.compile(r"Listening on http://127\.0\.0\.1:(\d+)")
REQUESTS: Final = re.compile(r"(\d+) requests in")


@contextlib.contextmanager
def server(folder: Path, interval: int | None) -> Iterator[tuple[int, int]]:
    """Process id and port of a server that measures one request of so many."""
    (folder / "hello.py").write_text(APPLICATION)
    command = [sys.executable, "-m", "pounce", "hello:app", "--port", "0", "--workers", "1", "--no-access-log"]
    environment = {**os.environ, "POUNCE_LOG_FORMAT": "text"}
    if interval is not None:
        environment |= {"POUNCE_PROFILE": "1", "POUNCE_PROFILE_INTERVAL": str(interval)}
    log = folder / "log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, stdout=out, stderr=out, env=environment)
    try:
        while not (found := LISTENING.search(log.read_text())):
            if process.poll() is not None:
                raise RuntimeError(log.read_text())
            time.sleep(0.05)
        yield process.pid, int(found[1])
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def cpu_seconds(pid: int) -> float:
    """Processor time of the threads of a process so far."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def load(port: int, seconds: int) -> int:
    """Answered requests of wrk."""
    command = ["wrk", "-t1", "-c32", f"-d{seconds}s", f"http://127.0.0.1:{port}/"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = REQUESTS.search(output)
    assert found is not None
    return int(found[1])


def measure(interval: int | None, seconds: int) -> float:
    """Microseconds of processor time for each request."""
    with tempfile.TemporaryDirectory() as name, server(Path(name), interval) as (pid, port):
        load(port, 1)
        before = cpu_seconds(pid)
        requests = load(port, seconds)
        return (cpu_seconds(pid) - before) / requests * 1e6


def look_time(threads: int) -> tuple[str, float, float]:
    """How stacks are read here, and the median and longest time of that, in milliseconds, beside so many threads."""
    end = threading.Event()

    def compute() -> None:
        while not end.is_set():
            sum(range(1000))

    busy = [threading.Thread(target=compute) for _ in range(threads)]
    for thread in busy:
        thread.start()
    reader = best_reader()
    times = []
    for _ in range(100):
        began = time.perf_counter()
        reader.read()
        times.append((time.perf_counter() - began) * 1000)
        time.sleep(0.01)
    end.set()
    for thread in busy:
        thread.join()
    reader.close()
    return reader.how, statistics.median(times), max(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    build = "free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else "with the GIL"
    print(f"Python {sys.version.split()[0]}, {build}; {options.rounds} rounds of {options.seconds} s")
    figures: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for _ in range(options.rounds):
        for kind, interval in KINDS.items():
            figures[kind].append(measure(interval, options.seconds))
    for kind, own in figures.items():
        ratio = statistics.median(one / plain for one, plain in zip(own, figures["off"], strict=True))
        print(f"{kind:15} {statistics.median(own):6.2f} us a request, {ratio:.3f} times that without")
    for threads in (1, 4):
        how, median, longest = look_time(threads)
        print(f"one look ({how}) beside {threads} busy threads: {median:.2f} ms, at most {longest:.2f} ms")


if __name__ == "__main__":
    main()
