"""The load generator: wrk with one thread, told by a script what to send and how to report."""

from __future__ import annotations

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.servers import HOST, find_program
from benchmarks.serving import on_core

if TYPE_CHECKING:
    from benchmarks.workloads import Workload

__all__ = ["LoadError", "LoadReport", "parse_report", "put_load", "script_for", "wrk_version"]

SCRIPTS: Final = Path(__file__).resolve().parent / "wrk"
MARK: Final = "MEASURED "
GRACE_SECONDS: Final = 30
"""How much longer than asked wrk may take before it counts as hung."""


class LoadError(Exception):
    """wrk is not there, hung, or said nothing that can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadReport:
    """What wrk saw."""

    requests: int
    seconds: float
    p99: float
    """Seconds."""
    failures: int
    """Other statuses, socket errors, time-outs."""


def script_for(workload: Workload) -> str:
    """The Lua script for a workload: what to send, how to make each request if they differ, how to report."""
    lines = [f"wrk.method = {_lua(workload.method)}"]
    lines += [f"wrk.headers[{_lua(name)}] = {_lua(value)}" for name, value in workload.headers]
    if workload.body:
        lines.append(f"wrk.body = {_lua(workload.body.decode('ascii'))}")
    parts = ["\n".join(lines)]
    if workload.script:
        parts.append((SCRIPTS / workload.script).read_text())
    return "\n".join([*parts, (SCRIPTS / "report.lua").read_text()])


def _lua(text: str) -> str:
    """A Lua string literal; for printable ASCII it is written as in JSON."""
    assert text.isascii()
    assert text.isprintable()
    return json.dumps(text)


def parse_report(output: str) -> LoadReport:
    """Read what ``report.lua`` wrote.

    Raises:
        LoadError: it wrote nothing.
    """
    found = next((line for line in output.splitlines() if line.startswith(MARK)), None)
    if found is None:
        raise LoadError(f"wrk reported nothing: {output[-500:]!r}")
    figures = json.loads(found.removeprefix(MARK))
    return LoadReport(
        requests=figures["requests"],
        seconds=figures["duration"] / 1e6,
        p99=figures["p99"] / 1e6,
        failures=sum(figures[kind] for kind in ("connect", "read", "write", "timeout", "status")),
    )


def put_load(port: int, workload: Workload, *, seconds: int, core: int | None) -> LoadReport:
    """Send requests for that many seconds.

    Raises:
        LoadError: wrk did not do its work.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="ascii") as script:
        script.write(script_for(workload))
        script.flush()
        command = [
            *[
                find_program("wrk") or "wrk",
                "--threads",
                "1",
                "--connections",
                str(workload.connections),
                "--duration",
                f"{seconds}s",
            ],
            *["--script", script.name, f"http://{HOST}:{port}{workload.path}"],
        ]
        try:
            with on_core(core):
                done = subprocess.run(
                    command, capture_output=True, text=True, timeout=seconds + GRACE_SECONDS, check=False
                )
        except OSError as error:
            raise LoadError(f"wrk cannot be run: {error}") from error
        except subprocess.TimeoutExpired as error:
            raise LoadError(f"wrk did not end within {error.timeout:g} s") from error
    if done.returncode != 0:
        raise LoadError(f"wrk ended with {done.returncode}: {(done.stderr or done.stdout).strip()[-200:]}")
    return parse_report(done.stdout)


def wrk_version() -> str | None:
    """``4.1.0``; None when there is no wrk."""
    program = find_program("wrk")
    if program is None:
        return None
    # It ends with 1 when it is only asked for its version.
    words = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.split()
    return words[1] if len(words) > 1 else "of unknown version"
