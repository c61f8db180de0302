"""The lines of one worker that wait for the writer."""

from __future__ import annotations

import threading
import time

import pytest

from pounce_observability.access_log.line_buffer import LineBuffer, SharedLineBuffer


def test_only_the_first_line_wakes_the_writer() -> None:
    woken: list[int] = []
    buffer = LineBuffer(lambda: woken.append(1))
    add = buffer.add
    for _ in range(10):
        add("line")
    assert len(woken) == 1
    assert len(buffer.take(4)) == 4
    add("line")
    assert len(woken) == 1
    assert len(buffer.take()) == 7
    assert buffer.take() == []
    add("line")
    assert len(woken) == 2


@pytest.mark.parametrize("kind", [LineBuffer, SharedLineBuffer])
def test_no_wake_up_is_lost(kind: type[LineBuffer]) -> None:
    """However the two threads meet, what was added is seen without a further line."""
    wake = threading.Event()
    buffer = kind(wake.set)
    seen = 0
    total = 20_000

    def consume() -> None:
        nonlocal seen
        while seen < total:
            assert wake.wait(10), "the writer was not woken"
            wake.clear()
            while taken := buffer.take():
                seen += len(taken)

    consumer = threading.Thread(target=consume)
    consumer.start()
    for number in range(total):
        buffer.add("line")
        if number % 7 == 0:
            time.sleep(0)
    consumer.join(30)
    assert seen == total


def test_a_full_buffer_counts_what_it_has_no_room_for() -> None:
    buffer = LineBuffer(lambda: None, capacity=2)
    for number in range(5):
        if not buffer.full():
            buffer.add(str(number))
    assert buffer.dropped == 3
    assert buffer.take() == ["0", "1"]
    assert not buffer.full()


def test_threads_that_share_a_buffer_count_exactly() -> None:
    buffer = SharedLineBuffer(lambda: None, capacity=100)

    def work() -> None:
        for _ in range(1000):
            if not buffer.full():
                buffer.add("line")

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = len(buffer.take(10_000))
    assert 100 <= kept <= 103, "one more for each of the other threads"
    assert kept + buffer.dropped == 4000
