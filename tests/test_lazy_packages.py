"""Packages that import what they name when it is first used: what they say in three places is one thing.

Every one of them is written in the same way: imports for type checkers, ``__all__``, and ``_HOMES`` for the running
program (PEP 562).
"""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
LAZY: Final = sorted(
    file for file in (ROOT / "packages").glob("*/src/**/__init__.py") if "_HOMES" in file.read_text(encoding="utf-8")
)

each_package = pytest.mark.parametrize("file", LAZY, ids=lambda file: file.parent.name)


def name_of(file: Path) -> str:
    parts = file.parent.parts
    return ".".join(parts[len(parts) - parts[::-1].index("src") :])


def typed_names(file: Path) -> dict[str, str]:
    """What type checkers are told: each name, and the module from which it comes."""
    package = name_of(file)
    (block,) = (
        node
        for node in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )
    found: dict[str, str] = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        module = f"{package}.{node.module}" if node.level else str(node.module)
        home = module.removeprefix(package) if module.startswith(f"{package}.") else module
        found |= {alias.asname or alias.name: home for alias in node.names}
    return found


def of(file: Path) -> Any:
    return importlib.import_module(name_of(file))


def test_there_are_such_packages() -> None:
    assert {"pounce", "pounce_asgi", "pounce_http1", "pounce_middleware", "pounce_workers"} <= set(map(name_of, LAZY))


@each_package
def test_type_checkers_and_programs_are_told_the_same(file: Path) -> None:
    package = of(file)
    homes = {name: home for home, names in package._HOMES.items() for name in names}
    assert homes == typed_names(file)
    # What is imported at once is a module without which the package is of no use.
    assert {name for name in package.__all__ if name not in homes} <= {"headers"}
    assert set(homes) <= set(package.__all__)


@each_package
def test_every_name_is_there(file: Path) -> None:
    package = of(file)
    assert [name for name in package.__all__ if getattr(package, name, None) is None] == []
    assert set(package.__all__) <= set(dir(package))
    with pytest.raises(AttributeError, match=f"'{name_of(file)}' has no attribute 'nothing'"):
        _ = package.nothing


@each_package
def test_no_name_is_that_of_a_module(file: Path) -> None:
    """Python would put the module in its place, as soon as that is imported."""
    modules = {each.stem for each in file.parent.glob("*.py")} | {each.name for each in file.parent.iterdir()}
    assert [name for name in of(file)._HOMES.values() if set(name) & modules] == []


def test_all_names_can_be_imported_at_once() -> None:
    code = "\n".join(f"from {name_of(file)} import *" for file in LAZY) + "\nServer, Worker, negotiate, RequestReader"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
