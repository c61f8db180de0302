"""A server that is scraped again and again, by whichever worker takes the connection, while workers are killed and code
is replaced: no counter ever falls, and at the end the numbers are those of the clients.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import pytest
from prometheus_client.parser import text_string_to_metric_families

from pounce_testing import RawClient, ResponseError
from tests.under_load.code import write_code
from tests.under_load.running import RunningServer, wait_until
from tests.under_load.steady_load import SteadyLoad

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="its processes are found in /proc")

SCRAPES: Final = 100
APPLICATION: Final = """
import os

from prometheus_client import Counter

ANSWERED = Counter("shop_answers", "Answers.")

async def app(scope, receive, send):
    if scope["type"] != "http":
        raise NotImplementedError
    ANSWERED.inc()
    body = str(os.getpid()).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})
"""

Numbers = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scrape(port: int) -> Numbers:
    """Every value by name and labels. Who is answered by a worker that is being killed comes again."""
    read: Any = text_string_to_metric_families
    while True:
        try:
            with contextlib.closing(RawClient("127.0.0.1", port, timeout=20)) as client:
                client.send(b"GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
                answer = client.read_response()
        except (OSError, ResponseError):
            time.sleep(0.01)
            continue
        assert answer.status == 200, answer
        return {
            (sample.name, tuple(sorted(sample.labels.items()))): sample.value
            for family in read(answer.body.decode())
            for sample in family.samples
            if family.type in ("counter", "histogram", "summary") and not sample.name.endswith("_created")
        }


def requests_in(numbers: Numbers) -> float:
    return sum(value for (name, _), value in numbers.items() if name == "pounce_http_requests_total")


def falls(before: Numbers, after: Numbers) -> list[str]:
    return [f"{key}: {value} -> {after.get(key)}" for key, value in before.items() if not after.get(key, -1) >= value]


def test_processes_that_are_killed_and_replaced(tmp_path: Path) -> None:
    write_code(tmp_path, APPLICATION)
    arguments = ("--metrics", "--worker-kind", "process", "--workers", "2")
    with (
        RunningServer(tmp_path, *arguments) as server,
        SteadyLoad(server.port, keeping=8, closing=4, think=0.05) as load,
    ):
        wait_until(lambda: load.tally.answered > 100, "clients are served")
        last = scrape(server.port)
        for number in range(SCRAPES):
            if number == 20:
                os.kill(server.workers[0], signal.SIGKILL)
            if number == 40:
                server.signal(signal.SIGHUP)
            # A scrape may wait for a process that starts; a few of these are enough.
            if number == 22:
                wait_until(lambda: len(load.tally.bodies) >= 3, "a successor answers")
            if number == 42:
                server.wait_for("generation 2 of the code serves")
            seen = scrape(server.port)
            assert falls(last, seen) == []
            last = seen
        load.stop()
        assert requests_in(last) > 100
        assert server.stop() == 0
    assert last["shop_answers_total", ()] > 100


def test_threads_whose_code_is_replaced(tmp_path: Path) -> None:
    write_code(tmp_path, APPLICATION)
    arguments = ("--metrics", "--worker-kind", "thread", "--workers", "2")
    with (
        RunningServer(tmp_path, *arguments) as server,
        SteadyLoad(server.port, keeping=8, closing=4, think=0.05) as load,
    ):
        wait_until(lambda: load.tally.answered > 100, "clients are served")
        last = scrape(server.port)
        for number in range(SCRAPES):
            if number == 30:
                server.reload(2)
            seen = scrape(server.port)
            # The application's own begin anew with its code, as after a restart.
            last.pop(("shop_answers_total", ()))
            assert falls(last, seen) == []
            last = seen
        tally = load.stop()
        end = scrape(server.port)
        assert requests_in(end) == tally.answered + 1 + SCRAPES
        assert server.stop() == 0
