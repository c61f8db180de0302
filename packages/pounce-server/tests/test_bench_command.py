"""``pounce bench``: found by name, and what is said where it is not there."""

from __future__ import annotations

import importlib.abc
import sys
import types
from typing import TYPE_CHECKING, Any

from pounce.cli import run_command
from pounce.commands.bench import IMPLEMENTATION

if TYPE_CHECKING:
    import pytest


class RefusedError(Exception):
    """As the implementation has one."""


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for name in list(sys.modules):
        if name.partition(".")[0] == "pounce_testing":
            monkeypatch.delitem(sys.modules, name)

    class Nowhere(importlib.abc.MetaPathFinder):
        def find_spec(self, name: str, path: Any, target: Any = None) -> None:
            if name == "pounce_testing":
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    monkeypatch.setattr(sys, "meta_path", [Nowhere(), *sys.meta_path])
    assert run_command(["bench", "main:app"]) == 2
    assert capsys.readouterr().err == "pounce: pounce bench needs a package: pip install pounce-testing\n"


def test_options_are_handed_on_and_errors_are_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[dict[str, Any]] = []

    def bench(app: str, **options: Any) -> int:
        asked.append({"app": app, **options})
        if options["path"] == "/wrong":
            raise RefusedError("it cannot\nbe done")
        options["echo"]("the result")
        return 1

    for name in ("pounce_testing", "pounce_testing.bench", IMPLEMENTATION):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    module: Any = sys.modules[IMPLEMENTATION]
    module.bench, module.BenchError = bench, RefusedError
    options = ["--server", "pounce", "--server", "uvicorn", "--rounds", "5", "--header", "A:1", "-o", "x.svg", "--json"]
    assert run_command(["bench", "main:app", *options]) == 1
    assert capsys.readouterr().out == "the result\n"
    (given,) = asked
    assert (given["app"], given["servers"], given["headers"]) == ("main:app", ("pounce", "uvicorn"), ("A:1",))
    assert (given["rounds"], given["seconds"], given["output"], given["as_json_text"]) == (5, 5.0, "x.svg", True)
    assert run_command(["bench", "main:app", "--path", "/wrong"]) == 2
    assert capsys.readouterr().err == "pounce: it cannot be done\n"
    assert run_command(["bench", "main:app", "--rounds", "0"]) == 2
