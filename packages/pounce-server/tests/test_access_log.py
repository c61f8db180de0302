"""The access log: its lines, and that it neither loses nor blocks."""

from __future__ import annotations

import logging
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from pounce.access_log import AccessLog, RecordBuffer, format_line
from pounce_asgi import ResponseCompleted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FIRST = ResponseCompleted(
    monotonic=10.0,
    wall=1_795_266_573.9,
    worker_id=0,
    connection_id=1,
    request_id=None,
    client=("127.0.0.1", 5000),
    method="GET",
    raw_path=b"/items",
    query_string=b"q=1",
    http_version="1.1",
    request_headers=(),
    status=200,
    body_bytes_sent=1234,
    started=9.0,
    duration=0.0008125,
    aborted=False,
)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "localtime", time.gmtime)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, '127.0.0.1 - - [{time}] "GET /items?q=1 HTTP/1.1" 200 1234 0.812ms'),
        ({"query_string": b""}, '127.0.0.1 - - [{time}] "GET /items HTTP/1.1" 200 1234 0.812ms'),
        ({"client": None}, '- - - [{time}] "GET /items?q=1 HTTP/1.1" 200 1234 0.812ms'),
        ({"client": ("::1", 1)}, '::1 - - [{time}] "GET /items?q=1 HTTP/1.1" 200 1234 0.812ms'),
        ({"aborted": True}, '127.0.0.1 - - [{time}] "GET /items?q=1 HTTP/1.1" 200 1234 0.812ms aborted'),
        ({"duration": 61.5}, '127.0.0.1 - - [{time}] "GET /items?q=1 HTTP/1.1" 200 1234 61500.000ms'),
        (
            {"raw_path": b'/a"b\\c\r\nforged \x1b[2J\x7f\xff', "query_string": b"\n"},
            (
                '127.0.0.1 - - [{time}] "GET /a\\x22b\\x5cc\\x0d\\x0aforged \\x1b[2J\\x7f\\xff?\\x0a HTTP/1.1" '
                "200 1234 0.812ms"
            ),
        ),
        (
            {"method": "GE\nT", "client": ("a\nb", 1)},
            'a\\x0ab - - [{time}] "GE\\x0aT /items?q=1 HTTP/1.1" 200 1234 0.812ms',
        ),
    ],
)
def test_lines(changes: dict[str, Any], line: str) -> None:
    assert format_line(FIRST._replace(**changes)) == line.replace("{time}", "21/Nov/2026:13:09:33 +0000")


@pytest.mark.parametrize(
    ("offset", "words"), [(0, "+0000"), (3600, "+0100"), (-12600, "-0330"), (20700, "+0545"), (-1800, "-0030")]
)
def test_offset_from_utc(monkeypatch: pytest.MonkeyPatch, offset: int, words: str) -> None:
    class Local:
        tm_year, tm_mon, tm_mday, tm_hour, tm_min, tm_sec, tm_gmtoff = 2026, 1, 2, 3, 4, 5, offset

    monkeypatch.setattr(time, "localtime", lambda wall: Local)
    # A second that no other case asks for: the rendered time is remembered.
    line = format_line(FIRST._replace(wall=1_000_000 + offset))
    assert f"[02/Jan/2026:03:04:05 {words}]" in line


class Collected:
    """An output that keeps its lines, and blocks or fails when told to."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.error: Exception | None = None

    def write(self, lines: Sequence[str]) -> None:
        self.entered.set()
        self.open.wait()
        if self.error is not None:
            raise self.error
        self.lines += lines


def numbers(lines: Sequence[str]) -> list[int]:
    return [int(line.split("/items/")[1].split()[0]) for line in lines]


def record(number: int) -> ResponseCompleted:
    return FIRST._replace(raw_path=b"/items/%d" % number, query_string=b"")


def test_nothing_is_lost_at_a_stop() -> None:
    output = Collected()
    log = AccessLog(output, interval=600)
    add = log.buffer().add
    log.start()
    for number in range(5000):
        add(record(number))
    assert log.stop(10)
    assert numbers(output.lines) == list(range(5000))
    assert log.dropped == 0


def test_lines_come_without_a_stop() -> None:
    output = Collected()
    log = AccessLog(output, interval=0.001)
    add = log.buffer().add
    log.start()
    for number in range(20):
        output.entered.clear()
        add(record(number))
        assert output.entered.wait(10)
    assert log.stop(10)
    assert numbers(output.lines) == list(range(20))


def test_each_worker_has_its_own_buffer_and_order() -> None:
    output = Collected()
    log = AccessLog(output, interval=0.001)
    adders = [log.buffer().add for _ in range(3)]
    log.start()

    def work(add: Callable[[ResponseCompleted], None], first: int) -> None:
        for number in range(first, first + 2000):
            add(record(number))

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


def test_a_blocked_output_blocks_no_request_and_is_reported(caplog: pytest.LogCaptureFixture) -> None:
    output = Collected()
    output.open.clear()
    log = AccessLog(output, capacity=100, interval=0.001)
    add = log.buffer().add
    log.start()
    add(record(0))
    assert output.entered.wait(10)
    for number in range(1, 1001):
        add(record(number))
    assert log.dropped == 900
    with caplog.at_level(logging.WARNING, "pounce.server"):
        output.open.set()
        assert log.stop(10)
    assert numbers(output.lines) == list(range(101))
    assert caplog.messages == ["access log: 900 lines dropped, because the output did not take them"]


def test_an_output_that_takes_some_now_and_then_gets_all(caplog: pytest.LogCaptureFixture) -> None:
    class Slow(Collected):
        def write(self, lines: Sequence[str]) -> None:
            time.sleep(0.04)
            super().write(lines)

    output = Slow()
    log = AccessLog(output, interval=600)
    adders = [log.buffer().add for _ in range(10)]
    log.start()
    for number, add in enumerate(adders):
        add(record(number))
    assert log.stop(0.2), "ten pieces take twice as long as the output may take nothing"
    assert numbers(output.lines) == list(range(10))


def test_the_last_lines_have_a_limit_in_all() -> None:
    class Endless(Collected):
        def write(self, lines: Sequence[str]) -> None:
            super().write(lines)
            for line in lines:
                add(record(int(line.split("/items/")[1].split()[0]) + 1))

    log = AccessLog(output := Endless(), interval=0.001)
    add = log.buffer().add
    log.start()
    add(record(0))
    assert not log.stop(0.01, limit=0.1)
    output.error = OSError("the end")


def test_an_output_that_stays_blocked_does_not_hold_the_stop(caplog: pytest.LogCaptureFixture) -> None:
    output = Collected()
    output.open.clear()
    log = AccessLog(output, interval=0.001)
    add = log.buffer().add
    log.start()
    add(record(0))
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
    log = AccessLog(output, interval=0.001)
    add = log.buffer().add
    with caplog.at_level(logging.WARNING, "pounce.server"):
        log.start()
        for number in range(3000):
            add(record(number))
        assert log.stop(10)
    assert log.dropped == 3000
    broken = [message for message in caplog.messages if "cannot be written" in message]
    assert broken == ["access log: lines cannot be written and are dropped: [Errno 32] Broken pipe"]


def test_only_the_first_record_wakes_the_writer() -> None:
    woken: list[int] = []
    buffer = RecordBuffer(lambda: woken.append(1))
    add = buffer.add
    for _ in range(10):
        add(FIRST)
    assert len(woken) == 1
    assert len(buffer.take(4)) == 4
    add(FIRST)
    assert len(woken) == 1
    assert len(buffer.take()) == 7
    assert buffer.take() == []
    add(FIRST)
    assert len(woken) == 2


def test_no_wake_up_is_lost() -> None:
    """However the two threads meet, what was added is seen without a further record."""
    wake = threading.Event()
    buffer = RecordBuffer(wake.set)
    add = buffer.add
    seen = 0
    total = 20_000

    def consume() -> None:
        nonlocal seen
        while seen < total:
            assert wake.wait(10), "the writer was not woken"
            wake.clear()
            while taken := buffer.take():
                seen += len(taken)

    consumer = threading.Thread(target=consume)
    consumer.start()
    for number in range(total):
        add(FIRST)
        if number % 7 == 0:
            time.sleep(0)
    consumer.join(30)
    assert seen == total
