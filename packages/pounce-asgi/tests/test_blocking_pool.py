"""The pool of threads: how many run, how many wait, who is refused, and that threads come and go."""

from __future__ import annotations

import contextvars
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from pounce_asgi.blocking_pool import BlockingPool, PoolFull

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT = 20.0


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Calls:
    """Calls that say when they run and stay until they are let go."""

    def __init__(self) -> None:
        self.running = threading.Semaphore(0)
        self.release = threading.Semaphore(0)
        self.ran: list[Any] = []

    def make(self, name: Any) -> Callable[[], None]:
        def call() -> None:
            self.ran.append(name)
            self.running.release()
            assert self.release.acquire(timeout=TIMEOUT)

        return call

    def let_go(self, count: int) -> None:
        self.release.release(count)

    def await_running(self, count: int) -> None:
        for _ in range(count):
            assert self.running.acquire(timeout=TIMEOUT)


def test_so_many_run_so_many_wait_and_the_rest_is_refused() -> None:
    pool = BlockingPool(2, 3)
    calls = Calls()
    for number in range(5):
        pool.submit(calls.make(number))
    calls.await_running(2)
    with pytest.raises(PoolFull):
        pool.submit(calls.make("too many"))
    assert sorted(calls.ran) == [0, 1]
    calls.let_go(1)
    calls.await_running(1)
    pool.submit(calls.make(5))
    calls.let_go(5)
    calls.await_running(3)
    assert sorted(calls.ran) == [0, 1, 2, 3, 4, 5]
    assert pool.threads == 2


def test_those_who_wait_run_in_their_order() -> None:
    pool = BlockingPool(1, 10)
    calls = Calls()
    for number in range(6):
        pool.submit(calls.make(number))
    calls.let_go(6)
    calls.await_running(6)
    assert calls.ran == list(range(6))


def test_without_a_queue_as_many_as_threads_are_taken() -> None:
    pool = BlockingPool(3, 0)
    calls = Calls()
    for number in range(3):
        pool.submit(calls.make(number))
    with pytest.raises(PoolFull):
        pool.submit(calls.make(3))
    calls.let_go(3)


def test_a_thread_that_is_idle_takes_the_next_call() -> None:
    pool = BlockingPool(8, 0)
    seen: list[str] = []
    for _ in range(20):
        done = threading.Event()

        def call(done: threading.Event = done) -> None:
            seen.append(threading.current_thread().name)
            done.set()

        pool.submit(call)
        assert done.wait(TIMEOUT)
        until(lambda: pool._idle == pool.threads)
    assert set(seen) == {"pounce-blocking-1"}


def test_what_no_thread_has_taken_can_be_taken_back() -> None:
    pool = BlockingPool(1, 2)
    calls = Calls()
    first, second, third = (calls.make(number) for number in range(3))
    for call in (first, second, third):
        pool.submit(call)
    calls.await_running(1)
    assert pool.withdraw(second)
    assert not pool.withdraw(second)
    assert not pool.withdraw(first)
    calls.let_go(2)
    calls.await_running(1)
    assert calls.ran == [0, 2]


def test_idle_threads_end_and_come_again() -> None:
    pool = BlockingPool(4, 0, idle_time=0.01)
    for _ in range(2):
        calls = Calls()
        for number in range(4):
            pool.submit(calls.make(number))
        calls.let_go(4)
        calls.await_running(4)
        until(lambda: pool.threads == 0)


def test_idle_threads_end_at_once_when_they_are_released() -> None:
    pool = BlockingPool(2, 0, idle_time=TIMEOUT * 10)
    calls = Calls()
    pool.submit(calls.make(0))
    pool.submit(calls.make(1))
    calls.let_go(1)
    calls.await_running(2)
    until(lambda: pool._idle == 1)
    pool.release()
    until(lambda: pool.threads == 1)
    calls.let_go(1)
    until(lambda: pool._idle == 1)
    pool.submit(calls.make(2))  # it can be used on
    calls.let_go(1)
    calls.await_running(1)
    pool.release()


def test_a_call_runs_in_no_request_s_context() -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="none")
    variable.set("of the starter")
    seen: list[str] = []
    done = threading.Event()

    def call() -> None:
        seen.append(variable.get())
        done.set()

    pool = BlockingPool(1, 0)
    pool.submit(call)
    assert done.wait(TIMEOUT)
    assert seen == ["none"]
    pool.release()


def test_a_call_that_no_thread_can_be_started_for_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    pool = BlockingPool(2, 5)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="can't start"):
            pool.submit(lambda: None)
    assert (pool.threads, pool._idle, len(pool._waiting)) == (0, 0, 0)
    calls = Calls()
    pool.submit(calls.make(0))
    calls.await_running(1)
    monkeypatch.setattr(threading.Thread, "start", start)
    pool.submit(calls.make(1))  # it waits for the thread that there is
    calls.let_go(2)
    calls.await_running(1)
    pool.release()


def test_many_at_once_all_run() -> None:
    pool = BlockingPool(4, 10_000, idle_time=0.001)
    ran: list[int] = []
    done = threading.Semaphore(0)

    def submit(start: int) -> None:
        for number in range(start, start + 250):

            def call(number: int = number) -> None:
                ran.append(number)
                done.release()

            pool.submit(call)

    threads = [threading.Thread(target=submit, args=(start,)) for start in range(0, 1000, 250)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for _ in range(1000):
        assert done.acquire(timeout=TIMEOUT)
    assert sorted(ran) == list(range(1000))
    until(lambda: pool.threads == 0)
