"""Rows of a table run as one test, and a failure names its row.

A row of its own costs some five milliseconds of two processes before it has asked anything, which is more than most
rows need. So the rows of a test function that takes nothing but what its table gives become one test; with fixtures or
marks of their own they stay what they were. A row that is asked for by its name runs alone, and with
``EVERY_COMBINATION=1`` all do.
"""

from __future__ import annotations

import inspect
import itertools
import os
from pathlib import Path
from typing import Any, Final, Self

import pytest

__all__ = ["EVERY_COMBINATION", "Table", "gather_tables"]

EVERY_COMBINATION: Final = os.environ.get("EVERY_COMBINATION", "") not in ("", "0")

ROWS: Final = 250
"""In one test at most, so that processes can share the large tables."""


OF_FAKER: Final = frozenset({"_session_faker", "request"})
"""What this plugin, which comes with a library that a framework needs, gives to every test."""


class Table(pytest.Item):
    """Rows of one test function, one after the other."""

    rows: tuple[pytest.Function, ...]

    @classmethod
    def of(cls, first: int, rows: tuple[pytest.Function, ...]) -> Self:
        """The rows of a function from number ``first`` on, in the place of the first of them."""
        row = rows[0]
        name = f"{row.originalname}[rows {first} to {first + len(rows) - 1}]"
        assert row.parent is not None
        table: Self = cls.from_parent(row.parent, name=name)
        table.rows = rows
        return table

    def runtest(self) -> None:
        """Run all. The first failure is shown, and in which other rows there is one."""
        failures: list[tuple[str, BaseException]] = []
        skipped = []
        for row in self.rows:
            try:
                assert row.obj(**row.callspec.params) is None
            except pytest.skip.Exception as reason:
                skipped.append(f"{row.callspec.id}: {reason}")
            except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - whatever it is, it belongs to its row
                failures.append((row.callspec.id, error))
        if failures:
            failures[0][1].add_note(f"{len(failures)} of {len(self.rows)} rows fail, this is the first of them:")
            for name, _ in failures:
                failures[0][1].add_note(f"  {self.rows[0].originalname}[{name}]")
            raise failures[0][1]
        if skipped:
            pytest.skip(f"{len(skipped)} of {len(self.rows)} rows; {skipped[0]}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """From the test function on."""
        excinfo.traceback = excinfo.traceback.cut(path=self.path)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where the function is."""
        path, line, _ = self.rows[0].reportinfo()
        return Path(path), line, self.name


def gather_tables(items: list[pytest.Item]) -> list[pytest.Item]:
    """The tests, those of a table together."""
    if EVERY_COMBINATION:
        return items
    gathered: list[pytest.Item] = []
    for function, found in itertools.groupby(items, key=_function_of):
        rows = list(found)
        if function is None or len(rows) == 1:
            gathered += rows
            continue
        for first in range(0, len(rows), ROWS):
            gathered.append(Table.of(first + 1, tuple(rows[first : first + ROWS])))  # type: ignore[arg-type]
    return gathered


def _function_of(item: pytest.Item) -> tuple[Any, ...] | None:
    """The function of which a test is a row that needs nothing else; None when it is none."""
    if not isinstance(item, pytest.Function) or item.cls is not None or not hasattr(item, "callspec"):
        return None
    marked = any(mark.name != "parametrize" for mark in item.own_markers)
    names = _names_in_tables(item)
    if marked or names != set(item.callspec.params) or inspect.iscoroutinefunction(item.obj):
        return None
    if not names.issuperset(inspect.signature(item.obj).parameters):
        return None
    return (item.path, item.originalname) if set(item.fixturenames) - names <= OF_FAKER else None


def _names_in_tables(item: pytest.Function) -> set[str]:
    """The parameters that tables give by themselves, not by way of a fixture."""
    names: set[str] = set()
    for mark in item.iter_markers("parametrize"):
        if not mark.kwargs.get("indirect"):
            given = mark.args[0]
            names.update(name.strip() for name in (given.split(",") if isinstance(given, str) else given))
    return names
