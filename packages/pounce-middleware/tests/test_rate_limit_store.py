"""Token buckets in a table of fixed size."""

from __future__ import annotations

import sys
import threading
import time

from hypothesis import given, settings
from hypothesis import strategies as st

from pounce_middleware import MemoryRateStore
from pounce_middleware.rate import NANOSECONDS, parse_rate
from pounce_middleware.rate_limit_store import PLACES, SHARDS


class Clock:
    """Whole nanoseconds that pass when told."""

    def __init__(self) -> None:
        self.now = 10**15

    def __call__(self) -> int:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += round(seconds * NANOSECONDS)


def store(rate: str, burst: int, clock: Clock, capacity: int = 1024) -> MemoryRateStore:
    return MemoryRateStore(parse_rate(rate).interval, burst, capacity, clock)


def let_through(store: MemoryRateStore, key: str, requests: int) -> int:
    return sum(store.take(key).allowed for _ in range(requests))


def test_a_burst_and_then_the_rate() -> None:
    clock = Clock()
    buckets = store("10/s", 5, clock)
    assert [buckets.take("a").remaining for _ in range(5)] == [4, 3, 2, 1, 0]
    refused = buckets.take("a")
    assert (refused.allowed, refused.remaining, refused.wait) == (False, 0, 0.1)
    clock.sleep(0.099_999_999)
    assert not buckets.take("a").allowed
    clock.sleep(0.000_000_001)
    assert buckets.take("a").allowed
    assert let_through(buckets, "a", 9) == 0
    clock.sleep(0.3)
    assert let_through(buckets, "a", 9) == 3
    clock.sleep(3600)
    assert let_through(buckets, "a", 9) == 5, "a bucket holds no more than its burst"


def test_clients_do_not_share() -> None:
    buckets = store("1/h", 2, Clock())
    assert let_through(buckets, "a", 9) == 2
    assert let_through(buckets, "b", 9) == 2


def test_the_time_until_there_is_one_more() -> None:
    clock = Clock()
    buckets = store("1/s", 3, clock)
    assert buckets.take("a").wait == 1.0
    clock.sleep(0.25)
    assert buckets.take("a").wait == 0.75
    assert [buckets.take("a").allowed, buckets.take("a").wait] == [True, 0.75]


@given(
    st.integers(1, 1000),
    st.integers(1, 50),
    st.lists(st.tuples(st.floats(0, 2), st.integers(1, 30)), min_size=1, max_size=20),
)
@settings(max_examples=60, deadline=None)
def test_never_more_than_burst_and_rate_and_never_less(
    rate: int, burst: int, arrivals: list[tuple[float, int]]
) -> None:
    clock = Clock()
    buckets = store(f"{rate}/min", burst, clock)
    interval = parse_rate(f"{rate}/min").interval
    tokens, last = burst * interval, clock.now  # a plain bucket in nanoseconds of refilling
    for pause, requests in arrivals:
        clock.sleep(pause)
        tokens, last = min(burst * interval, tokens + clock.now - last), clock.now
        expected = min(requests, tokens // interval)
        assert let_through(buckets, "a", requests) == expected
        tokens -= expected * interval


def test_memory_is_there_from_the_start_and_stays() -> None:
    clock = Clock()
    buckets = store("1/h", 1, clock, capacity=4096)
    assert buckets.capacity == 4096
    assert sys.getsizeof(buckets) >= 4096 * 16
    before = buckets.__sizeof__()
    for number in range(20_000):
        buckets.take(f"client {number}")
    assert buckets.__sizeof__() == before == 4096 * 16


def test_the_capacity_is_rounded_up() -> None:
    assert store("1/s", 1, Clock(), capacity=1).capacity == SHARDS * PLACES
    assert store("1/s", 1, Clock(), capacity=SHARDS * PLACES + 1).capacity == 2 * SHARDS * PLACES


def test_nobody_is_washed_clean_by_many_others() -> None:
    """A limited client stays limited, whatever comes from however many other addresses."""
    clock = Clock()
    buckets = store("1/h", 3, clock)
    victims = [f"victim {number}" for number in range(50)]
    for victim in victims:
        assert let_through(buckets, victim, 9) == 3
    for number in range(20_000):
        buckets.take(f"flood {number}")
    assert [let_through(buckets, victim, 3) for victim in victims] == [0] * 50


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(0, 5)), max_size=1500))
@settings(max_examples=20, deadline=None)
def test_a_full_table_never_lets_through_more_than_an_endless_one(steps: list[tuple[int, int]]) -> None:
    clock = Clock()
    small = store("1/s", 4, clock)
    full_at: dict[str, int] = {}
    # All keys are in one set, so that it is always full.
    keys = [key for key in map(str, range(60_000)) if (hash(key) or 1) & (SHARDS - 1) == 0][:401]
    for number, pause in steps:
        clock.sleep(pause / 10)
        key = keys[number % len(keys)]
        debt = max(full_at.get(key, 0), clock.now)
        allowed = debt + NANOSECONDS - clock.now <= 4 * NANOSECONDS
        if small.take(key).allowed:
            assert allowed
            full_at[key] = debt + NANOSECONDS


def test_full_buckets_are_forgotten_first() -> None:
    clock = Clock()
    buckets = store("1/s", 10, clock)
    for number in range(5000):
        buckets.take(f"gone {number}")
    clock.sleep(10)
    assert all(buckets.take(f"new {number}").remaining == 9 for number in range(300)), "no debt is left over"


def test_eight_threads_let_through_exactly_burst_and_rate() -> None:
    burst, threads = 500, 8
    buckets = MemoryRateStore(NANOSECONDS // 2000, burst, 1024)
    allowed: list[int] = []
    ready = threading.Barrier(threads + 1)
    end = threading.Event()

    def client() -> None:
        ready.wait()
        count = 0
        while not end.is_set():
            count += buckets.take("one").allowed
        allowed.append(count)

    running = [threading.Thread(target=client) for _ in range(threads)]
    for thread in running:
        thread.start()
    before = time.monotonic_ns()  # the clients may begin before this thread goes on
    ready.wait()
    started = time.monotonic_ns()
    time.sleep(0.2)
    least = burst + 2000 * (time.monotonic_ns() - started) // NANOSECONDS
    end.set()
    for thread in running:
        thread.join()
    most = burst + 2000 * (time.monotonic_ns() - before) // NANOSECONDS + 1
    # One that waits for the processor may come after the others have ended, so a bucket may be left with a few tokens.
    assert least - burst <= sum(allowed) <= most


def test_eight_threads_and_a_clock_that_stands() -> None:
    clock = Clock()
    buckets = store("1/s", 1000, clock)
    ready = threading.Barrier(8)
    allowed: list[int] = []

    def client() -> None:
        ready.wait()
        allowed.append(sum(buckets.take(f"client {number % 3}").allowed for number in range(3000)))

    running = [threading.Thread(target=client) for _ in range(8)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    assert sum(allowed) == 3 * 1000
