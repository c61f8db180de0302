"""Connections that wait for a thread."""

from __future__ import annotations

import time
from typing import Any, cast

from pounce_workers.serving.head_queue import HeadQueue


class _Taker:
    def __init__(self) -> None:
        self.woken = 0

    def wake(self) -> None:
        self.woken += 1


def connection(name: str) -> Any:
    """The queue looks at no connection."""
    return cast("Any", name)


def test_they_are_taken_in_order() -> None:
    queue, taker = HeadQueue(10, 1.0), _Taker()
    assert queue.put(connection("a"))
    assert queue.put(connection("b"))
    assert [queue.take(taker), queue.take(taker), queue.take(taker)] == [connection("a"), connection("b"), None]


def test_one_free_taker_is_woken_for_each() -> None:
    queue, first, second = HeadQueue(10, 1.0), _Taker(), _Taker()
    assert queue.take(first) is None
    assert queue.take(first) is None  # it is free once, however often it says so
    assert queue.take(second) is None
    queue.put(connection("a"))
    assert (first.woken, second.woken) == (0, 1)  # the one that became free last
    queue.put(connection("b"))
    queue.put(connection("c"))
    assert (first.woken, second.woken) == (1, 1)


def test_another_is_woken_while_something_waits() -> None:
    queue, first, second = HeadQueue(10, 1.0), _Taker(), _Taker()
    queue.take(first)
    queue.take(second)
    queue.wake_another()
    assert (first.woken, second.woken) == (0, 0)
    queue.put(connection("a"))
    queue.wake_another()
    queue.wake_another()
    assert (first.woken, second.woken) == (1, 1)


def test_who_is_forgotten_is_not_woken() -> None:
    queue, taker = HeadQueue(10, 1.0), _Taker()
    queue.take(taker)
    queue.forget(taker)
    queue.forget(taker)
    queue.put(connection("a"))
    assert taker.woken == 0


def test_it_is_bounded() -> None:
    queue = HeadQueue(1, 1.0)
    assert queue.put(connection("a"))
    assert not queue.put(connection("b"))
    assert len(queue) == 1


def test_what_waits_too_long_is_given_out_once() -> None:
    queue = HeadQueue(10, 5.0)
    queue.put(connection("a"))
    now = time.monotonic()
    assert queue.take_overdue(now) == []
    assert queue.take_overdue(now + 6) == [connection("a")]
    assert queue.take_overdue(now + 6) == []


def test_those_that_have_another_place_are_given_out() -> None:
    queue, taker = HeadQueue(10, 5.0), _Taker()
    for name in "abc":
        queue.put(connection(name))
    assert queue.take_those(lambda one: one != connection("b")) == [connection("a"), connection("c")]
    assert queue.take_those(lambda one: one != connection("b")) == []
    assert queue.take(taker) == connection("b")


def test_all_are_given_out_at_the_end() -> None:
    queue = HeadQueue(10, 5.0)
    queue.put(connection("a"))
    queue.put(connection("b"))
    assert queue.take_all() == [connection("a"), connection("b")]
    assert queue.take_all() == []
