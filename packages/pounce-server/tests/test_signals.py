"""SIGINT and SIGTERM while a server runs."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from pounce.signals import handled_signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_two_ask_for_a_stop(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    asked: list[int] = []
    with handled_signals(lambda: asked.append(1)):
        signal.raise_signal(number)
        assert len(asked) == 1
        signal.raise_signal(number)
        assert len(asked) == 2
    assert signal.getsignal(number) is before


def test_the_third_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)
    asked: list[int] = []
    with handled_signals(lambda: asked.append(1)):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)
    assert codes == [1]
    assert len(asked) >= 2


def test_handlers_come_back_after_an_error() -> None:
    before = signal.getsignal(signal.SIGTERM)

    def stop() -> None: ...

    with pytest.raises(KeyError), handled_signals(stop):
        raise KeyError
    assert signal.getsignal(signal.SIGTERM) is before


def test_another_thread_leaves_handlers_alone() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def work() -> None:
        with handled_signals(lambda: None):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
