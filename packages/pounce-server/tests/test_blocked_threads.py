"""Threads that would hold the exit of the interpreter."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pounce.blocked_threads import blocking_threads, report_blocking_threads

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def wait_inside(started: threading.Event, gate: threading.Event) -> None:
    started.set()
    gate.wait()


def named(threads: list[threading.Thread]) -> set[str]:
    return {thread.name for thread in threads}


def test_a_blocked_thread_is_found_and_shown(gate: threading.Event, caplog: pytest.LogCaptureFixture) -> None:
    started = threading.Event()
    thread = threading.Thread(target=wait_inside, args=(started, gate), name="stuck")
    thread.start()
    started.wait()
    assert "stuck" in named(blocking_threads(0))
    with caplog.at_level(logging.WARNING, "pounce.server"):
        assert report_blocking_threads(0)
    (message,) = [message for message in caplog.messages if "'stuck'" in message]
    assert "is still running and is left behind" in message
    assert "in wait_inside" in message
    gate.set()
    thread.join()
    assert "stuck" not in named(blocking_threads(0))


def test_daemons_and_idle_executors_hold_nothing(gate: threading.Event) -> None:
    started = threading.Event()
    threading.Thread(target=wait_inside, args=(started, gate), name="daemon", daemon=True).start()
    started.wait()
    with ThreadPoolExecutor(1, thread_name_prefix="idle") as pool:
        pool.submit(int).result()
        assert not {name for name in named(blocking_threads(0.05)) if name == "daemon" or name.startswith("idle")}


def test_a_busy_executor_holds_the_exit(gate: threading.Event) -> None:
    started = threading.Event()
    with ThreadPoolExecutor(1, thread_name_prefix="busy") as pool:
        pool.submit(wait_inside, started, gate)
        started.wait()
        assert "busy_0" in named(blocking_threads(0))
        gate.set()


def test_a_thread_that_is_about_to_end_may_do_so(gate: threading.Event) -> None:
    started = threading.Event()
    thread = threading.Thread(target=wait_inside, args=(started, gate), name="ending")
    thread.start()
    started.wait()
    threading.Timer(0.05, gate.set).start()
    assert "ending" not in named(blocking_threads(10))
