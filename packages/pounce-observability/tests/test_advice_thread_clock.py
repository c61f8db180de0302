"""Processor time of another thread."""

from __future__ import annotations

import sys
import threading
import time

import pytest

from pounce_observability.advice.thread_clock import thread_time


@pytest.mark.skipif(sys.platform != "linux", reason="this system does not tell")
def test_it_grows_when_that_works_and_only_then() -> None:
    work, done, end = threading.Event(), threading.Event(), threading.Event()

    def run() -> None:
        assert work.wait(15)
        until = time.thread_time() + 0.02
        while time.thread_time() < until:
            pass
        done.set()
        assert end.wait(15)

    thread = threading.Thread(target=run)
    thread.start()
    assert thread.ident is not None
    before = thread_time(thread.ident)
    work.set()
    assert done.wait(15)
    after = thread_time(thread.ident)
    end.set()
    thread.join()
    assert before is not None
    assert after is not None
    assert after - before >= 0.02


def test_a_thread_that_has_ended() -> None:
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    assert thread.ident is not None
    assert thread_time(thread.ident) is None


def test_where_it_is_not_known_it_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert thread_time(threading.get_ident()) is None
