"""No wake-up of the serving loop is lost, from threads and from signal handlers, and few cost a system call."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sysconfig
import threading
import time
from typing import TYPE_CHECKING

import pytest
from loops import HANGS_AFTER
from watchers import Watcher, socket_pair

from pounce_workers import ServingLoop

if TYPE_CHECKING:
    from collections.abc import Iterator

FREE_THREADED = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
FAR = 60.0
"""Seconds to a timer, so that the loop sleeps as a serving one does. Long after a lost wake-up is noticed."""
LOST_AFTER = 15.0
"""Seconds. Without a wake-up the loop sleeps until its timer; on a busy machine one may well take seconds."""


@pytest.fixture
def serving() -> Iterator[ServingLoop]:
    loop = ServingLoop()
    yield loop
    loop.close()


# -- wake-ups --------------------------------------------------------------------------------------------------------


def _wake_ups(loop: asyncio.AbstractEventLoop, threads: int, each: int) -> list[float]:
    """Every thread wakes the loop, waits for its callback, and does it again. Returns what waited in vain."""
    late: list[float] = []
    timer = loop.call_later(FAR, late.append, FAR)
    running = threads

    def finished() -> None:
        nonlocal running
        running -= 1
        if not running:
            loop.stop()

    def wake() -> None:
        turn = threading.Semaphore(0)
        for number in range(each):
            loop.call_soon_threadsafe(turn.release)
            # Every second time without waiting: wake-ups in a row, of which all but the first are saved.
            if number % 2 and not turn.acquire(timeout=LOST_AFTER):
                late.append(LOST_AFTER)
                break
        loop.call_soon_threadsafe(finished)

    waking = [threading.Thread(target=wake) for _ in range(threads)]
    for thread in waking:
        thread.start()
    loop.run_forever()
    for thread in waking:
        thread.join()
    timer.cancel()
    return late


@pytest.mark.parametrize("threads", [1, 4])
def test_no_wake_up_is_lost(serving: ServingLoop, threads: int) -> None:
    total = 400_000 if FREE_THREADED else 200_000
    if threads == 1:
        total //= 10
    assert _wake_ups(serving, threads, total // threads) == []


def test_a_wake_up_costs_a_system_call_only_where_the_loop_may_sleep(serving: ServingLoop) -> None:
    written: list[bool] = []
    real = asyncio.SelectorEventLoop._write_to_self  # type: ignore[attr-defined]

    def write_to_self(loop: asyncio.AbstractEventLoop) -> None:
        written.append(True)
        real(loop)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.SelectorEventLoop, "_write_to_self", write_to_self)
        for _ in range(100):
            serving.call_soon_threadsafe(lambda: None)
        assert written == []  # it is not running: it looks at its queue before it sleeps
        serving.call_soon(serving.stop)
        serving.run_forever()

        def wake_when_asleep() -> None:
            while not serving.serving_selector.may_sleep:
                time.sleep(0.001)
            serving.call_soon_threadsafe(serving.stop)

        waker = threading.Thread(target=wake_when_asleep)
        waker.start()
        serving.run_forever()
        waker.join()
        assert written == [True]


def test_a_signal_handler_wakes_it(serving: ServingLoop) -> None:
    """A handler as ``signal.signal`` sets it may interrupt the loop anywhere: asleep, with the lock held, or busy.

    With a wake-up descriptor, as everybody needs who handles signals while waiting: Python does not interrupt the wait
    for a signal that came just before it, or to another thread.
    """
    total = 300
    got: list[int] = []
    lost: list[int] = []
    turn = threading.Semaphore(0)

    def queued() -> None:
        got.append(1)
        turn.release()
        if len(got) == total:
            serving.stop()

    before = signal.signal(signal.SIGUSR1, lambda *_: serving.call_soon_threadsafe(queued))
    wakeup_before = signal.set_wakeup_fd(serving._csock.fileno(), warn_on_full_buffer=False)  # type: ignore[attr-defined]
    timer = serving.call_later(FAR, serving.stop)

    def send() -> None:
        for _ in range(total):
            os.kill(os.getpid(), signal.SIGUSR1)
            if not turn.acquire(timeout=LOST_AFTER):
                lost.append(len(got))
                serving.call_soon_threadsafe(serving.stop)
                break

    sender = threading.Thread(target=send)
    try:
        sender.start()
        serving.run_forever()
        sender.join()
    finally:
        signal.set_wakeup_fd(wakeup_before)
        signal.signal(signal.SIGUSR1, before)
        timer.cancel()
    assert lost == []
    assert len(got) == total


def test_sockets_and_wake_ups_together(serving: ServingLoop) -> None:
    """HTTP keeps ``select()`` busy by itself, while other threads wake the loop: neither starves the other."""
    with socket_pair() as (ours, theirs):
        echoed = 0

        def echo() -> None:
            nonlocal echoed
            ours.send(ours.recv(100))
            echoed += 1

        serving.serving_selector.watch(ours.fileno(), Watcher(echo))
        theirs.setblocking(True)
        theirs.settimeout(HANGS_AFTER)
        stop = threading.Event()

        def talk() -> None:
            while not stop.is_set():
                theirs.send(b"x")
                theirs.recv(100)

        talker = threading.Thread(target=talk)
        talker.start()
        try:
            assert _wake_ups(serving, 2, 2000) == []
        finally:
            stop.set()
            serving.call_later(0.02, serving.stop)
            serving.run_forever()
            talker.join()
        assert echoed > 0
        serving.serving_selector.forget(ours.fileno())


def test_a_closed_loop_takes_no_wake_up() -> None:
    loop = ServingLoop()
    loop.close()
    with pytest.raises(RuntimeError, match="closed"):
        loop.call_soon_threadsafe(lambda: None)
    loop.close()


def test_it_leaves_nothing_open() -> None:
    before = socket.socket()
    number = before.fileno()
    before.close()
    ServingLoop().close()
    after = socket.socket()
    assert after.fileno() == number
    after.close()
