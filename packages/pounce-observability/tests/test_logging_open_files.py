"""Files that handlers write to."""

from __future__ import annotations

import io
import logging
import logging.handlers
import queue
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pounce_observability.logging_setup import LoggingSettings, flush_logs, reopen_log_files, set_up_logging
from pounce_observability.logging_setup.open_files import handlers_in_use

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [
    pytest.mark.usefixtures("fresh_loggers"),
    pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be moved there"),
]


@pytest.mark.parametrize("mode", ["a", "w"])
def test_moved_files_are_opened_anew(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "log"
    handler = logging.FileHandler(path, mode)
    logger = logging.getLogger("pounce.server")
    logger.addHandler(handler)
    logger.warning("one")
    path.rename(tmp_path / "log.1")
    logger.warning("two")
    path.write_text("")
    path.chmod(0o600)
    assert reopen_log_files() >= 1
    logger.warning("three")
    assert (tmp_path / "log.1").read_text() == "one\ntwo\n"
    assert path.read_text() == "three\n"
    reopen_log_files()  # nobody has moved it this time
    logger.warning("four")
    assert path.read_text() == "three\nfour\n"


def test_log_file(tmp_path: Path) -> None:
    path = tmp_path / "log"
    set_up_logging(LoggingSettings(log_file=str(path), log_format="text"))
    logging.getLogger("pounce.server").info("one")
    path.rename(tmp_path / "log.1")
    reopen_log_files()
    logging.getLogger("pounce.server").info("two")
    assert path.read_text() == "INFO:     two\n"


def test_a_file_that_cannot_be_opened_anew_stays_in_use(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "log"
    logger = logging.getLogger("pounce.server")
    logger.addHandler(logging.FileHandler(path))
    path.rename(tmp_path / "log.1")
    path.mkdir()
    with caplog.at_level(logging.ERROR, "pounce.server"):
        reopen_log_files()
    assert f"{path} cannot be opened anew, so the old file stays in use" in caplog.text
    logger.warning("after")
    assert (tmp_path / "log.1").read_text().endswith("after\n")


def test_a_file_that_is_not_open_yet_stays_so(tmp_path: Path) -> None:
    path = tmp_path / "log"
    logging.getLogger("pounce").addHandler(logging.FileHandler(path, delay=True))
    reopen_log_files()
    assert not path.exists()


def test_handlers_behind_handlers_are_found(tmp_path: Path) -> None:
    file = logging.FileHandler(tmp_path / "log")
    logging.getLogger("pounce").addHandler(logging.handlers.MemoryHandler(10, target=file))
    behind = logging.StreamHandler(io.StringIO())
    waiting: Any = logging.handlers.QueueHandler(queue.Queue())
    waiting.listener = logging.handlers.QueueListener(queue.Queue(), behind)  # as dictConfig does from Python 3.12
    logging.getLogger("pounce.server").addHandler(waiting)
    logging.getLogger("pounce.access").addHandler(waiting)
    found = list(handlers_in_use())
    assert {file, behind, waiting} <= set(found)
    assert len(found) == len(set(found))
    assert reopen_log_files() >= 1
    file.close()


def test_flush_survives_closed_and_missing_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    set_up_logging(LoggingSettings())
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    monkeypatch.setattr(sys, "stderr", None)
    flush_logs()
