"""The metrics of several processes added up: nothing falls, whoever dies, is late, or comes back."""

from __future__ import annotations

import random
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from metrics_records import completed, opened, settings, tell, through_a_pipe, values

from pounce_observability.metrics import Metrics, MetricsTotals, totals, worker_source
from pounce_observability.metrics.totals import KEPT_ABSENT

REQUESTS = ("pounce_http_requests_total", "GET", "200", "http/1.1")
LATENCY = ("pounce_http_request_duration_seconds", "GET", "http/1.1")
LATE = ("pounce_metrics_late_processes",)


class Process:
    """A worker process: what it counts, and the application's metrics in it."""

    def __init__(self, pid: int, worker: int) -> None:
        self.pid = pid
        self.metrics = Metrics(settings(), worker=str(worker), application=False)
        self.listeners = self.metrics.listeners_for_worker(worker)
        self.silent = False
        self.families: list[Any] = []

    def work(self, requests: int = 1, duration: float = 0.1) -> None:
        tell(self.listeners, opened(), *(completed(duration=duration) for _ in range(requests)))

    def snapshot(self) -> Any:
        snapshot: Any = self.metrics.snapshot()
        snapshot["pid"] = self.pid
        snapshot["families"] += self.families
        return through_a_pipe(snapshot)

    def answer(self) -> dict[str, Any]:
        return {"pid": self.pid, "alive": True, "value": None if self.silent else self.snapshot()}


class Site:
    """A server with processes that come and go."""

    def __init__(self, processes: int = 0) -> None:
        self.now = 1000.0
        self.born = 0
        self.processes: list[Process] = []
        self.totals = MetricsTotals(self.gather, processes=True, clock=lambda: self.now)
        for _ in range(processes):
            self.bear()

    def bear(self) -> Process:
        self.born += 1
        process = Process(self.born, self.born % 4)
        self.processes.append(process)
        return process

    def gather(self, question: str, arguments: dict[str, Any], timeout: float) -> list[dict[str, Any]]:
        return [process.answer() for process in self.processes]

    def scrape(self) -> dict[tuple[str, ...], Any]:
        return values(through_a_pipe(self.totals.collect())["families"])


def growing(seen: dict[tuple[str, ...], Any]) -> dict[tuple[str, ...], float]:
    """Everything that must never fall."""
    found: dict[tuple[str, ...], float] = {}
    for key, value in seen.items():
        if isinstance(value, dict):
            found[(*key, "sum")] = value["sum"]
            found.update({(*key, bound): count for bound, count in value["counts"].items()})
        elif key[0].endswith(("_total", "_count", "_sum", "_bucket")):
            found[key] = value
    return found


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["bear", "kill", "end", "work", "work", "silence", "speak", "time", "scrape"]),
        st.integers(0, 7),
        st.floats(0, 10, allow_subnormal=False),
    ),
    max_size=40,
)


def step(site: Site, kind: str, number: int, amount: float) -> None:
    process = site.processes[number % len(site.processes)] if site.processes else None
    match kind:
        case "bear":
            site.bear()
        case "time":
            site.now += amount * 100
    if process is None:
        return
    match kind:
        case "kill":
            site.processes.remove(process)
        case "end":
            site.totals.keep(process.snapshot())
            site.processes.remove(process)
        case "work":
            process.work(number, amount)
        case "silence":
            process.silent = True
        case "speak":
            process.silent = False


@given(STEPS)
@hypothesis_settings(max_examples=60, deadline=None)
def test_no_counter_ever_falls(steps: list[tuple[str, int, float]]) -> None:
    site = Site(2)
    last = growing(site.scrape())
    for one in steps:
        step(site, *one)
        seen = growing(site.scrape())
        for key, value in last.items():
            assert seen[key] >= value, key
        last = seen


def test_what_a_process_said_last_stays_and_is_counted_once() -> None:
    site = Site(3)
    for number, process in enumerate(site.processes, start=1):
        process.work(number)
    assert site.scrape()[REQUESTS] == 6
    killed = site.processes.pop()
    killed.work(100)  # nobody has heard of these
    ended = site.processes.pop()
    ended.work(10)
    site.totals.keep(ended.snapshot())
    for _ in range(3):
        seen = site.scrape()
        assert (seen[REQUESTS], seen["pounce_connections_open", "http/1.1"]) == (16, 1)
        assert sum(seen[LATENCY]["counts"].values()) == 16
        site.now += KEPT_ABSENT - 1
    assert site.totals._known.keys() == {site.processes[0].metrics._process}
    site.totals.keep(killed.snapshot())
    assert site.scrape()[REQUESTS] == 16, "it is part of a sum by now"


def test_one_that_still_finishes_may_say_more_after_it_is_not_asked_any_more() -> None:
    site = Site(1)
    process = site.processes[0]
    process.work(2)
    site.scrape()
    site.processes.clear()
    process.work(3)
    assert site.scrape()[REQUESTS] == 2
    site.now += KEPT_ABSENT - 1
    site.totals.keep(process.snapshot())
    assert site.scrape()[REQUESTS] == 5


def test_one_that_is_late_counts_with_what_it_said_before() -> None:
    site = Site(2)
    for process in site.processes:
        process.work()
    assert site.scrape()[LATE] == 0
    site.processes[0].silent = True
    site.processes[0].work(5)
    for _ in range(3):
        seen = site.scrape()
        assert (seen[REQUESTS], seen[LATE], seen["pounce_connections_open", "http/1.1"]) == (2, 1, 2)
        site.now += KEPT_ABSENT
    site.processes[0].silent = False
    seen = site.scrape()
    assert (seen[REQUESTS], seen[LATE]) == (7, 0)


def test_answers_that_overtake_each_other() -> None:
    site = Site(1)
    (process,) = site.processes
    process.work()
    older = process.snapshot()
    process.work()
    assert site.scrape()[REQUESTS] == 2
    site.totals.keep(older)
    assert site.scrape()[REQUESTS] == 2


def test_memory_does_not_grow_with_restarts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals, "FORGOTTEN", 16)
    site = Site(1)
    site.processes[0].work()
    for _ in range(40):
        site.scrape()
        site.now += KEPT_ABSENT + 1
        site.processes = [Process(1, 0)]
    assert len(site.totals._known) <= 2
    assert len(site.totals._forgotten) == 16


def test_gauges_are_of_those_that_are_there() -> None:
    site = Site(3)
    for process in site.processes:
        process.work()
        process.metrics.add_source(
            worker_source("pounce_worker_heartbeat_age_seconds", lambda pid=process.pid: {pid % 4: pid / 2})  # type: ignore[misc]
        )
        process.metrics.add_source(worker_source("pounce_http_requests_in_flight", lambda: {0: 1}))
    site.scrape()
    site.processes.pop()
    seen = site.scrape()
    ages = {key: value for key, value in seen.items() if "heartbeat" in key[0]}
    assert ages == {
        ("pounce_worker_heartbeat_age_seconds", "1"): 0.5,
        ("pounce_worker_heartbeat_age_seconds", "2"): 1.0,
    }
    assert seen["pounce_connections_open", "http/1.1"] == 2
    assert len([key for key in seen if key[0] == "pounce_build_info"]) == 1


def family(name: str, kind: str, merge: str, samples: list[list[Any]]) -> dict[str, Any]:
    return {"name": name, "kind": kind, "help": name, "unit": "", "merge": merge, "samples": samples}


def test_the_applications_metrics() -> None:
    site = Site(2)
    for process in site.processes:
        n = process.pid
        process.families = [
            family("jobs", "counter", "sum", [["jobs_total", {"kind": "a"}, n + 0.5], ["jobs_created", {}, 100.0 + n]]),
            family("size", "histogram", "sum", [["size_bucket", {"le": "1.0"}, n], ["size_sum", {}, 0.1 * n]]),
            family("took", "summary", "sum", [["took_count", {}, n], ["took_sum", {}, 0.1]]),
            family("temperature", "gauge", "worker", [["temperature", {"room": "x"}, 20.0 + n]]),
            family("cores", "gauge", "worker", [["cores", {"worker": "mine"}, n]]),
            family("python_info", "gauge", "any", [["python_info", {"version": "3"}, 1.0]]),
        ]
    expected = {
        ("jobs_total", "a"): 4,
        ("jobs_created",): 101.0,
        ("size_bucket", "1.0"): 3,
        ("size_sum",): pytest.approx(0.3),
        ("took_count",): 3,
        ("took_sum",): 0.2,
        ("temperature", "x", "1"): 21.0,
        ("temperature", "x", "2"): 22.0,
        ("cores", "mine", "1"): 1,
        ("cores", "mine", "2"): 2,
        ("python_info", "3"): 1.0,
    }
    seen = site.scrape()
    assert {key: seen[key] for key in expected} == expected
    labels = [
        sample[1] for one in site.totals.collect()["families"] if one["name"] == "cores" for sample in one["samples"]
    ]
    assert labels == [{"worker": "mine", "pounce_worker": "1"}, {"worker": "mine", "pounce_worker": "2"}]
    site.processes.pop()
    seen = site.scrape()
    assert (seen["jobs_total", "a"], seen.get(("temperature", "x", "2"))) == (4, None)


def test_a_metric_that_newer_code_made_another_is_the_newer() -> None:
    site = Site(2)
    for process, kind, value in zip(site.processes, ("counter", "gauge"), (9, 4), strict=True):
        process.families = [family("thing", kind, "sum", [["thing", {}, value]])]
    assert site.scrape()["thing",] == 4


def test_the_process_that_starts_the_others_has_numbers_too() -> None:
    local = Metrics(settings(), application=False)
    tell(local.listeners_for_worker(0), completed())
    worker = Process(5, 0)
    worker.work(2)
    added = MetricsTotals(lambda *_: [worker.answer()], processes=True, local=local)
    for _ in range(2):
        seen = values(added.answer({})["families"])
        assert (seen[REQUESTS], seen[LATE]) == (3, 0)


def test_several_may_ask_at_once_while_processes_come_and_go() -> None:
    site = Site(4)
    failures: list[str] = []

    def scrape() -> None:
        last = growing(site.scrape())
        for _ in range(15):
            seen = growing(site.scrape())
            failures.extend(f"{key}: {value} -> {seen[key]}" for key, value in last.items() if seen[key] < value)
            last = seen

    readers = [threading.Thread(target=scrape) for _ in range(3)]
    for reader in readers:
        reader.start()
    chance = random.Random(8)
    while any(reader.is_alive() for reader in readers):
        for process in site.processes:
            process.work(3, chance.random())
        # Another list: readers go through the one that they have.
        site.born += 1
        site.processes = [*site.processes[1:], Process(site.born, 0)]
    assert failures == []
