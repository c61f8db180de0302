"""Processor time and memory of a process and all that came from it, and of a core; from ``/proc`` (Linux)."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

__all__ = ["busy_seconds", "cpu_seconds", "members", "pss_bytes"]

PROC: Final = Path("/proc")

PARENT: Final = 1
CPU_TIMES: Final = slice(11, 15)
"""User and system time of the process, then of its children that have ended and been waited for."""


def _stat(pid: int) -> list[str] | None:
    """The fields of proc_pid_stat(5) from the state on; None when the process has ended."""
    try:
        text = (PROC / str(pid) / "stat").read_text()
    except OSError:
        return None
    # The second field is the command in brackets; it may hold spaces and brackets itself.
    return text.rpartition(")")[2].split()


def members(root: int) -> list[int]:
    """The process ids of the tree, the root first."""
    children: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))):
            children.setdefault(int(stat[PARENT]), []).append(int(entry.name))
    found = [root]
    for pid in found:  # grows while it is walked
        found += children.get(pid, [])
    return found


def cpu_seconds(root: int) -> float:
    """User and system time that the tree has used so far, in seconds; the kernel tells it in hundredths."""
    ticks = 0
    for pid in members(root):
        if stat := _stat(pid):
            ticks += sum(map(int, stat[CPU_TIMES]))
    return ticks / os.sysconf("SC_CLK_TCK")


def busy_seconds(core: int) -> float:
    """For how long a core has been in use since the machine started, by anybody, a host's other guests included."""
    for line in (PROC / "stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _waiting, irq, softirq, steal = map(int, ticks[:8])
            return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")
    raise ValueError(f"there is no core {core}")


def pss_bytes(root: int) -> int:
    """Proportional set size of the tree: its own memory, and its part of what it shares with other processes."""
    total = 0
    for pid in members(root):
        with contextlib.suppress(OSError):
            for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total
