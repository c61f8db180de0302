"""Processor time and memory of a process and of all that it started: from ``/proc``, elsewhere from ``ps``.

``/proc`` tells processor time in hundredths of a second, and memory as the proportional set size, in which what several
processes share is counted once. ``ps`` knows the resident set only, which counts it once for each process.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["MEMORY_IS", "ProcessRow", "cpu_seconds", "members", "memory_bytes", "parse_ps", "parse_ps_time"]

PROC: Final = Path("/proc")
HAS_PROC: Final = sys.platform == "linux"
MEMORY_IS: Final = "PSS" if HAS_PROC else "RSS"
"""What `memory_bytes` counts."""

PARENT: Final = 1
CPU_TIMES: Final = slice(11, 15)
"""User and system time of the process, then of its children that have ended and been waited for."""


@dataclass(frozen=True, slots=True)
class ProcessRow:
    """One process as ``ps`` shows it: seconds and bytes."""

    pid: int
    parent: int
    cpu: float
    memory: int


def members(root: int) -> list[int]:
    """The process ids of the tree, the root first."""
    parents = _parents() if HAS_PROC else {row.pid: row.parent for row in _ps()}
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found = [root]
    for pid in found:  # grows while it is walked
        found += children.get(pid, [])
    return found


def cpu_seconds(root: int) -> float:
    """User and system time that the tree has used so far."""
    pids = members(root)
    if not HAS_PROC:
        return sum(row.cpu for row in _ps() if row.pid in pids)
    ticks = 0
    for pid in pids:
        if stat := _stat(pid):
            ticks += sum(map(int, stat[CPU_TIMES]))
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_bytes(root: int) -> int:
    """What the tree holds in memory now."""
    pids = members(root)
    if not HAS_PROC:
        return sum(row.memory for row in _ps() if row.pid in pids)
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):  # it has just ended
            for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total


def _parents() -> dict[int, int]:
    stats = {int(entry.name): _stat(int(entry.name)) for entry in PROC.iterdir() if entry.name.isdigit()}
    return {pid: int(stat[PARENT]) for pid, stat in stats.items() if stat}


def _stat(pid: int) -> list[str] | None:
    """The fields of proc_pid_stat(5) from the state on; None when the process has ended."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The second field is the command in brackets; it may hold spaces and brackets itself.
    return text.rpartition(")")[2].split()


def _ps() -> list[ProcessRow]:
    command = ["ps", "-axo", "pid=,ppid=,time=,rss="]
    return parse_ps(subprocess.run(command, capture_output=True, text=True, check=True).stdout)  # noqa: S603 - fixed


def parse_ps(output: str) -> list[ProcessRow]:
    """Rows of process id, parent, processor time and kilobytes."""
    rows = []
    for line in output.splitlines():
        pid, parent, time, kilobytes = line.split()
        rows.append(ProcessRow(int(pid), int(parent), parse_ps_time(time), int(kilobytes) * 1024))
    return rows


def parse_ps_time(text: str) -> float:
    """``[[days-]hours:]minutes:seconds[.hundredths]`` in seconds."""
    days, dash, rest = text.rpartition("-")
    seconds = 0.0
    for part in rest.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds + (int(days) * 86400 if dash else 0)
