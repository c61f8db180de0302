"""What `pounce top` shows, out of two answers."""

from __future__ import annotations

import math

import pytest
from top_doubles import answer, process, request, traffic, worker

from pounce_observability.top.figures import figures_of, percentile
from pounce_observability.top.units import bytes_text, duration, number, printable


def test_one_answer_has_no_rates() -> None:
    figures = figures_of(answer(5.0, process(worker(0, 10), worker(1, 20)), numbers=traffic(30)))
    assert (figures.version, figures.processes, figures.uptime, figures.gil) == ("1.2.3", 1, 3725.0, False)
    assert (figures.connections, figures.in_flight, figures.queued) == (6, 2, 0)
    assert figures.requests_per_second is None
    assert figures.p50 is None
    assert [one.requests_per_second for one in figures.workers] == [None, None]
    assert figures.cpu is None


def test_rates_are_what_has_risen_in_between() -> None:
    before = answer(5.0, process(worker(0, 10), cpu=1.0), numbers=traffic(10, 1, 1000, [(0.005, 5), (0.1, 6)]))
    now = answer(
        7.0, process(worker(0, 14), cpu=2.0), numbers=traffic(30, 5, 5000, [(0.005, 15), (0.1, 15), (None, 1)])
    )
    figures = figures_of(now, before)
    assert figures.requests_per_second == 12.0
    assert figures.errors_per_second == 2.0
    assert figures.bytes_per_second == 2000.0
    assert figures.workers[0].requests_per_second == 2.0
    assert figures.cpu == 0.5
    assert (figures.p50, figures.p99) == (0.005, math.inf)


def test_without_metrics_requests_are_those_that_workers_count() -> None:
    before = answer(0.0, process(worker(0, 10)), process(worker(1, 100, pid=101), pid=101))
    now = answer(2.0, process(worker(0, 14)), process(worker(1, 110, pid=101), pid=101))
    figures = figures_of(now, before)
    assert figures.requests_per_second == 7.0
    assert (figures.errors_per_second, figures.bytes_per_second, figures.p50) == (None, None, None)
    assert figures.rss == 100 * 1024 * 1024


def test_after_a_restart_rates_begin_anew() -> None:
    before = answer(5.0, process(worker(0, 1000)), numbers=traffic(1000, 5, 10_000, [(0.1, 1000)]))
    now = answer(6.0, process(worker(0, 3)), numbers=traffic(3, 0, 30, [(0.1, 3)]))
    figures = figures_of(now, before)
    assert figures.requests_per_second is None
    assert figures.bytes_per_second is None
    assert figures.p50 is None
    assert figures.workers[0].requests_per_second is None
    assert figures_of(before, now).requests_per_second is None  # time does not go backwards


def test_a_worker_that_is_new_counts_from_the_next_answer_on() -> None:
    before = answer(0.0, process(worker(0, 10)))
    now = answer(1.0, process(worker(0, 10), worker(0, 50, generation=2)))
    assert [one.requests_per_second for one in figures_of(now, before).workers] == [0.0, None]


def test_processes_that_did_not_answer_are_counted() -> None:
    silent = {"pid": 9, "worker_id": 1, "generation": 1, "alive": False, "value": None}
    figures = figures_of(answer(0.0, process(worker()), silent))
    assert (figures.processes, figures.lost_processes) == (1, 1)
    assert figures_of(answer(0.0, silent)).gil is None


def test_the_slowest_requests_come_first_and_websockets_not_at_all() -> None:
    requests = [
        request("/quick", 0.1),
        request("/unknown", None),
        request("/slow", 9.0),
        request("/socket", 900.0, kind="websocket"),
    ]
    figures = figures_of(answer(0.0, process(worker()), requests=requests))
    assert [one.path for one in figures.slowest] == ["/slow", "/quick", "/unknown"]


@pytest.mark.parametrize(
    ("buckets", "share", "expected"),
    [
        ([], 0.5, None),
        ([(0.1, 0)], 0.5, None),
        ([(0.1, 1)], 0.99, 0.1),
        ([(0.1, 50), (0.2, 50)], 0.5, 0.1),
        ([(0.2, 51), (0.1, 49)], 0.5, 0.2),
        ([(0.1, 98), (math.inf, 2)], 0.99, math.inf),
    ],
)
def test_percentiles(buckets: list[tuple[float, int]], share: float, expected: float | None) -> None:
    assert percentile(buckets, share) == expected


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (number(None), "-"),
        (number(0), "0"),
        (number(4.25), "4.2"),
        (number(137.4), "137"),
        (number(1234), "1,234"),
        (number(12345), "12.3k"),
        (number(4_500_000), "4.5M"),
        (bytes_text(None), "-"),
        (bytes_text(512), "512 B"),
        (bytes_text(4096), "4.0 KiB"),
        (bytes_text(3 * 1024**4), "3.0 TiB"),
        (duration(None), "-"),
        (duration(0.0004), "0.4ms"),
        (duration(0.012), "12ms"),
        (duration(0.9996), "1.0s"),
        (duration(3.24), "3.2s"),
        (duration(59.97), "1m00s"),
        (duration(250), "4m10s"),
        (duration(7500), "2h05m"),
        (duration(273600), "3d04h"),
        (duration(math.inf), "long"),
        (printable("/a\x1b[2Jb\n\x9b\u202e"), "/a\ufffd[2Jb\ufffd\ufffd\ufffd"),
    ],
)
def test_values_are_short_and_plain(shown: str, expected: str) -> None:
    assert shown == expected
