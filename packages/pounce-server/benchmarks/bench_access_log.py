"""Time what the access log costs a request, and what it costs its writer.

    python benchmarks/bench_access_log.py

Prints nanoseconds: the best of several rounds, in which the machine disturbed least.
"""

from __future__ import annotations

import sys
import sysconfig
import time
from typing import TYPE_CHECKING

from pounce.access_log import RecordBuffer, format_line
from pounce_asgi import ResponseCompleted

if TYPE_CHECKING:
    from collections.abc import Callable

ROUNDS = 9
CALLS = 20_000

RECORD = ResponseCompleted(
    monotonic=10.0,
    wall=1_795_266_573.9,
    worker_id=0,
    connection_id=1,
    request_id=None,
    client=("127.0.0.1", 5000),
    method="GET",
    raw_path=b"/items",
    query_string=b"q=1",
    http_version="1.1",
    request_headers=(),
    status=200,
    body_bytes_sent=1234,
    started=9.0,
    duration=0.0008,
    aborted=False,
)


def nanoseconds(call: Callable[[ResponseCompleted], object], before: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        before()
        started = time.perf_counter()
        for _ in range(CALLS):
            call(RECORD)
        best = min(best, time.perf_counter() - started)
    return best / CALLS * 1e9


def main() -> None:
    buffer = RecordBuffer(lambda: None)

    def empty() -> None:
        while buffer.take():
            pass

    build = "free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else "with the GIL"
    print(f"Python {sys.version.split()[0]}, {build}")
    print(f"a request hands over its record: {nanoseconds(buffer.add, empty):7.0f} ns")
    print(f"the writer formats a line:       {nanoseconds(format_line, empty):7.0f} ns")


if __name__ == "__main__":
    main()
