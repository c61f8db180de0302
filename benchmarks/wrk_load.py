"""wrk with one thread, told by a script what to send and how to report: HTTP/1.1, with TLS or without."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.generator import LoadError, LoadReport, run_generator
from benchmarks.servers import HOST, find_program

if TYPE_CHECKING:
    from benchmarks.workloads import Workload

__all__ = ["parse_report", "run_wrk", "script_for", "wrk_version"]

SCRIPTS: Final = Path(__file__).resolve().parent / "wrk"
MARK: Final = "MEASURED "


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


def run_wrk(port: int, workload: Workload, *, seconds: int, core: int | None) -> LoadReport:
    """Send requests for that many seconds, on connections that are kept unless the server closes them.

    Raises:
        LoadError: wrk did not do its work.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".lua", encoding="ascii") as script:
        script.write(script_for(workload))
        script.flush()
        command = [
            *[find_program("wrk") or "wrk", "--threads", "1", "--connections", str(workload.connections)],
            *["--duration", f"{seconds}s", "--script", script.name],
            f"{workload.wire.scheme}://{HOST}:{port}{workload.path}",
        ]
        return parse_report(run_generator(command, seconds=seconds, core=core))


def wrk_version() -> str | None:
    """``4.1.0``; None when there is no wrk."""
    program = find_program("wrk")
    if program is None:
        return None
    # It ends with 1 when it is only asked for its version.
    words = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout.split()
    return words[1] if len(words) > 1 else "of unknown version"
