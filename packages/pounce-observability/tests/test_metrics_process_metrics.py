"""The numbers of a process: those of its threads, of threads that are gone, and of others that count."""

from __future__ import annotations

import gc
import logging
import threading
from typing import Any

import pytest
from metrics_records import closed, completed, opened, settings, tell, through_a_pipe, values

from pounce_observability.metrics import Metrics, Reading, queue_source, rate_limit_source, worker_source

REQUESTS = ("pounce_http_requests_total", "GET", "200", "http/1.1")
OPEN = ("pounce_connections_open", "http/1.1")


def found(metrics: Metrics) -> dict[tuple[str, ...], Any]:
    return values(through_a_pipe(metrics.snapshot())["families"])


def in_a_thread(work: Any) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_what_one_thread_of_a_worker_opens_another_may_close() -> None:
    """And it may have ended by then, as may the one that closes, or never have opened anything."""
    metrics = Metrics(settings(), application=False)
    listeners = metrics.listeners_for_worker(0, shared=True)
    tell(listeners, opened(), opened(), opened())
    assert found(metrics)[OPEN] == 3
    in_a_thread(lambda: tell(listeners, closed()))
    assert found(metrics)[OPEN] == 2
    in_a_thread(lambda: tell(listeners, opened()))
    assert found(metrics)[OPEN] == 3
    tell(listeners, closed(), closed(), closed())
    assert found(metrics)[OPEN] == 0


def test_what_ended_threads_counted_stays_and_nothing_grows() -> None:
    metrics = Metrics(settings(), application=False)
    for generation in range(1, 51):
        in_a_thread(lambda: tell(metrics.listeners_for_worker(0), opened(), completed()))
        seen = found(metrics)
        assert seen[REQUESTS] == generation
        assert seen["pounce_connections_opened_total", "http/1.1"] == generation
        assert seen.get(OPEN, 0) == 0, "a connection does not outlive its worker"
        assert len(metrics._counting) == 0
    assert len(metrics._ended.requests) == 1


def test_nothing_grows_where_nobody_reads() -> None:
    metrics = Metrics(settings(), application=False)
    for _ in range(50):
        in_a_thread(lambda: tell(metrics.listeners_for_worker(0), opened(), completed()))
        assert len(metrics._counting) == 1, "the one that has just ended"
    assert found(metrics)[REQUESTS] == 50


def test_eight_threads_count_exactly_while_somebody_reads() -> None:
    metrics = Metrics(settings(), application=False)
    listeners: list[Any] = []
    ready, go = threading.Barrier(9), threading.Event()

    def work(number: int) -> None:
        listener = metrics.listeners_for_worker(number)
        listeners.append(listener)
        ready.wait()
        go.wait()
        call = listener[0].listener
        for count in range(2000):
            call(completed("GET" if count % 2 else "POST", 200 + count % 7, duration=0.001 * count))
            if count % 100 == 0:
                tell(listener, opened(), closed())

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    ready.wait()
    go.set()
    last: dict[tuple[str, ...], Any] = {}
    while any(thread.is_alive() for thread in threads):
        seen = found(metrics)
        for key, value in last.items():
            if key[0].endswith("_total"):
                assert seen[key] >= value
            elif isinstance(value, dict):
                assert seen[key]["sum"] >= value["sum"]
                assert all(seen[key]["counts"][bound] >= count for bound, count in value["counts"].items())
        last = seen
    end = found(metrics)
    assert sum(value for key, value in end.items() if key[0] == "pounce_http_requests_total") == 16_000
    assert end["pounce_connections_opened_total", "http/1.1"] == 160
    latencies = [value for key, value in end.items() if key[0] == "pounce_http_request_duration_seconds"]
    assert sum(sum(one["counts"].values()) for one in latencies) == 16_000
    assert sum(one["sum"] for one in latencies) == pytest.approx(8 * sum(0.001 * count for count in range(2000)))


def test_snapshots_are_numbered_and_name_their_process() -> None:
    metrics = Metrics(settings(), worker="3", application=False)
    first, second = metrics.snapshot(), metrics.answer({})
    assert (first["sequence"], second["sequence"]) == (1, 2)
    assert first["process"] == second["process"] != Metrics(settings()).snapshot()["process"]
    assert first["worker"] == "3"


def test_build_info() -> None:
    metrics = Metrics(settings(), version="1.2.3", application=False)
    (info,) = [key for key in found(metrics) if key[0] == "pounce_build_info"]
    assert info[1] == "1.2.3"
    assert info[-1] in ("on", "off")


def test_collections_are_measured_until_the_end() -> None:
    metrics = Metrics(settings(), application=False)
    metrics.start()
    gc.collect()
    metrics.close()
    seen = found(metrics)["pounce_gc_pause_seconds", "2"]
    assert sum(seen["counts"].values()) >= 1
    assert seen["sum"] > 0
    gc.collect()
    assert found(metrics)["pounce_gc_pause_seconds", "2"] == seen
    metrics.close()


class Numbers:
    """A source whose numbers can be changed."""

    def __init__(self) -> None:
        self.refused = 0
        self.fails = False

    def read(self) -> list[Reading]:
        if self.fails:
            raise RuntimeError("no numbers")
        return [
            Reading("pounce_rate_limited_requests_total", self.refused),
            Reading("pounce_worker_heartbeat_age_seconds", 0.5, (("worker", "1"),)),
        ]


LIMITED = ("pounce_rate_limited_requests_total",)
AGE = ("pounce_worker_heartbeat_age_seconds", "1")


def test_counters_of_a_source_never_fall() -> None:
    metrics = Metrics(settings(), application=False)
    one, two = Numbers(), Numbers()
    remove = metrics.add_source(one.read)
    one.refused = 7
    assert (found(metrics)[LIMITED], found(metrics)[AGE]) == (7, 0.5)
    one.refused = 2  # it began anew
    assert found(metrics)[LIMITED] == 9
    one.refused = 5
    assert found(metrics)[LIMITED] == 12
    metrics.add_source(two.read)
    two.refused = 100
    assert found(metrics)[LIMITED] == 112
    one.refused = 6
    remove()
    remove()
    one.refused = 1000
    assert found(metrics)[LIMITED] == 113


def test_a_source_that_raises_keeps_its_counters_and_is_named_once(caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics(settings(), application=False)
    source = Numbers()
    source.refused = 4
    metrics.add_source(source.read)
    found(metrics)
    source.fails = True
    with caplog.at_level(logging.ERROR, "pounce.error"):
        for _ in range(3):
            seen = found(metrics)
            assert (seen[LIMITED], seen.get(AGE)) == (4, None)
    assert len(caplog.records) == 1
    assert "Numbers.read" in caplog.text


@pytest.mark.parametrize(
    "reading", [Reading("pounce_nothing_total", 1), Reading("pounce_queue_refused_total", 1, (("why", "full"),))]
)
def test_only_metrics_of_the_catalogue_are_taken(reading: Reading, caplog: pytest.LogCaptureFixture) -> None:
    metrics = Metrics(settings(), application=False)
    metrics.add_source(lambda: [reading])
    assert reading.name not in {key[0] for key in found(metrics)}
    assert "A source of metrics raised" in caplog.text


class Queue:
    limit, active, waiting, waited = 10, 4, 3, (20, 1.25)

    def __init__(self) -> None:
        self.refused = {"full": 2, "expired": 1, "gone": 0}


def test_sources_of_the_parts_of_the_server() -> None:
    metrics = Metrics(settings(), application=False)
    metrics.add_source(queue_source(Queue()))
    limiter = Numbers()
    limiter.refused = 8
    metrics.add_source(rate_limit_source(limiter))
    metrics.add_source(worker_source("pounce_http_requests_in_flight", lambda: {0: 3, 1: 0}))
    seen = found(metrics)
    assert {key: seen[key] for key in seen if "queue" in key[0] or "limited" in key[0] or "flight" in key[0]} == {
        ("pounce_queue_requests",): 3,
        ("pounce_queue_places",): 10,
        ("pounce_queue_places_used",): 4,
        ("pounce_queue_wait_seconds_sum",): 1.25,
        ("pounce_queue_wait_seconds_count",): 20,
        ("pounce_queue_refused_total", "full"): 2,
        ("pounce_queue_refused_total", "expired"): 1,
        ("pounce_queue_refused_total", "gone"): 0,
        LIMITED: 8,
        ("pounce_http_requests_in_flight", "0"): 3,
        ("pounce_http_requests_in_flight", "1"): 0,
    }
