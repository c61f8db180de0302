"""One run of a load generator: wrk where it is installed, else our own."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pounce_testing.bench.asyncio_load import LoadOrder, report_from_json
from pounce_testing.bench.contestants import HOST
from pounce_testing.bench.errors import BenchError
from pounce_testing.bench.wrk_load import find_wrk, parse_wrk, wrk_command, wrk_script

if TYPE_CHECKING:
    from pounce_testing.bench.load_report import LoadReport
    from pounce_testing.bench.request import LoadRequest

__all__ = ["Generator", "available_generator", "run_load"]

Generator = Literal["wrk", "asyncio"]

GRACE: Final = 30.0
"""Seconds that a generator may need besides the time of its load."""


def available_generator() -> Generator:
    """wrk needs a tenth of the processor time of our own."""
    return "wrk" if find_wrk() is not None else "asyncio"


def run_load(generator: Generator, request: LoadRequest, *, port: int, connections: int, seconds: float) -> LoadReport:
    """Send the request for that long, over so many connections at once.

    Raises:
        BenchError: the generator failed.
    """
    if generator == "asyncio":
        order = LoadOrder(
            host=HOST,
            port=port,
            wire=request.wire(HOST, port).decode("latin-1"),
            connections=connections,
            seconds=seconds,
        )
        command = [sys.executable, "-m", "pounce_testing.bench.asyncio_load"]
        return report_from_json(_output_of(command, json.dumps(asdict(order)), seconds)[0])
    program = find_wrk()
    if program is None:
        raise BenchError("wrk is not installed: leave out --generator, and our own is used")
    with tempfile.TemporaryDirectory(prefix="pounce-bench-") as folder:
        script = Path(folder) / "request.lua"
        script.write_text(wrk_script(request), encoding="ascii")
        url = f"http://{HOST}:{port}{request.path}"
        command = wrk_command(program, str(script), url, connections=connections, seconds=seconds)
        return parse_wrk(*_output_of(command, "", seconds))


def _output_of(command: list[str], order: str, seconds: float) -> tuple[str, float]:
    """What it wrote, and its processor time."""
    before = _children_cpu()
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            command, input=order, capture_output=True, text=True, timeout=seconds + GRACE, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchError(f"the load generator failed: {error}") from error
    if done.returncode:
        raise BenchError(f"the load generator ended with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout, _children_cpu() - before


def _children_cpu() -> float:
    """Of the processes that this one has waited for. In a round that is the generator: servers end after it."""
    try:
        import resource
    except ImportError:  # Windows
        return time.process_time()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
