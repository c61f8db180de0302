"""What the machine allows, against what the settings promise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_workers import available_cpus, worker_count

if TYPE_CHECKING:
    from pounce.config import ServerConfig

    from .report import Report

__all__ = ["OWN_FILES", "check_limits", "open_files"]

OWN_FILES: Final = 64
"""Descriptors that a process needs beside its connections: listening sockets, logs, libraries, a database or two."""

SMALL: Final = 1024
"""The usual soft limit of a shell. Beyond it, somebody has thought of it."""


def check_limits(config: ServerConfig, report: Report, *, processes: bool, files: int | None = None) -> None:
    """``processes``: each worker has its own descriptors. ``files`` is how many a process may open; that of this
    process by default.
    """
    workers = worker_count(config.workers)
    _check_files(config, report, workers if processes else 1, open_files() if files is None else files)
    cpus = available_cpus()
    if workers > max(cpus, 1) and config.workers > 1:
        report.add(
            "note", "limits", f"{workers} workers share {cpus} {'CPU' if cpus == 1 else 'CPUs'}", setting="workers"
        )


def open_files() -> int | None:
    """How many descriptors this process may open; None where nothing says so (Windows, or without a limit)."""
    try:
        import resource
    except ImportError:
        return None
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if soft == resource.RLIM_INFINITY else soft


def _check_files(config: ServerConfig, report: Report, processes: int, allowed: int | None) -> None:
    if allowed is None:
        return
    room = max(allowed - OWN_FILES, 0)
    wanted = config.worker.limit_concurrency
    if wanted is None:
        if allowed <= SMALL:
            report.add(
                "note",
                "limits",
                f"a process may open {allowed} files, so about {room} connections; others wait to be accepted",
                do=_how_to_raise(65536),
            )
        return
    each = -(-wanted // processes)
    if each > room:
        report.add(
            "warning",
            "limits",
            f"limit_concurrency is {wanted}, but a process may open {allowed} files: about {room * processes}"
            " connections",
            setting="limit_concurrency",
            do=f"{_how_to_raise(each + OWN_FILES)}, or lower --limit-concurrency",
        )
    else:
        report.add(
            "ok", "limits", f"{allowed} open files are enough for {wanted} connections", setting="limit_concurrency"
        )


def _how_to_raise(number: int) -> str:
    return f"raise it to {number}: ulimit -n, LimitNOFILE= in a systemd unit, --ulimit nofile= of a container"
