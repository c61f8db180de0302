"""The pages of docs/security: every test that they name exists, and so does every setting; every object that threads
share and change is on its page.
"""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path
from typing import Final

import pytest

from pounce.config import all_settings
from tests.shared_objects import in_module, shared_objects

ROOT: Final = Path(__file__).resolve().parent.parent
FOLDER: Final = ROOT / "docs/security"
PAGES: Final = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.md"))}
NAMED: Final = re.compile(r"`((?:tests|packages)/[\w/.-]+\.py)::(\w+)`")
SETTINGS: Final = frozenset(setting.name for setting in all_settings())

OVER_KINDS: Final = re.compile(r"everywhere|over(_\w+)?(\(.*\))?|where_bodies_are_not_gathered|in_the_clear")
"""Decorators that run a test over every kind of worker that can serve it."""

INTAKE: Final = (
    "http1",
    "http2",
    "http3",
    "websocket",
    "tls",
    "proxies",
    "static-files",
    "compression",
    "configuration",
    "operators",
)
"""A page for each place that takes bytes from outside."""


@functools.cache
def in_file(path: str) -> dict[str, bool]:
    """The tests in a file, and whether each runs over every kind of worker."""
    module = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    marks = [
        ast.unparse(node.value)
        for node in module.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "pytestmark"
    ]
    return {
        node.name: any(OVER_KINDS.fullmatch(mark) for mark in (*marks, *map(ast.unparse, node.decorator_list)))
        for node in ast.walk(module)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def missing(text: str) -> list[str]:
    return [
        f"{path}::{name}"
        for path, name in NAMED.findall(text)
        if not (ROOT / path).exists() or name not in in_file(path)
    ]


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_named_exists(page: str) -> None:
    assert not missing(PAGES[page])


def test_a_test_that_is_gone_is_missed() -> None:
    assert missing("`tests/test_security_pages.py::test_a_test_that_is_gone_is_missed`") == []
    assert missing("`tests/test_security_pages.py::test_nothing` `tests/nothing.py::test_x`") == [
        "tests/test_security_pages.py::test_nothing",
        "tests/nothing.py::test_x",
    ]


def rows(page: str) -> list[list[str]]:
    """The rows of the tables of a page, without their heads."""
    lines = [line for line in PAGES[page].splitlines() if line.startswith("| ") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_every_known_failure_has_tests_and_reaches_every_kind_of_worker() -> None:
    failures = [row for row in rows("known-failures") if row[0] != "failure"]
    assert len(failures) >= 23
    for failure, *_, where, tests in failures:
        named = NAMED.findall(tests)
        assert named, failure
        if where in ("every kind", "every loop"):
            assert any(in_file(path)[name] for path, name in named), failure


@pytest.mark.parametrize("page", INTAKE)
def test_a_place_that_takes_bytes_says_who_is_trusted_what_is_bounded_and_what_proves_it(page: str) -> None:
    text = PAGES[page]
    for part in ("## Trusted", "## Bounded", "## Proved by"):
        assert f"\n{part}\n" in text
    assert len(NAMED.findall(text.partition("## Proved by")[2])) >= 4
    bounded = text.partition("## Bounded")[2].partition("\n## ")[0]
    settings = set(re.findall(r"`([a-z0-9]+(?:_[a-z0-9]+)+)`", bounded))
    assert settings <= SETTINGS, settings - SETTINGS


def test_every_shared_object_is_on_its_page() -> None:
    listed = {row[0].strip("`") for row in rows("shared-objects")}
    found = shared_objects(ROOT)
    assert found - listed == set(), "who writes it, who reads it, and why is that safe without the GIL?"
    of_modules = {name for name in listed if re.fullmatch(r"pounce\w*(\.\w+)+", name)}
    assert of_modules - found == set(), "these are gone, or change no more"


def test_what_is_listed_beside_them_exists() -> None:
    named = {row[0] for row in rows("shared-objects")}
    classes = {name for cell in named for name in re.findall(r"`([A-Z]\w+)(?:\.\w+)?`", cell)}
    assert len(classes) > 40
    sources = [path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("packages/*/src/**/*.py"))]
    known = {name for source in sources for name in re.findall(r"^class (\w+)", source, re.MULTILINE)}
    assert classes - known == set()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("TABLE = {}", set()),
        ("TABLE: Final = {}\ndef f(): TABLE['a'] = 1", {"m.TABLE"}),
        ("TABLE = []\ndef f(): TABLE.append(1)", {"m.TABLE"}),
        ("TABLE = {}\ndef f(): del TABLE['a']", {"m.TABLE"}),
        ("COUNT = 0\ndef f():\n    global COUNT\n    COUNT += 1", {"m.COUNT"}),
        ("ids = itertools.count()", {"m.ids"}),
        ("lock = threading.Lock()", {"m.lock"}),
        ("here = ContextVar('here')", {"m.here"}),
        ("seen = set()", {"m.seen"}),
        ("seen = frozenset()", set()),
        ("ONE = Changing()", {"m.ONE"}),
        ("ONE = Other()", set()),
        ("class A:\n    known = {}\n    def f(self): self.known['a'] = 1", {"m.A.known"}),
        ("class A:\n    count = 0\n    def f(self): type(self).count = 1", {"m.A.count"}),
        ("class A:\n    count = 0\n    def f(self): A.count += 1", {"m.A.count"}),
        ("@functools.cache\ndef f(): pass", {"m.f"}),
        ("@functools.lru_cache(maxsize=4)\ndef f(): pass", {"m.f"}),
    ],
)
def test_what_counts_as_shared(source: str, found: set[str]) -> None:
    assert in_module("m", ast.parse(source), frozenset({"Changing"})) == found
