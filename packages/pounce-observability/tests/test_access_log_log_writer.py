"""The thread that writes: that it neither loses nor blocks."""

from __future__ import annotations

import errno
import logging
import threading
import time
from typing import TYPE_CHECKING

from pounce_observability.access_log.log_writer import LogWriter
from pounce_observability.access_log.outputs import LinesLost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest


class Collected:
    """An output that keeps its lines, and blocks or fails when told to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.reopened = threading.Event()
        self.error: Exception | None = None

    def write(self, lines: Sequence[str]) -> None:
        self.entered.set()
        self.open.wait()
        if self.error is not None:
            raise self.error
        self.lines += lines

    def reopen(self) -> None:
        self.lines.append("reopened")
        self.reopened.set()
        if self.error is not None:
            raise self.error

    def close(self) -> None:
        self.lines.append("closed")


def numbers(lines: Sequence[str]) -> list[int]:
    return [int(line) for line in lines]


def test_nothing_is_lost_at_a_stop() -> None:
    output = Collected()
    log = LogWriter(output, interval=600)
    add = log.buffer().add
    log.start()
    for number in range(5000):
        add(str(number))
    assert log.stop(10)
    assert numbers(output.lines) == list(range(5000))
    assert (log.dropped, log.written) == (0, 5000)


def test_lines_come_without_a_stop() -> None:
    output = Collected()
    log = LogWriter(output, interval=0.001)
    add = log.buffer().add
    log.start()
    for number in range(20):
        output.entered.clear()
        add(str(number))
        assert output.entered.wait(10)
    assert log.stop(10)
    assert numbers(output.lines) == list(range(20))


def test_each_worker_has_its_own_buffer_and_order() -> None:
    output = Collected()
    log = LogWriter(output, interval=0.001)
    adders = [log.buffer(shared=shared).add for shared in (False, True, False)]
    log.start()

    def work(add: Callable[[str], None], first: int) -> None:
        for number in range(first, first + 2000):
            add(str(number))

    workers = [threading.Thread(target=work, args=(add, 10_000 * index)) for index, add in enumerate(adders)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert log.stop(10)
    found = numbers(output.lines)
    for index in range(3):
        first = 10_000 * index
        assert [n for n in found if first <= n < first + 10_000] == list(range(first, first + 2000))


def test_a_blocked_output_blocks_nobody_and_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    output = Collected()
    output.open.clear()
    log = LogWriter(output, capacity=100, interval=0.001)
    buffer = log.buffer()
    log.start()
    buffer.add("0")
    assert output.entered.wait(10)
    for number in range(1, 1001):
        if not buffer.full():
            buffer.add(str(number))
    assert log.dropped == 900
    with caplog.at_level(logging.WARNING, "pounce.server"):
        output.open.set()
        assert log.stop(10)
    assert numbers(output.lines) == list(range(101))
    assert caplog.messages == ["access log: 900 lines dropped, because the output did not take them"]
    assert (log.dropped, log.written) == (900, 101)


def test_an_output_that_takes_some_now_and_then_gets_all() -> None:
    class Slow(Collected):
        def write(self, lines: Sequence[str]) -> None:
            time.sleep(0.04)
            super().write(lines)

    output = Slow()
    log = LogWriter(output, interval=600)
    adders = [log.buffer().add for _ in range(10)]
    log.start()
    for number, add in enumerate(adders):
        add(str(number))
    assert log.stop(0.2), "ten pieces take twice as long as the output may take nothing"
    assert numbers(output.lines) == list(range(10))


def test_the_last_lines_have_a_limit_in_all() -> None:
    class Endless(Collected):
        def write(self, lines: Sequence[str]) -> None:
            super().write(lines)
            for line in lines:
                add(str(int(line) + 1))

    log = LogWriter(output := Endless(), interval=0.001)
    add = log.buffer().add
    log.start()
    add("0")
    assert not log.stop(0.01, limit=0.1)
    output.error = OSError("the end")


def test_an_output_that_stays_blocked_does_not_hold_the_stop(caplog: pytest.LogCaptureFixture) -> None:
    output = Collected()
    output.open.clear()
    log = LogWriter(output, interval=0.001)
    add = log.buffer().add
    log.start()
    add("0")
    assert output.entered.wait(10)
    with caplog.at_level(logging.WARNING, "pounce.server"):
        assert not log.stop(0.01)
    # The thread of another test's log may still have something to say.
    blocked = [message for message in caplog.messages if "blocked" in message]
    assert blocked == ["access log: the output is blocked, so the last lines are lost"]
    output.open.set()


def test_a_broken_output_is_said_once_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    output = Collected()
    output.error = BrokenPipeError(32, "Broken pipe")
    log = LogWriter(output, interval=0.001)
    add = log.buffer().add
    with caplog.at_level(logging.WARNING, "pounce.server"):
        log.start()
        for number in range(3000):
            add(str(number))
        assert log.stop(10)
    assert (log.dropped, log.written) == (3000, 0)
    assert caplog.messages == [
        "access log: lines cannot be written and are dropped: [Errno 32] Broken pipe",
        "access log: 3000 lines dropped, because the output did not take them",
    ]


def test_an_output_that_works_again_is_used_again(caplog: pytest.LogCaptureFixture) -> None:
    output = Collected()
    full = OSError(errno.ENOSPC, "No space left on device")
    log = LogWriter(output, interval=0.001)
    buffer = log.buffer()
    with caplog.at_level(logging.WARNING, "pounce.server"):
        for lost, part in ((full, "a"), (None, "b"), (full, "c"), (None, "d")):
            output.error = lost
            for number in range(3):
                buffer.add(f"{part}{number}")
            log._drain()
    assert output.lines == ["b0", "b1", "b2", "d0", "d1", "d2"]
    assert (log.dropped, log.written) == (6, 6)
    # A disk that is full every other moment is no news.
    assert caplog.messages == [
        "access log: lines cannot be written and are dropped: [Errno 28] No space left on device",
        "access log: 3 lines dropped, because the output did not take them",
        "access log: 3 lines dropped, because the output did not take them",
    ]


def test_lines_written_before_a_failure_are_not_counted_as_lost() -> None:
    output = Collected()
    output.error = LinesLost(2)
    log = LogWriter(output)
    buffer = log.buffer()
    for number in range(5):
        buffer.add(str(number))
    log._drain()
    assert (log.dropped, log.written) == (2, 3)


def test_reopening_comes_at_once_and_before_the_next_line() -> None:
    output = Collected()
    log = LogWriter(output, interval=600)
    buffer = log.buffer()
    log.start()
    log.reopen()
    assert output.reopened.wait(10), "nothing has to be logged for it"
    buffer.add("0")
    assert log.stop(10)
    assert output.lines == ["reopened", "0"]


def test_a_file_that_cannot_be_opened_anew_is_said(caplog: pytest.LogCaptureFixture) -> None:
    output = Collected()
    output.error = PermissionError(13, "Permission denied")
    log = LogWriter(output, interval=0.001)
    with caplog.at_level(logging.WARNING, "pounce.server"):
        log.start()
        log.reopen()
        assert output.reopened.wait(10)
        assert log.stop(10)
    assert caplog.messages == [
        "access log: the file cannot be opened anew, so the old one stays in use: [Errno 13] Permission denied"
    ]


def test_the_buffer_of_a_worker_that_has_ended_is_forgotten_with_its_count_kept() -> None:
    output = Collected()
    log = LogWriter(output, capacity=1, interval=0.001)
    log.start()
    for number in range(3):
        thread = threading.Thread(target=_work_and_end, args=(log, str(number)))
        thread.start()
        thread.join()
        deadline = time.monotonic() + 10
        while log.written <= number:
            assert time.monotonic() < deadline
            time.sleep(0.001)
    log.buffer()
    assert len(log._buffers) == 1
    assert log.dropped == 3
    assert log.stop(10)
    assert numbers(output.lines) == [0, 1, 2]


def _work_and_end(log: LogWriter, line: str) -> None:
    buffer = log.buffer()
    buffer.add(line)
    buffer.drop()
