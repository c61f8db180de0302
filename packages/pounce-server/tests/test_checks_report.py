"""Findings: what a message is taken apart into, what is heard of the log, and what it comes to."""

from __future__ import annotations

import json
import logging

import pytest

from pounce.checks.report import Finding, Level, Report
from pounce.sources import DEFAULT, Origin

ORIGINS = {"port": Origin("--port"), "host": DEFAULT}


def only(report: Report) -> Finding:
    (finding,) = report.findings
    return finding


@pytest.mark.parametrize(
    ("level", "message", "setting", "expected"),
    [
        ("error", "port: it is in use; choose another", None, ("port: it is in use", "--port", "choose another")),
        ("error", "it is in use; choose another", "port", ("it is in use", "--port", "choose another")),
        ("error", "host: cannot be resolved", None, ("host: cannot be resolved", None, None)),
        ("error", "nobody: knows it", None, ("nobody: knows it", None, None)),
        ("ok", "1 thread: why; because", "port", ("1 thread: why; because", "--port", None)),
        ("note", "a; b", None, ("a; b", None, None)),
    ],
)
def test_what_where_and_what_to_do(
    level: Level, message: str, setting: str | None, expected: tuple[str, str | None, str | None]
) -> None:
    report = Report(ORIGINS)
    report.add(level, "port", message, setting=setting)
    finding = only(report)
    assert (finding.what, finding.origin, finding.do) == expected


def test_what_to_do_may_be_said_beside_the_message() -> None:
    report = Report()
    report.add("warning", "limits", "it is low", do="raise it; soon")
    assert (only(report).what, only(report).do) == ("it is low", "raise it; soon")


@pytest.mark.parametrize(
    ("levels", "code", "strict"),
    [([], 0, 0), (["ok", "note"], 0, 0), (["warning"], 0, 1), (["error", "ok"], 1, 1), (["warning", "error"], 1, 1)],
)
def test_exit_codes(levels: list[Level], code: int, strict: int) -> None:
    report = Report()
    for level in levels:
        report.add(level, "x", "y")
    assert (report.exit_code(), report.exit_code(strict=True)) == (code, strict)


def test_the_traceback_of_what_was_raised() -> None:
    report = Report()
    try:
        raise ValueError("of the application")
    except ValueError as error:
        report.add("error", "import", "it raised", error=error)
    traceback = only(report).traceback
    assert traceback is not None
    assert traceback.endswith("ValueError: of the application")


def test_warnings_of_the_server_are_findings(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report()
    with report.hearing("lifespan"):
        logging.getLogger("pounce.lifespan").warning("It replaced %s. What helps: yield it", "a pool")
        logging.getLogger("pounce.server").info("not of interest")
        logging.getLogger("pounce.server").error("told by its exception")
        logging.getLogger("pounce.lifespan").info("No lifespan")
        logging.getLogger("others").debug("not ours")
    logging.getLogger("pounce.server").debug("afterwards")
    assert [(one.level, one.check, one.what, one.do) for one in report.findings] == [
        ("warning", "lifespan", "It replaced a pool", "yield it"),
        ("note", "lifespan", "No lifespan", None),
    ]
    assert capsys.readouterr().err == ""


def test_the_log_is_afterwards_as_it_was() -> None:
    log = logging.getLogger("pounce")
    before = log.level, log.propagate, log.handlers[:]
    with pytest.raises(RuntimeError), Report().hearing("x"):
        raise RuntimeError
    assert (log.level, log.propagate, log.handlers) == before


def test_as_json() -> None:
    report = Report(ORIGINS)
    report.add("error", "port", "port: in use; choose another")
    assert json.loads(json.dumps(report.as_json())) == [
        {
            "level": "error",
            "check": "port",
            "what": "port: in use",
            "origin": "--port",
            "do": "choose another",
            "traceback": None,
        }
    ]
