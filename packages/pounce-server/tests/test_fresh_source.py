"""Source that was changed is run, whatever its bytecode says."""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pounce.fresh_source import FreshSource, bytecode_is_doubtful
from pounce.own_code import OwnCode

if TYPE_CHECKING:
    from collections.abc import Iterator

    from code_folder import CodeFolder


@pytest.fixture
def finder(code: CodeFolder, monkeypatch: pytest.MonkeyPatch) -> Iterator[FreshSource]:
    monkeypatch.syspath_prepend(str(code.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)
    one = FreshSource(OwnCode.below([code.path]))
    one.install()
    yield one
    one.remove()


def run(name: str) -> int:
    sys.modules.pop(name, None)
    importlib.invalidate_caches()
    value: int = importlib.import_module(name).value
    return value


def test_a_change_within_the_second_and_of_the_same_size_is_seen(code: CodeFolder, finder: FreshSource) -> None:
    file = code.path / "quick.py"
    for value in range(10):
        code.write({"quick.py": f"value = {value}\n"})
        os.utime(file, (1_700_000_000.1 + value / 100,) * 2)
        cached = Path(importlib.util.cache_from_source(str(file)))
        if cached.exists():
            os.utime(cached, (1_700_000_000.5,) * 2)
        assert run("quick") == value


def test_python_alone_would_not_see_it(code: CodeFolder, finder: FreshSource) -> None:
    finder.remove()
    for value in range(2):
        code.write({"quick.py": f"value = {value}\n"})
        os.utime(code.path / "quick.py", (1_700_000_000,) * 2)
        assert run("quick") == 0


def test_bytecode_of_older_source_is_used(code: CodeFolder, finder: FreshSource) -> None:
    code.write({"settled.py": "value = 1\n"})
    os.utime(code.path / "settled.py", (1_700_000_000,) * 2)
    assert run("settled") == 1
    code.write({"settled.py": "value = 2\n"})  # behind Python's back: only the bytecode can tell the old value
    os.utime(code.path / "settled.py", (1_700_000_000,) * 2)
    assert run("settled") == 1


@pytest.mark.parametrize(
    ("changed", "written", "doubtful"),
    [(100.0, 100.9, True), (100.9, 100.95, True), (100.9, 101.0, False), (100.0, 99.0, True), (100.0, 5000.0, False)],
)
def test_doubt(tmp_path: Path, changed: float, written: float, doubtful: bool) -> None:
    source = tmp_path / "x.py"
    source.touch()
    assert not bytecode_is_doubtful(source)
    cached = Path(importlib.util.cache_from_source(str(source)))
    cached.parent.mkdir(exist_ok=True)
    cached.touch()
    os.utime(source, (changed, changed))
    os.utime(cached, (written, written))
    assert bytecode_is_doubtful(source) is doubtful


def test_doubtful_bytecode_that_cannot_be_removed_is_not_run(
    code: CodeFolder, finder: FreshSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in range(2):
        code.write({"fixed.py": f"value = {value}\n"})
        os.utime(code.path / "fixed.py", (1_700_000_000,) * 2)
        if value:
            cached = Path(importlib.util.cache_from_source(str(code.path / "fixed.py")))
            os.utime(cached, (1_700_000_000.5,) * 2)

            def refuse(path: Path, missing_ok: bool = False) -> None:
                raise PermissionError(str(path))

            monkeypatch.setattr(Path, "unlink", refuse)
        assert run("fixed") == value


def test_it_stands_before_pythons_finder_and_behind_those_of_tools(finder: FreshSource) -> None:
    assert sys.meta_path[sys.meta_path.index(finder) + 1] is PathFinder
    finder.install()
    assert sys.meta_path.count(finder) == 1
    finder.remove()
    finder.remove()
    assert finder not in sys.meta_path


def test_modules_of_others_are_found_as_ever(finder: FreshSource) -> None:
    spec = finder.find_spec("json")
    assert spec is not None
    assert type(spec.loader).__module__.endswith("importlib_external")
    assert finder.find_spec("no_such_module_anywhere") is None


def test_a_kept_module_is_bound_in_its_new_package(code: CodeFolder, finder: FreshSource) -> None:
    code.write({"box/__init__.py": "", "box/inner.py": "value = 1"})
    assert run("box.inner") == 1
    inner = sys.modules["box.inner"]
    spec = inner.__spec__
    for name in ("box", "box.inner"):
        del sys.modules[name]
    finder.keep({"box.inner": inner})
    code.write({"box/inner.py": "value = 2"})
    import box.inner  # type: ignore[import-not-found]

    assert box.inner is inner
    assert inner.__spec__ is spec
    assert inner.value == 1
