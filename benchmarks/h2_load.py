"""h2load with one thread: HTTP/2, several requests at once on each connection."""

from __future__ import annotations

import re
import subprocess
import tempfile
from array import array
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.generator import LoadError, LoadReport, run_generator
from benchmarks.open_loop import percentile
from benchmarks.servers import HOST, find_program

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.workloads import Workload

__all__ = ["h2load_version", "latencies", "parse_report", "run_h2load"]

PROTOCOL: Final = re.compile(r"^Application protocol: (\S+)$", re.MULTILINE)
FINISHED: Final = re.compile(r"^finished in ([0-9.]+)(us|ms|s|m|h),", re.MULTILINE)
REQUESTS: Final = re.compile(
    r"^requests: \d+ total, \d+ started, (\d+) done, (\d+) succeeded, (\d+) failed,", re.MULTILINE
)
UNITS: Final = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


def parse_report(output: str, times: Iterable[float]) -> LoadReport:
    """Read what h2load wrote. ``times``: what its log says of each request, in seconds (it tells no percentiles).

    Raises:
        LoadError: it is no report, or another protocol than HTTP/2 was spoken: h2load would take HTTP/1.1, too.
    """
    protocol, finished, requests = PROTOCOL.search(output), FINISHED.search(output), REQUESTS.search(output)
    if finished is None or requests is None:
        raise LoadError(f"h2load reported nothing: {output[-500:]!r}")
    if protocol is None or protocol[1] not in ("h2", "h2c"):
        raise LoadError(f"h2load spoke {protocol[1] if protocol else 'with nobody'}, not HTTP/2")
    _done, succeeded, failed = map(int, requests.groups())
    return LoadReport(
        requests=succeeded,
        seconds=float(finished[1]) * UNITS[finished[2]],
        p99=percentile(sorted(times), 0.99),
        failures=failed,
    )


def latencies(log: Path) -> array[float]:
    """How long each request took that is in a log of h2load, in seconds."""
    times = array("d")
    with log.open(encoding="ascii") as lines:
        for line in lines:
            # Start, status, microseconds until the end of the response; the last line may be cut off.
            fields = line.split("\t")
            if len(fields) >= 3 and fields[2].strip().isdigit():
                times.append(int(fields[2]) / 1e6)
    return times


def run_h2load(port: int, workload: Workload, *, seconds: int, core: int | None) -> LoadReport:
    """Send GET requests for that many seconds.

    Raises:
        LoadError: h2load did not do its work.
    """
    with tempfile.TemporaryDirectory(prefix="pounce-benchmark-") as folder:
        log = Path(folder) / "requests.log"
        command = [
            *[find_program("h2load") or "h2load", "--threads", "1", "--clients", str(workload.connections)],
            *["--max-concurrent-streams", str(workload.streams), "--duration", str(seconds)],
            *["--log-file", str(log), f"{workload.wire.scheme}://{HOST}:{port}{workload.path}"],
        ]
        output = run_generator(command, seconds=seconds, core=core)
        return parse_report(output, latencies(log) if log.exists() else ())


def h2load_version() -> str | None:
    """``1.52.0``; None when there is no h2load."""
    program = find_program("h2load")
    if program is None:
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    return said.rpartition("/")[2].strip() or "of unknown version"
