"""A package alone: which modules it may miss, and that others are missed loudly. The rest is a step of .ci/run."""

from __future__ import annotations

import ast
import io
import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from scripts.package_check import ELSEWHERE, IMPORT_ALL, Alone, in_order, module_of, try_all, verdict
from scripts.packages import packages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scripts.packages import Package

MEMBERS: Final = packages()


def alone(name: str, folder: Path) -> Alone:
    return Alone(MEMBERS[name], MEMBERS, Path("/dist"), folder, io.StringIO())


@pytest.mark.parametrize(
    ("name", "may_miss", "needs"),
    [
        ("pounce-server", {"dotenv", "watchfiles", "pounce_h2", "h2", "prometheus_client", "yaml"}, {"click"}),
        ("pounce-observability", {"prometheus_client", "opentelemetry", "yaml", "rich"}, {"pounce_asgi"}),
        ("pounce-h3", {"aioquic", "qh3"}, {"pounce_asgi"}),  # one of them, by the interpreter
        ("pounce-h2", set(), {"h2", "hpack", "pounce_asgi"}),
        ("pounce-http1", {"h11"}, set()),
    ],
)
def test_it_may_miss_what_an_extra_brings_and_nothing_that_it_needs(
    tmp_path: Path, name: str, may_miss: set[str], needs: set[str]
) -> None:
    optional = set(alone(name, tmp_path).optional)
    assert may_miss <= optional
    assert not optional & (needs | {module_of(name)})


def test_siblings_come_from_what_was_built(tmp_path: Path) -> None:
    lines = alone("pounce-h2", tmp_path).siblings.read_text().splitlines()
    assert len(lines) == len(MEMBERS)
    asgi = MEMBERS["pounce-asgi"]
    assert f"pounce-asgi @ {Path('/dist', asgi.files_built[0]).as_uri()}" in lines


@pytest.mark.parametrize(
    ("imports", "code"),
    [("json", 0), ("brought_by_an_extra.part", 0), ("forgotten_in_the_dependencies", 1), ("json.no_such_part", 1)],
)
def test_a_forgotten_dependency_is_found(tmp_path: Path, imports: str, code: int) -> None:
    (tmp_path / "pkg" / "inner").mkdir(parents=True)
    (tmp_path / "pkg" / "__init__.py").touch()
    (tmp_path / "pkg" / "__main__.py").write_text("raise SystemExit(9)\n")
    (tmp_path / "pkg" / "inner" / "__init__.py").touch()
    (tmp_path / "pkg" / "inner" / "deep.py").write_text(f"import {imports}\n")
    command = [sys.executable, "-c", IMPORT_ALL, "pkg", json.dumps(["brought_by_an_extra"])]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert done.returncode == code


def test_what_is_left_to_the_whole_suite_is_there() -> None:
    for name, files in ELSEWHERE.items():
        assert [file for file in files if not (MEMBERS[name].folder / "tests" / f"{file}.py").exists()] == [], name


def test_those_that_need_most_from_others_are_tried_first() -> None:
    order = in_order(MEMBERS, list(MEMBERS))
    assert sorted(order) == sorted(MEMBERS)
    assert order[0] == "pounce-server"
    assert order.index("pounce-observability") < order.index("pounce-h2") < order.index("pounce-asgi")
    assert in_order(MEMBERS, ["pounce-asgi", "pounce-h2"]) == ["pounce-h2", "pounce-asgi"]


def test_want_of_time_is_no_failure_and_no_success() -> None:
    tried: list[str] = []

    def attempt(name: str) -> bool:
        tried.append(name)
        return name != "bad"

    assert try_all(["good", "bad"], attempt, 600) == {"good": True, "bad": False}
    assert try_all(["late"], attempt, 0) == {"late": None}
    assert sorted(tried) == ["bad", "good"]


@pytest.mark.parametrize(
    ("tried", "code", "said"),
    [
        ({"a": True, "b": True}, 0, []),
        ({"a": True, "b": None, "c": None}, 0, ["b alone", "c alone"]),
        ({"a": True, "b": False, "c": None}, 1, ["c alone", "these do not work alone", ": b"]),
        ({"a": None, "b": None}, 1, ["a alone", "b alone", "none that was tried"]),
    ],
)
def test_what_was_not_tried_is_said_by_name(
    tried: dict[str, bool | None], code: int, said: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert verdict(tried, {}) == code
    out, err = capsys.readouterr()
    assert [words for words in said if words not in err] == []
    assert ("NOT TRIED" in err) is (None in tried.values())
    assert "::warning" not in out
    verdict(tried, {"GITHUB_ACTIONS": "true"})
    assert capsys.readouterr().out.count("::warning title=package not tried::") == list(tried.values()).count(None)


def declared(package: Package) -> set[str]:
    """What is there when the tests of a package run alone: its group, its extras and those of its siblings."""
    found: set[str] = {package.name}
    waiting = [package]
    while waiting:
        needed = {one.name for one in waiting.pop().requirements} - found
        found |= needed
        waiting += [MEMBERS[name] for name in needed if name in MEMBERS]
    groups = tomllib.loads((package.folder / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    return found | {re.split(r"[^\w.-]", line, maxsplit=1)[0] for line in groups["test"]}


def imported_at_the_top(file: Path) -> Iterator[str]:
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield (node.module or "").partition(".")[0]


@pytest.mark.parametrize("package", MEMBERS.values(), ids=lambda package: package.name)
def test_what_tests_import_is_declared(package: Package) -> None:
    """Here everything is installed: it would only show when the package is tested alone."""
    beside = {file.stem for folder in ("tests", "benchmarks") for file in (package.folder / folder).rglob("*.py")}
    known = {module_of(name) for name in declared(package)} | beside | sys.stdlib_module_names
    tests = (package.folder / "tests").rglob("*.py")
    assert [(file.name, name) for file in tests for name in imported_at_the_top(file) if name not in known] == []
