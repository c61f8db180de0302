"""What all load generators have in common: how one is run, and what it saw."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.serving import ROOT, on_core

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["LoadError", "LoadReport", "run_generator", "run_own_generator"]

GRACE_SECONDS: Final = 30
"""How much longer than asked a load generator may take before it counts as hung."""


class LoadError(Exception):
    """The load generator is not there, hung, or said nothing that can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What the load generator saw."""

    requests: int
    """Answered; messages that came back, where it is about WebSockets."""
    seconds: float
    p99: float
    """Seconds."""
    failures: int
    """Other statuses or answers, socket errors, time-outs."""


def run_generator(command: Sequence[str], *, seconds: int, core: int | None) -> str:
    """Run a program that puts load on a server for that many seconds; the result is what it wrote.

    Raises:
        LoadError: it did not do its work.
    """
    name = command[0].rpartition("/")[2]
    try:
        with on_core(core):
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=seconds + GRACE_SECONDS, cwd=ROOT, check=False
            )
    except OSError as error:
        raise LoadError(f"{name} cannot be run: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise LoadError(f"{name} did not end within {error.timeout:g} s") from error
    if done.returncode != 0:
        raise LoadError(f"{name} ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-200:]}")
    return done.stdout


def run_own_generator(module: str, arguments: Sequence[str], *, seconds: int, core: int | None) -> LoadReport:
    """Run a load generator of this package, which writes the fields of a `LoadReport` as JSON.

    Raises:
        LoadError: it did not do its work.
    """
    command = [sys.executable, "-m", module, *arguments, "--seconds", str(seconds)]
    report = json.loads(run_generator(command, seconds=seconds, core=core))
    return LoadReport(**report)
