"""Profilers that look into a process from outside: for servers that do not answer, or were started without a place
to ask. py-spy where it is installed, else the sampling profiler of Python 3.15.

Both write folded stacks, which are read back here, so that every kind of file is written in one way.
"""

from __future__ import annotations

import importlib.util
import pathlib
import shutil
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Final

from .merged_profile import MergedProfile, ProfileError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["profile_of_process"]

SPARE: Final = 30.0
"""Seconds to attach, and to write."""


def profile_of_process(
    pid: int,
    *,
    seconds: float,
    interval: float,
    idle: bool,
    run: Callable[..., subprocess.CompletedProcess[str]] = subprocess.run,
) -> MergedProfile:
    """A profile of this process and, with py-spy, of its children.

    Raises:
        ProfileError: no profiler is installed, or it could not look into the process.
    """
    with tempfile.TemporaryDirectory(prefix="pounce-profile-") as folder:
        output = pathlib.Path(folder, "stacks")
        command = _command(pid, str(output), seconds=seconds, interval=interval, idle=idle)
        try:
            done = run(command, capture_output=True, text=True, timeout=seconds + SPARE, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ProfileError(f"{command[0]} failed: {error}") from error
        if done.returncode or not output.is_file():
            raise ProfileError(_failure(command, pid, done.stderr or done.stdout or ""))
        text = output.read_text("utf-8", "replace")
    return MergedProfile.of_folded(text, interval=interval, seconds=seconds)


def _command(pid: int, output: str, *, seconds: float, interval: float, idle: bool) -> list[str]:
    beside = pathlib.Path(sys.executable).with_name("py-spy")
    py_spy = shutil.which("py-spy") or (str(beside) if beside.is_file() else None)
    whole = str(max(round(seconds), 1))
    if py_spy is not None:
        rate = str(max(round(1 / interval), 1))
        options = ["--pid", str(pid), "--duration", whole, "--rate", rate, "--output", output, "--format", "raw"]
        return [py_spy, "record", *options, "--threads", "--subprocesses", *(["--idle"] if idle else [])]
    if _has_own_profiler():
        options = ["--collapsed", "-a", "-d", whole, "-o", output]
        return [sys.executable, "-m", "profiling.sampling", "attach", *options, str(pid)]
    raise ProfileError(
        "--pid needs py-spy (pip install py-spy) or Python 3.15; without them start the server with --introspection "
        "and leave --pid out: the server then makes its own profile"
    )


def _has_own_profiler() -> bool:
    try:
        return importlib.util.find_spec("profiling.sampling") is not None
    except ModuleNotFoundError:
        return False


def _failure(command: list[str], pid: int, said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    reason = next(
        (line for line in lines if line.lower().startswith("error")), lines[-1] if lines else "no reason given"
    )
    hint = ""
    lowered = said.lower()
    if "permission" in lowered or "not permitted" in lowered or "root" in lowered:
        hint = "; it needs the right to trace that process: run it as root, or as the same user with ptrace allowed"
    elif "python version" in lowered or "find" in lowered or "unsupported" in lowered:
        hint = (
            "; it may not know this Python. Start the server with --introspection and leave --pid out: the server then"
            " makes its own profile, on every Python"
        )
    return f"{pathlib.Path(command[0]).name} could not look into process {pid}: {reason}{hint}"
