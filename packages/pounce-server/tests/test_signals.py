"""SIGINT and SIGTERM while a server runs."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from pounce.signals import ServerSignals, handled_signals

if TYPE_CHECKING:
    from collections.abc import Callable


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
    monkeypatch.setattr(os, "write", lambda fd, data: len(data))
    asked: list[int] = []
    with handled_signals(lambda: asked.append(1)):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
            signal.raise_signal(number)
    assert codes == [1]
    assert len(asked) >= 2


def test_a_storm_of_terminations_is_no_more_than_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "_exit", lambda code: pytest.fail(f"ended with {code}"))
    asked: list[int] = []
    with handled_signals(lambda: asked.append(1)):
        for _ in range(20):
            signal.raise_signal(signal.SIGTERM)
    assert len(asked) == 2


def test_where_nothing_follows_signals_are_ignored_in_the_end() -> None:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    try:
        with handled_signals(lambda: None, lambda: None, last=True):
            pass
        assert {signal.getsignal(number) for number in numbers} == {signal.SIG_IGN}
        for number in numbers:
            signal.raise_signal(number)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def test_a_signal_wakes_a_waiting_loop() -> None:
    """Raised in another thread it does not interrupt the wait of the main one, as one that comes just before it."""

    async def main(signals: ServerSignals) -> None:
        loop = asyncio.get_running_loop()
        stopped = loop.create_future()
        stops.append(lambda: loop.call_soon_threadsafe(stopped.set_result, None))
        signals.wake(loop)
        raising = threading.Timer(0.05, signal.raise_signal, (signal.SIGTERM,))  # once the loop waits
        raising.start()
        await stopped
        raising.join()

    stops: list[Callable[[], object]] = []

    def stop() -> None:
        stops[0]()

    with handled_signals(stop) as signals:
        assert signals is not None
        asyncio.run(asyncio.wait_for(main(signals), 10))
    assert signal.set_wakeup_fd(-1) == -1


def test_a_wakeup_descriptor_of_others_is_left_alone() -> None:
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    with reader, writer, handled_signals(lambda: None) as signals:
        assert signals is not None
        signal.set_wakeup_fd(writer.fileno())
        loop = asyncio.new_event_loop()
        signals.wake(loop)
        loop.close()
        assert signal.set_wakeup_fd(-1) == writer.fileno()


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
