"""The loggers of a server that owns its process."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from pounce.log_output import LoggerOutput, StreamOutput
from pounce.logging_setup import access_output, flush_logs, set_up_logging

Capture = pytest.CaptureFixture[str]


def test_messages_on_stderr_and_access_on_stdout(capsys: Capture) -> None:
    set_up_logging("info")
    logging.getLogger("pounce.server").info("hello")
    logging.getLogger("pounce.error").error("broken")
    logging.getLogger("pounce.server").debug("detail")
    logging.getLogger("pounce.access").info("a line")
    assert capsys.readouterr() == ("a line\n", "INFO:     hello\nERROR:    broken\n")


def test_level(capsys: Capture) -> None:
    set_up_logging("warning")
    logging.getLogger("pounce.server").info("hello")
    logging.getLogger("pounce.server").warning("careful")
    assert capsys.readouterr().err == "WARNING:  careful\n"
    assert access_output() is None


def test_twice_is_as_once(capsys: Capture) -> None:
    set_up_logging("info")
    set_up_logging("info")
    logging.getLogger("pounce.server").info("hello")
    assert capsys.readouterr().err == "INFO:     hello\n"


def test_our_own_access_handler_is_bypassed(capsys: Capture) -> None:
    set_up_logging("info")
    output = access_output()
    assert isinstance(output, StreamOutput)
    output.write(["a line"])
    assert capsys.readouterr().out == "a line\n"


def test_a_programs_own_handlers_are_kept() -> None:
    mine = logging.StreamHandler(io.StringIO())
    logging.getLogger("pounce.access").addHandler(mine)
    set_up_logging("info")
    assert logging.getLogger("pounce.access").handlers == [mine]
    assert isinstance(access_output(), LoggerOutput)


def test_nobody_listens_when_logging_is_not_set_up() -> None:
    assert access_output() is None


def test_flush_survives_closed_and_missing_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    set_up_logging("info")
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    monkeypatch.setattr(sys, "stderr", None)
    flush_logs()
