"""docs/asgi-conformance.md and the tests in tests/conformance tell of each other: nothing is claimed without a test."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
DOCUMENT: Final = ROOT / "docs" / "asgi-conformance.md"
FOLDER: Final = ROOT / "tests" / "conformance"

SHOWN: Final = "| Clause | Requirement | Shown by |"

Row = tuple[str, ...]


def tables(text: str) -> dict[str, list[Row]]:
    """The rows below each kind of head, cells without white space around them."""
    found: dict[str, list[Row]] = {}
    head = ""
    for line in text.splitlines():
        if not line.startswith("|"):
            head = ""
        elif not head:
            head = line
            found.setdefault(head, [])
        elif not set(line) <= set("|-"):
            found[head].append(tuple(cell.strip() for cell in line.strip("|").split("|")))
    return found


def named(row: Row) -> list[str]:
    """The tests that a row names."""
    return re.findall(r"`(test_\w+\.py::test_\w+)`", row[-1])


def defined_below(folder: Path) -> dict[str, ast.FunctionDef]:
    return {
        f"{file.name}::{node.name}": node
        for file in sorted(folder.glob("test_*.py"))
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }


def unproven(rows: list[Row], tests: dict[str, ast.FunctionDef]) -> list[str]:
    """The rows that are not whole, name no test, or name one that does not exist."""
    wrong = []
    for row in rows:
        names = named(row)
        if len(row) != 3 or not all(row) or not names or not set(names) <= tests.keys():
            wrong.append(" | ".join(row))
    return wrong


@pytest.fixture(scope="module")
def document() -> dict[str, list[Row]]:
    return tables(DOCUMENT.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tests() -> dict[str, ast.FunctionDef]:
    return defined_below(FOLDER)


def test_every_row_names_tests_that_exist(document: dict[str, list[Row]], tests: dict[str, ast.FunctionDef]) -> None:
    assert len(document[SHOWN]) > 60, "all four specifications"
    assert unproven(document[SHOWN], tests) == []


def test_every_test_has_a_row(document: dict[str, list[Row]], tests: dict[str, ast.FunctionDef]) -> None:
    assert sorted(tests.keys() - {name for row in document[SHOWN] for name in named(row)}) == []


def test_every_test_runs_over_every_way_to_serve(tests: dict[str, ast.FunctionDef]) -> None:
    assert [name for name, node in tests.items() if "serve" not in {each.arg for each in node.args.args}] == []


def test_nothing_else_is_claimed(document: dict[str, list[Row]]) -> None:
    assert document.keys() == {SHOWN}


@pytest.mark.parametrize(
    "row",
    [
        "| Events | Something. | |",
        "| Events | Something. | by reading the source |",
        "| Events | Something. | `test_core.py::test_that_nobody_wrote` |",
        "| Events | Something. | `test_core.py::test_it`, `test_other.py::test_it` |",
        "| Events | `test_core.py::test_it` |",
        "| | Something. | `test_core.py::test_it` |",
    ],
)
def test_a_row_that_shows_nothing_is_seen(tmp_path: Path, row: str) -> None:
    (tmp_path / "test_core.py").write_text(
        "def test_it(serve): ...\nclass Other:\n    def test_that_nobody_wrote(): ...\n"
    )
    good = "| Events | Something. | `test_core.py::test_it` |"
    rows = tables(f"{SHOWN}\n|---|---|---|\n{good}\n{row}\n")[SHOWN]
    assert len(unproven(rows, defined_below(tmp_path))) == 1
