"""The load generator ``wrk``, with one thread, told by a script what to send and how to report."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Final

from pounce_testing.bench.errors import BenchError
from pounce_testing.bench.load_report import PERCENTILES, LoadReport

if TYPE_CHECKING:
    from pounce_testing.bench.request import LoadRequest

__all__ = ["find_wrk", "parse_wrk", "wrk_command", "wrk_script"]

MARK: Final = "MEASURED "

_REPORT: Final = """\
function done(summary, latency, requests)
  local errors = summary.errors
  local failures = errors.connect + errors.read + errors.write + errors.timeout + errors.status
  io.write(string.format('\\n%s{"requests": %%d, "microseconds": %%d, "failures": %%d, "latencies": {',
    summary.requests - errors.status, summary.duration, failures))
  for at, share in ipairs({%s}) do
    io.write(string.format('%%s"%%s": %%d', at > 1 and ", " or "", share, latency:percentile(share)))
  end
  io.write("}}\\n")
end
""" % (MARK, ", ".join(f"{share:g}" for share in PERCENTILES))  # noqa: UP031 - the braces are Lua's


def find_wrk() -> str | None:
    """Its path; None where it is not installed."""
    return shutil.which("wrk")


def wrk_script(request: LoadRequest) -> str:
    """In Lua: what to send, and one line at the end with what came of it."""
    lines = [f"wrk.method = {_lua(request.method.encode())}"]
    lines += [f"wrk.headers[{_lua(name.encode())}] = {_lua(value.encode())}" for name, value in request.headers]
    if request.body:
        lines.append(f"wrk.body = {_lua(request.body)}")
    return "\n".join([*lines, _REPORT])


def _lua(data: bytes) -> str:
    """A string literal for any bytes."""
    return '"' + "".join(chr(one) if 32 <= one < 127 and one not in b'"\\' else f"\\{one:03d}" for one in data) + '"'


def wrk_command(program: str, script: str, url: str, *, connections: int, seconds: float) -> list[str]:
    """What starts it; it takes whole seconds."""
    return [
        *[program, "--threads", "1", "--connections", str(connections), "--duration", f"{max(round(seconds), 1)}s"],
        *["--script", script, url],
    ]


def parse_wrk(output: str, generator_cpu: float) -> LoadReport:
    """What the script wrote.

    Raises:
        BenchError: it wrote nothing.
    """
    found = next((line for line in output.splitlines() if line.startswith(MARK)), None)
    if found is None:
        raise BenchError(f"wrk reported nothing: {output[-500:]!r}")
    figures = json.loads(found.removeprefix(MARK))
    return LoadReport(
        requests=figures["requests"],
        seconds=figures["microseconds"] / 1e6,
        failures=figures["failures"],
        latencies={float(share): microseconds / 1e6 for share, microseconds in figures["latencies"].items()},
        generator_cpu=generator_cpu,
    )
