"""What ``pounce check`` says of the limits of the machine."""

from __future__ import annotations

from typing import Any

import pytest

from pounce import ServerConfig
from pounce.checks import limits
from pounce.checks.limits import OWN_FILES, check_limits, open_files
from pounce.checks.report import Report


@pytest.fixture(autouse=True)
def four_cpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "available_cpus", lambda: 4)


def found(*, files: int, processes: bool = False, **settings: Any) -> list[tuple[str, str]]:
    report = Report()
    check_limits(ServerConfig.of({"app": "main:app", **settings}), report, processes=processes, files=files)
    return [(one.level, one.what) for one in report.findings]


@pytest.mark.parametrize(
    ("files", "limit", "workers", "processes", "level"),
    [
        (1000 + OWN_FILES, 1000, 1, False, "ok"),
        (999 + OWN_FILES, 1000, 1, False, "warning"),
        (500 + OWN_FILES, 1000, 2, True, "ok"),  # each process has a half of them
        (500 + OWN_FILES, 1000, 2, False, "warning"),
        (499 + OWN_FILES, 1000, 2, True, "warning"),
        (10, 5, 1, False, "warning"),
        (1024, None, 1, False, "note"),
    ],
)
def test_open_files(files: int, limit: int | None, workers: int, processes: bool, level: str) -> None:
    (finding,) = found(files=files, processes=processes, workers=workers, limit_concurrency=limit)
    assert finding[0] == level


def test_without_a_limit_and_with_many_files_there_is_nothing_to_say() -> None:
    assert found(files=65536) == []


def test_what_to_do_has_the_number() -> None:
    report = Report()
    config = ServerConfig.of({"app": "main:app", "limit_concurrency": 5000})
    check_limits(config, report, processes=False, files=1024)
    (finding,) = report.findings
    assert finding.what == "limit_concurrency is 5000, but a process may open 1024 files: about 960 connections"
    assert finding.do is not None
    assert finding.do.startswith(f"raise it to {5000 + OWN_FILES}: ulimit -n")


@pytest.mark.parametrize(("workers", "told"), [(4, False), (5, True), ("auto", False), (1, False)])
def test_more_workers_than_processors(workers: int | str, told: bool) -> None:
    assert found(files=65536, workers=workers) == ([("note", "5 workers share 4 CPUs")] if told else [])


def test_this_process_has_a_limit_or_none() -> None:
    number = open_files()
    assert number is None or number > 0
