"""Measure what metrics cost a request, and a scrape.

    python benchmarks/bench_metrics.py

Processor time of one thread, the least of several rounds, in microseconds for each request that is over. The record is
made beforehand: the access log needs it anyway. "inline" is what the package does; "attributes" and "folding" are what
was tried instead. The last lines are with several threads at once, each with its own listeners.
"""

from __future__ import annotations

import platform
import sysconfig
import threading
import time
from collections import Counter
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import Listeners, Subscriber
from pounce_asgi.lifecycle import ResponseCompleted
from pounce_observability.metrics import Metrics, MetricsSettings, MetricsTotals
from pounce_observability.metrics.buckets import Layout
from pounce_observability.metrics.prometheus_library import text_of
from pounce_observability.metrics.protobuf import protobuf_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROUNDS: Final = 25
TIMES: Final = 20
"""How often the records are told in a round."""
BATCH: Final = 1024
HEAD: Final = (10.0, 1e9, 0, 7, None, ("192.0.2.1", 5), "GET", b"/", b"", "1.1", [(b"host", b"x")])
RECORDS: Final = [
    ResponseCompleted(*HEAD, 200, 13, 9.0, 0.00005 * (1 + number % 77), False, 0, "http/1.1") for number in range(1000)
]

FIELDS: Final = ResponseCompleted._fields
KEY: Final = itemgetter(*map(FIELDS.index, ("method", "status", "protocol", "aborted")))
SIZE: Final = itemgetter(FIELDS.index("body_bytes_sent"))
DURATION: Final = itemgetter(FIELDS.index("duration"))


def nothing(record: Any) -> None:
    """The call alone."""


def with_attributes() -> Callable[[Any], None]:
    """Four counters, found by the attributes of the record."""
    from bisect import bisect_left

    layout = Layout(MetricsSettings().bounds)
    known: dict[Any, list[Any]] = {}

    def completed(record: ResponseCompleted) -> None:
        key = (record.method, record.status, record.protocol, record.aborted)
        numbers = known.get(key)
        if numbers is None:
            numbers = known[key] = [0, 0, 0.0, [0] * layout.places]
        numbers[0] += 1
        numbers[1] += record.body_bytes_sent
        numbers[2] += record.duration
        numbers[3][bisect_left(layout.bounds, record.duration)] += 1

    return completed


def folding() -> Callable[[Any], None]:
    """Records put aside, counted by loops in C."""
    from bisect import bisect_left

    layout = Layout(MetricsSettings().bounds)
    place = partial(bisect_left, layout.bounds)
    aside: list[Any] = []
    requests: Counter[Any] = Counter()
    places: Counter[int] = Counter()
    sums = [0, 0.0]

    def completed(record: ResponseCompleted) -> None:
        aside.append(record)
        if len(aside) >= BATCH:
            durations = list(map(DURATION, aside))
            requests.update(map(KEY, aside))
            places.update(map(place, durations))
            sums[0] += sum(map(SIZE, aside))
            sums[1] += sum(durations)
            aside.clear()

    return completed


def inline() -> Callable[[Any], None]:
    return Metrics(MetricsSettings(), application=False).listeners_for_worker(0)[0].listener


def shared() -> Callable[[Any], None]:
    return Metrics(MetricsSettings(), application=False).listeners_for_worker(0, shared=True)[0].listener


def alone_in_a_server() -> Callable[[Any], None]:
    listener = Listeners.of(*Metrics(MetricsSettings(), application=False).listeners_for_worker(0)).response_completed
    assert listener is not None
    return listener


def beside_another() -> Callable[[Any], None]:
    metrics = Metrics(MetricsSettings(), application=False)
    other: Subscriber[Any] = Subscriber(nothing, ResponseCompleted)
    listener = Listeners.of(other, *metrics.listeners_for_worker(0)).response_completed
    assert listener is not None
    return listener


def only_another() -> Callable[[Any], None]:
    other: Subscriber[Any] = Subscriber(nothing, ResponseCompleted)
    listener = Listeners.of(other).response_completed
    assert listener is not None
    return listener


def cases() -> Iterator[tuple[str, Callable[[Any], None]]]:
    yield "a call that does nothing", nothing
    yield "inline", inline()
    yield "inline, several threads share the listener", shared()
    yield "counting by attributes", with_attributes()
    yield "folding 1024 records", folding()
    yield "Listeners.of: a listener that does nothing", only_another()
    yield "Listeners.of: metrics", alone_in_a_server()
    yield "Listeners.of: both", beside_another()


def cost(listener: Callable[[Any], None]) -> float:
    """Microseconds for each record."""
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.thread_time()
        for _ in range(TIMES):
            for record in RECORDS:
                listener(record)
        best = min(best, time.thread_time() - begin)
    return best / (TIMES * len(RECORDS)) * 1e6


def cost_in_threads(count: int) -> float:
    """Microseconds for each record, with so many threads: that of the slowest."""
    metrics = Metrics(MetricsSettings(), application=False)
    start = threading.Barrier(count)
    costs: list[float] = []

    def work() -> None:
        listener = metrics.listeners_for_worker(0)[0].listener
        # Its own records: a worker makes them itself, and reference counts of shared objects contend.
        records = [ResponseCompleted(*record) for record in RECORDS]
        best = float("inf")
        start.wait()
        for _ in range(ROUNDS):
            begin = time.thread_time()
            for _ in range(TIMES):
                for record in records:
                    listener(record)
            best = min(best, time.thread_time() - begin)
        costs.append(best)

    threads = [threading.Thread(target=work) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return max(costs) / (TIMES * len(RECORDS)) * 1e6


def scrape(processes: int) -> tuple[float, float, float]:
    """Milliseconds to collect, and to write it as text and as protobuf; 10 kinds of requests over 3 protocols."""
    answers = []
    for pid in range(processes):
        metrics = Metrics(MetricsSettings(), worker=str(pid))
        listener = metrics.listeners_for_worker(pid)[0].listener
        for record in RECORDS:
            for method in ("GET", "POST"):
                for status in (200, 201, 304, 404, 500):
                    for protocol in ("http/1.1", "h2", "h3"):
                        listener(record._replace(method=method, status=status, protocol=protocol))
        answers.append(metrics)
    totals = MetricsTotals(
        lambda *_: [{"pid": pid, "value": metrics.snapshot()} for pid, metrics in enumerate(answers)], processes=True
    )
    best = [float("inf")] * 3
    for _ in range(5):
        marks = [time.perf_counter()]
        families = totals.collect()["families"]
        marks.append(time.perf_counter())
        text_of(families, "")
        marks.append(time.perf_counter())
        protobuf_of(families)
        marks.append(time.perf_counter())
        best = [min(old, (end - begin) * 1000) for old, begin, end in zip(best, marks, marks[1:], strict=False)]
    return best[0], best[1], best[2]


def main() -> None:
    build = "free-threaded" if sysconfig.get_config_var("Py_GIL_DISABLED") else "with the GIL"
    print(f"CPython {platform.python_version()}, {build}\n")
    for name, listener in cases():
        print(f"{name:45} {cost(listener):6.3f} us")
    for count in (1, 2, 8):
        print(f"{f'threads: {count}':45} {cost_in_threads(count):6.3f} us")
    for processes in (1, 8):
        collect, text, protobuf = scrape(processes)
        print(f"a scrape of {processes}: collect {collect:.1f} ms, text {text:.1f} ms, protobuf {protobuf:.1f} ms")


if __name__ == "__main__":
    main()
