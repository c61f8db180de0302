"""The access log as a server joins it: settings in, lines out."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from access_records import completed

from pounce_asgi import ConfigError, Listeners
from pounce_observability.access_log import AccessLog, AccessLogSettings, opened_access_log
from pounce_observability.access_log.access_log import output_of
from pounce_observability.access_log.outputs import LoggerOutput, StreamOutput
from pounce_observability.logging_setup import LoggingSettings, set_up_logging

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]

pytestmark = pytest.mark.usefixtures("fresh_loggers")


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "localtime", time.gmtime)


def listeners(log: AccessLog, *, shared: bool = False) -> Any:
    return Listeners.of(*log.listeners_for_worker(0, shared=shared))


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({}, '127.0.0.1 - - [21/Nov/2026:13:09:33 +0000] "GET /items?q=1 HTTP/1.1" 200 1234 0.812ms'),
        (
            {"access_log_format": "common"},
            '127.0.0.1 - - [21/Nov/2026:13:09:33 +0000] "GET /items?q=1 HTTP/1.1" 200 1234',
        ),
        (
            {"access_log_format": "combined"},
            '127.0.0.1 - - [21/Nov/2026:13:09:33 +0000] "GET /items?q=1 HTTP/1.1" 200 1234 "-" "-"',
        ),
        ({"access_log_format": "%(s)s %({x-any}i)s"}, "200 -"),
        ({"access_log_format": "%(s)s %(M)s"}, "200 0"),
        ({"access_log_exclude": ("/items",)}, None),
        ({"access_log_sample": 0.0}, None),
    ],
)
@pytest.mark.parametrize("shared", [False, True])
def test_settings(capsys: Capture, settings: dict[str, Any], line: str | None, shared: bool) -> None:
    with contextlib.ExitStack() as stack:
        log = opened_access_log(AccessLogSettings(access_log_file="-", **settings), stack)
        assert log is not None
        listeners(log, shared=shared).response_completed(completed())
    assert capsys.readouterr().out == ("" if line is None else f"{line}\n")
    assert (log.written, log.dropped) == (0 if line is None else 1, 0)


def test_json(capsys: Capture) -> None:
    with contextlib.ExitStack() as stack:
        log = opened_access_log(AccessLogSettings(access_log_file="-", access_log_format="json"), stack)
        assert log is not None
        listeners(log).response_completed(completed(status=404))
    assert json.loads(capsys.readouterr().out)["http.response.status_code"] == 404


def test_quiet_paths(capsys: Capture) -> None:
    with contextlib.ExitStack() as stack:
        log = opened_access_log(AccessLogSettings(access_log_file="-"), stack, quiet_paths=[b"/healthz"])
        assert log is not None
        hear = listeners(log).response_completed
        hear(completed(raw_path=b"/healthz"))
        hear(completed(raw_path=b"/other"))
    assert "/other" in capsys.readouterr().out.splitlines()[0]
    assert log.written == 1


def test_a_mistake_of_ours_is_not_the_requests(caplog: pytest.LogCaptureFixture, capsys: Capture) -> None:
    with contextlib.ExitStack() as stack:
        log = opened_access_log(AccessLogSettings(access_log_file="-"), stack)
        assert log is not None
        listeners(log).response_completed(completed(duration="long"))
    assert caplog.messages == ["access log: no line could be made of a request"]
    assert (log.written, log.dropped) == (0, 0)
    assert capsys.readouterr().out == ""


def test_off() -> None:
    with contextlib.ExitStack() as stack:
        assert opened_access_log(AccessLogSettings(access_log=False, access_log_file="-"), stack) is None


def test_where_lines_go(tmp_path: Path, capsys: Capture) -> None:
    assert output_of(AccessLogSettings()) is None, "nobody listens when logging is not set up"
    set_up_logging(LoggingSettings())
    output = output_of(AccessLogSettings())
    assert isinstance(output, StreamOutput), "our own handler is bypassed"
    output.write(["a line"])
    assert capsys.readouterr().out == "a line\n"
    logging.getLogger("pounce.access").addHandler(logging.NullHandler())
    assert isinstance(output_of(AccessLogSettings()), LoggerOutput)
    file = output_of(AccessLogSettings(access_log_file=str(tmp_path / "log")))
    assert file is not None
    file.write(["a line"])
    file.close()
    assert (tmp_path / "log").read_text() == "a line\n"
    assert capsys.readouterr().out == ""


def test_a_level_above_info_turns_it_off() -> None:
    set_up_logging(LoggingSettings(log_level="warning"))
    assert output_of(AccessLogSettings()) is None


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    settings = AccessLogSettings(access_log_file=str(tmp_path / "nowhere" / "log"))
    with (
        contextlib.ExitStack() as stack,
        pytest.raises(ConfigError, match=r"access_log_file: .*nowhere/log cannot be opened: No such file or directory"),
    ):
        opened_access_log(settings, stack)


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be moved there")
def test_rotation_loses_nothing_and_mixes_nothing(tmp_path: Path) -> None:
    """Four workers log without a pause while the file is moved again and again, as logrotate does."""
    path = tmp_path / "access.log"
    settings = AccessLogSettings(access_log_file=str(path), access_log_format="%(U)s %(D)s")
    ended = threading.Event()
    totals: dict[int, int] = {}

    def work(worker: int, hear: Any) -> None:
        number = 0
        while not ended.is_set() or number < 500:
            hear(completed(raw_path=b"/%d/%d" % (worker, number)))
            number += 1
            if number % 100 == 0:
                time.sleep(0.001)
        totals[worker] = number

    with contextlib.ExitStack() as stack:
        log = opened_access_log(settings, stack)
        assert log is not None
        workers = [
            threading.Thread(target=work, args=(worker, listeners(log, shared=worker == 3).response_completed))
            for worker in range(4)
        ]
        for thread in workers:
            thread.start()
        for turn in range(5):
            path.rename(tmp_path / f"access.log.{turn}")
            new = os.open(path, os.O_CREAT | os.O_EXCL, 0o600)
            log.reopen()
            give_up = time.monotonic() + 20
            while not os.fstat(new).st_size and time.monotonic() < give_up:
                time.sleep(0.005)
            assert os.fstat(new).st_size, "the new file is in use"
            os.close(new)
        ended.set()
        for thread in workers:
            thread.join()
    assert log.dropped == 0
    files = [*(tmp_path / f"access.log.{turn}" for turn in range(5)), path]
    lines = [line for file in files for line in file.read_text().splitlines()]
    for worker, total in totals.items():
        own = [line for line in lines if line.startswith(f"/{worker}/")]
        assert own == [f"/{worker}/{number} 812" for number in range(total)]
