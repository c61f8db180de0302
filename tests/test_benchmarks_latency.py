"""Latency and pauses are measured honestly: nothing is left out, and what others disturbed is told apart."""

from __future__ import annotations

import gc
import os
import sys
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from benchmarks import apps, latency, open_loop
from benchmarks.ground import Ground, Taken
from benchmarks.latency import LatencyTurn, Pace, measure_latency, median_p99
from benchmarks.machine import Cores, Interpreter
from benchmarks.open_loop import OpenLoopReport, Timetable, percentile, send_by_timetable
from benchmarks.pause_apps import CollectionTimes, littering
from benchmarks.pauses import PauseTurn, longest_pause
from benchmarks.process_tree import busy_seconds
from benchmarks.report import latency_table, pause_table
from benchmarks.servers import SERVERS
from benchmarks.serving import on_core
from pounce_testing import TestServer

if TYPE_CHECKING:
    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope

linux = pytest.mark.skipif(sys.platform != "linux", reason="benchmarks measure by means of epoll and /proc")


def ground_of(cores: Cores) -> Ground:
    here = Interpreter(
        path=sys.executable,
        base=sys.executable,
        version="3.14.2",
        compiler="GCC",
        free_threaded=True,
        optimised=True,
        lto=True,
        versions={},
        holds_gil=[],
    )
    return Ground(servers=[SERVERS["pounce"]], ours=here, peers=None, rounds=1, seconds=1, warm_up=0, cores=cores)


def report(p99: float, *, requests: int = 100, failures: int = 0) -> OpenLoopReport:
    return OpenLoopReport(requests=requests, p50=p99 / 2, p99=p99, longest=p99 * 2, late=1e-6, failures=failures)


def latency_turns(*p99: float, problem: str = "", others: float = 0.01, **other: int) -> Taken[LatencyTurn]:
    return Taken([LatencyTurn(rate=1000, report=report(one, **other), others=others) for one in p99], problem)


@pytest.mark.parametrize(
    ("share", "expected"), [(0.5, 50), (0.99, 99), (0.991, 100), (1.0, 100), (0.0, 1)], ids=lambda value: str(value)
)
def test_percentiles(share: float, expected: float) -> None:
    assert percentile(range(1, 101), share) == expected
    assert percentile([], share) == 0


def test_a_timetable_has_its_rate_and_can_be_had_again() -> None:
    timetable = Timetable.at_random(1000, warm_up=1, seconds=4, seed=1)
    assert 4700 < len(timetable.due) < 5300  # four standard deviations
    assert list(timetable.due) == sorted(timetable.due)
    assert timetable.due[timetable.measured_from - 1] < 1 <= timetable.due[timetable.measured_from]
    assert timetable.due == Timetable.at_random(1000, warm_up=1, seconds=4, seed=1).due
    assert timetable.due != Timetable.at_random(1000, warm_up=1, seconds=4, seed=2).due


@linux
def test_a_server_that_stands_still_is_charged_with_all_who_wait() -> None:
    """One request takes 0.3 s; those due meanwhile have to wait for it, or for one of the two connections."""
    served = 0

    async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        nonlocal served
        served += 1
        if served == 31:
            time.sleep(0.3)  # noqa: ASYNC251 - this is what is measured
        await apps.hello(scope, receive, send)

    timetable = Timetable([number * 0.002 for number in range(110)], measured_from=10)
    with TestServer(app) as server:
        seen = send_by_timetable(server.port, timetable, connections=2, answer=b"Hello, world!")
    assert (seen.requests, seen.failures) == (100, 0)
    assert seen.longest >= 0.3
    # Counted from when each was sent, all but two would have been answered at once.
    assert 0.15 <= seen.p50 < seen.longest


@linux
def test_what_is_no_proper_answer_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_loop, "GRACE_SECONDS", 0.2)
    timetable = Timetable([0.0, 0.001, 0.002], measured_from=0)

    async def refuse(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        await send({"type": "http.response.start", "status": 503, "headers": [(b"content-length", b"13")]})
        await send({"type": "http.response.body", "body": b"Hello, world!"})

    for app, answer in [(refuse, b"Hello, world!"), (apps.hello, b"another")]:
        with TestServer(app) as server:
            seen = send_by_timetable(server.port, timetable, connections=1, answer=answer)
        assert (seen.requests, seen.failures) == (0, 3)


@linux
def test_latency_is_measured_at_half_of_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "ATTEMPTS", 1)
    ground = ground_of(Cores.choose())
    saturation = {"pounce": 400.0}
    assert measure_latency(ground, saturation, Pace.REFERENCE) == {}
    (turn,) = measure_latency(ground, saturation, Pace.OWN)["pounce"].turns
    assert turn.rate == 200
    assert 130 < turn.report.requests < 270
    assert turn.report.failures == 0
    assert 0 <= turn.others <= 1.1


def test_a_turn_that_others_disturbed_is_taken_again(monkeypatch: pytest.MonkeyPatch) -> None:
    disturbed = [LatencyTurn(rate=1, report=report(1), others=others) for others in (0.5, 0.2, 0.01, 0.0)]
    left = list(disturbed)
    monkeypatch.setattr(latency, "_turn", lambda *_: left.pop(0))
    assert measure_latency(ground_of(Cores(0, 1)), {"pounce": 10.0}, Pace.OWN)["pounce"].turns == [disturbed[2]]
    assert left == [disturbed[3]]


def test_latency_in_words() -> None:
    taken = {
        "pounce": latency_turns(0.001, 0.002, 0.009, failures=1),
        "uvicorn": latency_turns(0.004),
        "granian": latency_turns(0.001, problem="broke\nx"),
        "nginx": latency_turns(0.001, requests=0),
        "hypercorn": latency_turns(0.001, others=0.5),
    }
    taken["pounce"].turns += latency_turns(0.5, 0.5, others=0.1).turns  # which do not count
    saturation = dict.fromkeys(taken, 2000.0)
    _, _, pounce, uvicorn, granian, nginx, hypercorn = latency_table(taken, saturation).splitlines()
    assert pounce == "| pounce | 2,000 | 1,000 | 1.000 | 2.000 | 0.50 | 18.00 | 0.001 | 1% | **3 (!)** |"
    assert "| 1.00 |" in uvicorn
    assert "failed: broke |" in granian
    assert "| answered nothing |" in nginx
    assert "| disturbed by others |" in hypercorn
    assert [median_p99(one) for one in taken.values()] == [0.002, 0.004, None, None, None]


def test_pauses_are_timed() -> None:
    times = CollectionTimes()
    times("stop", {})  # of a collection that began before
    for _ in range(2):
        times("start", {})
        times("stop", {})
    said = times.read()
    assert said["collections"] == 2
    assert 0 < said["longest"] <= said["total"] < 1
    assert times.read() == {"collections": 0, "longest": 0.0, "total": 0}


def test_the_littering_application_leaves_cycles_and_tells_its_pauses() -> None:
    with TestServer(littering) as server, httpx.Client(trust_env=False) as client:
        client.get(f"{server.url}/pauses")
        gc.collect()
        for _ in range(20):
            client.get(server.url)
        assert gc.collect() >= 20
        said = client.get(f"{server.url}/pauses").json()
    assert said["collections"] >= 2
    assert said["total"] >= said["longest"] > 0


def test_pauses_in_words() -> None:
    turns = [
        PauseTurn(requests=1000, collections=count, longest=longest, total=longest, seconds=2)
        for count, longest in ((0, 0.0), (2, 0.004))
    ]
    taken = {"pounce": Taken(turns), "uvicorn": Taken(turns[:1], "broke\nx")}
    _, _, pounce, uvicorn = pause_table(taken).splitlines()
    assert pounce == "| pounce | 2,000 | 2 | 4.00 | 0.10% |"
    assert "failed: broke |" in uvicorn
    assert longest_pause(taken["pounce"]) == 0.004
    assert longest_pause(taken["uvicorn"]) is None


@linux
def test_a_core_is_busy_for_everybody() -> None:
    (core, *_) = os.sched_getaffinity(0)
    before, own = busy_seconds(core), time.process_time()
    with on_core(core):
        while time.process_time() - own < 0.2:
            pass
    assert busy_seconds(core) - before >= 0.15  # it counts in hundredths
    with pytest.raises(ValueError, match="no core 99999"):
        busy_seconds(99999)
