"""Ready-made listeners."""

from __future__ import annotations

import threading

import pytest

from pounce_asgi import BufferedCollector, CompositeCollector, ResponseStarted


def record(number: int) -> ResponseStarted:
    return ResponseStarted(float(number), 2.0, 0, number, None, 200, 0.5)


def test_a_buffer_gives_what_it_has_once() -> None:
    collector = BufferedCollector()
    assert collector.take() == []
    for number in range(3):
        collector(record(number))
    assert len(collector) == 3
    assert collector.take() == [record(number) for number in range(3)]
    assert collector.take() == []
    assert collector.dropped == 0


def test_a_full_buffer_drops_the_oldest_and_counts() -> None:
    collector = BufferedCollector(capacity=2)
    for number in range(5):
        collector(record(number))
    assert collector.take() == [record(3), record(4)]
    assert collector.dropped == 3
    collector(record(9))
    assert collector.take() == [record(9)]
    assert collector.dropped == 3


def test_a_buffer_holds_something() -> None:
    with pytest.raises(ValueError, match="capacity is 0"):
        BufferedCollector(0)


def test_threads_lose_nothing_that_is_not_counted() -> None:
    collector = BufferedCollector(capacity=50)
    taken: list[object] = []
    done = threading.Event()

    def take() -> None:
        while not done.is_set():
            taken.extend(collector.take())

    def put() -> None:
        for number in range(500):
            collector(record(number))

    taker, putters = threading.Thread(target=take), [threading.Thread(target=put) for _ in range(3)]
    for thread in (taker, *putters):
        thread.start()
    for thread in putters:
        thread.join(60.0)
    done.set()
    taker.join(60.0)
    taken.extend(collector.take())
    assert len(taken) + collector.dropped == 1500


def test_a_composite_tells_all_in_order_and_survives_a_bad_one(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[tuple[str, object]] = []

    def bad(_record: object) -> None:
        raise RuntimeError("broken")

    buffer = BufferedCollector()
    composite = CompositeCollector(lambda one: heard.append(("a", one)), bad, buffer)
    composite(record(1))
    assert heard == [("a", record(1))]
    assert buffer.take() == [record(1)]
    assert [one.name for one in caplog.records] == ["pounce.error"]
    CompositeCollector()(record(1))
