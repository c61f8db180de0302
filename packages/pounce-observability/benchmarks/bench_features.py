"""Measure what each feature costs a server: its processor time for each request, with the feature and without it.

    python benchmarks/bench_features.py --seconds 2 --rounds 7 'text access log' metrics

Needs Linux and wrk, and pounce-server[all] installed. Without names all are measured. Each round measures every kind in
turn, each with a server of its own, one worker, 32 connections on loopback and a log file on disk; the median and the
least are over the rounds. What is measured is the processor time of all threads of the server, user and system, from
``schedstat``: neither wrk's share nor that of others is in it, but what they take out of the caches is.
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
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

APPLICATION: Final = """
async def app(scope, receive, send):
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200,
        "headers": [(b"content-type", b"text/plain"), (b"content-length", b"13")]})
    await send({"type": "http.response.body", "body": b"Hello, world!"})
"""
COLLECTOR: Final = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_SAMPLER": "traceidratio"}
"""Nobody listens there: that spans are encoded is measured, not who takes them."""

NOTHING: Final = ("--no-access-log", "--slow-callback", "0", "--task-leak", "0", "--no-limit-warnings")
QUIET: Final = ("--no-access-log",)
FEATURES: Final[dict[str, tuple[str, ...]]] = {
    "nothing": NOTHING,
    "warnings": QUIET,
    **{f"{name} access log": ("--access-log-format", name) for name in ("text", "common", "combined", "json")},
    "metrics": (*QUIET, "--metrics"),
    "text access log and metrics": ("--metrics",),
    "introspection": (*QUIET, "--introspection", "--introspection-bind", "unix:admin.sock"),
    "profile of every 100th request": (*QUIET, "--profile"),
    "traces, 1 of 100 sampled": (*QUIET, "--otel", "--no-otel-metrics"),
}
LISTENING: Final = re.compile(r"Listening on http://127\.0\.0\.1:(\d+)")
REQUESTS: Final = re.compile(r"(\d+) requests in")
WARM_UP: Final = 1


@contextlib.contextmanager
def server(folder: Path, flags: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Process id and port of a server with these flags."""
    (folder / "hello.py").write_text(APPLICATION)
    command = [sys.executable, "-m", "pounce", "hello:app", "--port", "0", *flags]
    environ = os.environ | COLLECTOR | {"OTEL_TRACES_SAMPLER_ARG": "0.01", "POUNCE_LOG_FORMAT": "text"}
    with (folder / "access.log").open("wb") as out:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=out, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        found = next(match for line in process.stderr if (match := LISTENING.search(line)))
        yield process.pid, int(found[1])
    finally:
        process.send_signal(signal.SIGTERM)
        process.stderr.read()
        process.wait()


def cpu_seconds(pid: int) -> float:
    """Processor time of the threads of a process so far."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def load(port: int, seconds: int) -> int:
    """Answered requests of wrk."""
    command = ["wrk", "-t1", "-c32", f"-d{seconds}s", f"http://127.0.0.1:{port}/"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "Non-2xx" not in output
    found = REQUESTS.search(output)
    assert found is not None
    return int(found[1])


def measure(kind: str, seconds: int) -> float:
    """Microseconds of processor time for each request."""
    with tempfile.TemporaryDirectory() as name, server(Path(name), FEATURES[kind]) as (pid, port):
        load(port, WARM_UP)
        before = cpu_seconds(pid)
        requests = load(port, seconds)
        used = cpu_seconds(pid) - before
    return used / requests * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("kinds", nargs="*", metavar="FEATURE", help=", ".join(FEATURES))
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    wanted = options.kinds or FEATURES
    kinds = ["nothing", *(kind for kind in FEATURES if kind != "nothing" and kind in wanted)]
    build = "free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else "with the GIL"
    print(f"Python {sys.version.split()[0]}, {build}; {options.rounds} rounds of {options.seconds} s")
    figures: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(options.rounds):
        for kind in kinds:
            figures[kind].append(measure(kind, options.seconds))
            print(f"  {kind:40} {figures[kind][-1]:6.2f}", file=sys.stderr, flush=True)
    for kind in kinds:
        ratio = statistics.median(own / plain for own, plain in zip(figures[kind], figures["nothing"], strict=True))
        least = min(figures[kind])
        print(
            f"{kind:40} {statistics.median(figures[kind]):6.2f} us a request, {ratio:.2f} times that with nothing;"
            f" at least {least:.2f}, {least / min(figures['none']):.2f} times"
        )


if __name__ == "__main__":
    main()
