"""slowhttptest, the foreign judge: its four ways, and what it says of the server (Debian: slowhttptest)."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

from benchmarks.servers import HOST

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["MODES", "command", "options", "report_of", "was_available"]

MODES: Final = {
    "slowhttptest -H": ("-H", "-i", "1"),
    "slowhttptest -B": ("-B", "-i", "1", "-s", "8192", "-t", "POST"),
    "slowhttptest -R": ("-R", "-a", "5", "-b", "2000", "-t", "GET"),
    "slowhttptest -X": ("-X", "-w", "1", "-y", "1", "-n", "1", "-z", "1"),
}
PATHS: Final = {"slowhttptest -R": "/files/file", "slowhttptest -X": "/large"}
CONNECTIONS: Final = 500
PROBE_SECONDS: Final = 3
"""So long it waits for an answer before it says that the server is not available."""


def options(name: str) -> tuple[str, ...]:
    """What the server is started with beside its defaults."""
    return ("--static", "/files={folder}") if name in PATHS and "file" in PATHS[name] else ()


def command(name: str, port: int, seconds: int, folder: Path) -> list[str]:
    """``folder`` gets its report."""
    crowd = ("-c", str(CONNECTIONS), "-r", str(CONNECTIONS), "-p", str(PROBE_SECONDS), "-l", str(seconds))
    url = f"http://{HOST}:{port}{PATHS.get(name, '/')}"
    return ["slowhttptest", *MODES[name], *crowd, "-g", "-o", str(folder / "judge"), "-u", url]


def report_of(folder: Path) -> Path:
    return folder / "judge.csv"


def was_available(report: Path) -> bool:
    """Whether its probe was answered in each second. Its column is 0 where it was not, else the connections.

    Raises:
        ValueError: there is no such report, or nothing in it.
    """
    try:
        with report.open(newline="") as file:
            seconds = [row["Service Available"] for row in csv.DictReader(file)]
    except (OSError, KeyError) as error:
        raise ValueError(f"no report of slowhttptest: {error}") from None
    if not seconds:
        raise ValueError("an empty report of slowhttptest")
    return all(int(one) > 0 for one in seconds)
