"""The loggers of a server that owns its process."""

from __future__ import annotations

import io
import json
import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pounce_asgi import ConfigError
from pounce_observability.logging_setup import LoggingSettings, set_up_logging

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Capture = pytest.CaptureFixture[str]

pytestmark = pytest.mark.usefixtures("fresh_loggers")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def text(level: str = "info", **settings: Any) -> LoggingSettings:
    return LoggingSettings(log_level=level, **{"log_format": "text"} | settings)


def test_messages_on_stderr_and_access_on_stdout(capsys: Capture) -> None:
    set_up_logging(text())
    logging.getLogger("pounce.server").info("hello")
    logging.getLogger("pounce.error").error("broken")
    logging.getLogger("pounce.server").debug("detail")
    logging.getLogger("pounce.access").info("a line")
    assert capsys.readouterr() == ("a line\n", "INFO:     hello\nERROR:    broken\n")


def test_level(capsys: Capture) -> None:
    set_up_logging(text("warning"))
    logging.getLogger("pounce.server").info("hello")
    logging.getLogger("pounce.server").warning("careful")
    assert capsys.readouterr().err == "WARNING:  careful\n"


def test_twice_is_as_once(capsys: Capture) -> None:
    set_up_logging(text())
    set_up_logging(text())
    logging.getLogger("pounce.server").info("hello")
    assert capsys.readouterr().err == "INFO:     hello\n"


def test_a_programs_own_handlers_are_kept() -> None:
    mine = logging.StreamHandler(io.StringIO())
    for name in ("pounce", "pounce.access"):
        logging.getLogger(name).addHandler(mine)
    set_up_logging(text("debug"))
    for name in ("pounce", "pounce.access"):
        assert logging.getLogger(name).handlers == [mine]
    assert logging.getLogger("pounce").level == logging.DEBUG


@pytest.mark.parametrize(
    ("form", "terminal", "variables", "shown"),
    [
        ("auto", False, {}, "json"),
        ("json", True, {}, "json"),
        ("text", False, {}, "INFO:     hello\n"),
        ("auto", True, {"NO_COLOR": "1"}, "INFO:     hello\n"),
        ("auto", True, {"TERM": "dumb"}, "INFO:     hello\n"),
        ("auto", True, {"TERM": "xterm"}, "\x1b[32mINFO:\x1b[0m     hello\n"),
        ("text", True, {"TERM": "xterm-256color"}, "\x1b[32mINFO:\x1b[0m     hello\n"),
    ],
)
def test_formats(
    monkeypatch: pytest.MonkeyPatch, form: str, terminal: bool, variables: dict[str, str], shown: str
) -> None:
    if "\x1b" in shown:
        pytest.importorskip("rich")
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM", "COLORTERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    stream = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    set_up_logging(LoggingSettings(log_format=form))  # type: ignore[arg-type] # one of them
    logging.getLogger("pounce.server").info("hello")
    if shown == "json":
        assert json.loads(stream.getvalue())["message"] == "hello"
    else:
        assert stream.getvalue() == shown


def test_without_rich_there_are_no_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    monkeypatch.delitem(sys.modules, "pounce_observability.logging_setup.terminal_format", raising=False)
    monkeypatch.setattr(sys, "stderr", stream := Terminal())
    set_up_logging(LoggingSettings())
    logging.getLogger("pounce.server").info("hello")
    assert stream.getvalue() == "INFO:     hello\n"


def test_a_process_without_a_console(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "stdout", None)
    set_up_logging(LoggingSettings())
    logging.getLogger("pounce.server").info("hello")


def test_a_file(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "server.log"
    path.write_text("before\n")
    set_up_logging(LoggingSettings(log_file=str(path)))
    logging.getLogger("pounce.server").info("größer \ud800")
    before, line = path.read_text().splitlines()
    assert before == "before"
    assert json.loads(line)["message"] == "größer \ud800"
    assert capsys.readouterr().err == ""


def test_a_file_that_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"log_file: .*nowhere/log cannot be opened: No such file or directory"):
        set_up_logging(LoggingSettings(log_file=str(tmp_path / "nowhere" / "log")))


ROOT_ONLY = {
    "handlers": {"all": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
    "root": {"level": "WARNING", "handlers": ["all"]},
}
OURS = {
    "handlers": {"all": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"}},
    "loggers": {"pounce": {"level": "ERROR", "handlers": ["all"]}, "pounce.access": {"propagate": False}},
}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({}, ("access\n", "INFO:     info\nERROR:    error\n")),
        (ROOT_ONLY, ("info\nerror\naccess\n", "")),
        (OURS, ("error\naccess\n", "")),
    ],
    ids=["nothing of it", "the root logger", "our loggers"],
)
def test_a_configuration_file_decides(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any], said: tuple[str, str]
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])  # those of pytest, which no server has
    path = tmp_path / "logging.json"
    path.write_text(json.dumps(config))
    set_up_logging(text(log_config=str(path)))
    logging.getLogger("pounce.server").info("info")
    logging.getLogger("pounce.server").error("error")
    access = logging.getLogger("pounce.access")
    access.setLevel(logging.INFO)
    access.info("access")
    assert capsys.readouterr() == said


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"log_level": "trace"}, "log_level: 'trace' is not one of critical, error"),
        ({"log_format": "xml"}, "log_format: 'xml' is not one of auto, text, json"),
        ({"log_file": ""}, "log_file: '' is no file"),
        ({"log_config": ""}, "log_config: '' is no file"),
        ({"log_config": "a.json", "log_file": "b"}, "log_file: log_config says where messages go"),
    ],
)
def test_what_is_not_allowed(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is looked at
        LoggingSettings(**values)
    assert str(caught.value).startswith(message)


def test_a_hint_about_the_file_comes_where_messages_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    path = tmp_path / "logging.json"
    path.write_text('{"loggers": {"uvicorn": {}}}')
    set_up_logging(text(log_config=str(path)))
    assert capsys.readouterr().err.startswith(f"WARNING:  {path} sets up uvicorn, which nothing here writes to")


@pytest.fixture
def enabled_again() -> Iterator[None]:
    """All loggers as they were: a file may switch off those of other tests."""
    found = [one for one in logging.root.manager.loggerDict.values() if isinstance(one, logging.Logger)]
    before = [one.disabled for one in found]
    yield
    for one, disabled in zip(found, before, strict=True):
        one.disabled = disabled


@pytest.mark.usefixtures("enabled_again")
@pytest.mark.parametrize(
    ("config", "silent"),
    [
        (ROOT_ONLY, False),
        (ROOT_ONLY | {"disable_existing_loggers": False}, False),
        (ROOT_ONLY | {"disable_existing_loggers": True}, True),
        (OURS | {"disable_existing_loggers": True}, False),
    ],
    ids=["left out", "false", "true", "true, with ours among its loggers"],
)
def test_a_file_that_switches_our_loggers_off_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, config: dict[str, Any], silent: bool
) -> None:
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    monkeypatch.setattr(logging.getLogger(), "level", logging.WARNING)
    path = tmp_path / "logging.json"
    path.write_text(json.dumps(config))
    set_up_logging(text(log_config=str(path)))
    logging.getLogger("pounce.server").error("error")
    said = capsys.readouterr()
    assert (said.out == "") == silent
    assert said.err.startswith(f"WARNING:  log_config: {path} switches off pounce, ") == silent
    assert said.err.count("disable_existing_loggers") == silent
