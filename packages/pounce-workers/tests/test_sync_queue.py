"""Connections that wait for a worker."""

from __future__ import annotations

import threading
import time
from typing import Any

from pounce_workers.net.deadlines import NEVER
from pounce_workers.serving.sync_queue import SyncQueue

HANGS_AFTER = 10.0


def queue_of(*names: str, limit: int = 10, timeout: float = 60.0) -> Any:
    queue: Any = SyncQueue(limit, timeout)
    for name in names:
        assert queue.put(name)
    return queue


def test_it_is_first_in_first_out_and_bounded() -> None:
    queue = queue_of("a", "b", limit=2)
    assert not queue.put("c")
    queue.put_back("d")  # was let in before
    assert len(queue) == 3
    assert [queue.take() for _ in range(3)] == ["a", "b", "d"]
    assert queue.put("e")


def test_who_has_waited_too_long_is_taken_out_in_order() -> None:
    queue = queue_of("a", "b", timeout=5.0)
    now = time.monotonic()
    assert now + 4 < queue.next_overdue() <= now + 5
    assert queue.take_overdue(now) == []
    assert queue.take_overdue(now + 10) == ["a", "b"]
    assert queue.next_overdue() == NEVER


def test_every_worker_that_waits_gets_one_and_the_end_reaches_all() -> None:
    queue = queue_of()
    taken: list[Any] = []

    def work() -> None:
        while (one := queue.take()) is not None:
            taken.append(one)
        taken.append(None)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(1000):
        while not queue.put(number):
            time.sleep(0)
    while len(queue):
        time.sleep(0)
    assert queue.close() == []
    for thread in threads:
        thread.join(HANGS_AFTER)
    assert taken.count(None) == 4
    assert sorted(one for one in taken if one is not None) == list(range(1000))


def test_closing_gives_back_who_waits() -> None:
    queue = queue_of("a", "b")
    assert queue.close() == ["a", "b"]
    assert queue.take() is None
