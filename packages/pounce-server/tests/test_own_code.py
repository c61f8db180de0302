"""Which modules are the application's: by their place, and by nothing else."""

from __future__ import annotations

import asyncio
import importlib.machinery
import json
import math
import sys
import sysconfig
import types
from pathlib import Path
from typing import TYPE_CHECKING

import click
import pytest

import pounce
import pounce.config
from pounce.importer import prepare_path
from pounce.own_code import OwnCode, is_extension, own_code, spec_of

if TYPE_CHECKING:
    from code_folder import CodeFolder


@pytest.mark.parametrize(
    ("path", "ours"),
    [
        ("main.py", True),
        ("app/models.py", True),
        ("env/settings.py", True),  # a folder of ours with a common name
        ("build/lib/x.py", True),
        ("vendor/click/core.py", True),
        ("my.site-packages/x.py", True),
        ("../other/x.py", False),
        ("../project-of-another/x.py", False),
        (".venv/lib/x.py", False),
        ("venv/lib/python3.14/x.py", False),
        ("env2/lib/x.py", False),
        ("lib/python3.14/site-packages/click/core.py", False),
        ("lib/python3/dist-packages/apt.py", False),
        ("app/site-packages/x.py", False),
    ],
)
def test_places_below_a_folder(tmp_path: Path, path: str, ours: bool) -> None:
    project = tmp_path / "project"
    for folder, mark in (("venv", "pyvenv.cfg"), ("env2", "conda-meta")):
        (project / folder).mkdir(parents=True)
        (project / folder / mark).touch()
    assert OwnCode.below([project]).owns_path(project / path) is ours


@pytest.mark.parametrize("above", ["site-packages", "venv", ".venv", "dist-packages", "node_modules", "tmp", "lib"])
def test_folders_above_the_project_may_have_any_name(tmp_path: Path, above: str) -> None:
    project = tmp_path / above / "project"
    project.mkdir(parents=True)
    (tmp_path / above / "pyvenv.cfg").touch()
    assert OwnCode.below([project]).owns_path(project / "app" / "main.py")


@pytest.mark.parametrize(
    ("link_to", "ours"),
    [("shared", True), ("lib/site-packages/thing", False), ("project/.venv/thing", False)],
)
def test_a_link_that_leads_out_of_the_project(tmp_path: Path, link_to: str, ours: bool) -> None:
    target = tmp_path / link_to
    target.mkdir(parents=True)
    (target / "code.py").touch()
    project = tmp_path / "project"
    project.mkdir(exist_ok=True)
    (project / "linked").symlink_to(target, target_is_directory=True)
    assert OwnCode.below([project]).owns_path(project / "linked" / "code.py") is ours


def test_a_project_that_is_reached_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "releases" / "7").mkdir(parents=True)
    (tmp_path / "current").symlink_to(tmp_path / "releases" / "7")
    own = OwnCode.below([tmp_path / "current"])
    assert own.owns_path(tmp_path / "current" / "main.py")
    assert own.owns_path(tmp_path / "releases" / "7" / "main.py")


@pytest.mark.parametrize("module", [asyncio, json, math, sys, click, pounce, pounce.config, pytest])
def test_never_what_is_installed_nor_the_library_nor_the_server(module: types.ModuleType) -> None:
    root = OwnCode.below(["/", Path(pounce.__file__).parents[4], sys.prefix, sysconfig.get_path("stdlib")])
    assert root.owned({module.__name__: module}) == {}


def made(name: str, file: Path | None = None, portions: list[Path] | None = None) -> types.ModuleType:
    module = types.ModuleType(name)
    spec = importlib.machinery.ModuleSpec(name, None, origin=str(file) if file else None, is_package=bool(portions))
    spec.has_location = file is not None
    spec.submodule_search_locations = [str(one) for one in portions] if portions else None
    module.__spec__ = spec
    return module


def test_modules(tmp_path: Path) -> None:
    here, there = tmp_path / "project", tmp_path / "other"
    by_hand = types.ModuleType("by_hand")
    by_hand.__file__ = str(here / "by_hand.py")
    modules = {
        "__main__": made("__main__", here / "main.py"),
        "__mp_main__": made("main", here / "main.py"),
        "main": made("main", here / "main.py"),
        "other": made("other", there / "other.py"),
        "spread": made("spread", portions=[here / "spread", there / "spread"]),
        "spread.ours": made("spread.ours", here / "spread" / "ours.py"),
        "spread.theirs": made("spread.theirs", there / "spread" / "theirs.py"),
        "whole": made("whole", portions=[here / "whole"]),
        "whole.made": types.ModuleType("whole.made"),
        "nowhere": types.ModuleType("nowhere"),
        "by_hand": by_hand,
        "whole.object": object(),
        "whole.none": None,
    }
    found = OwnCode.below([here]).owned(modules)  # type: ignore[arg-type] # sys.modules holds such things
    assert sorted(found) == [
        "by_hand", "main", "spread.ours", "whole", "whole.made", "whole.none", "whole.object",
    ]  # fmt: skip


def test_a_lazy_module_is_not_woken(tmp_path: Path) -> None:
    class Lazy(types.ModuleType):
        def __getattribute__(self, name: str) -> object:
            raise AssertionError(f"asked for {name}")

    assert spec_of(Lazy("lazy")) is None
    assert OwnCode.below([tmp_path]).owned({"lazy": Lazy("lazy")}) == {}


@pytest.mark.parametrize(
    ("target", "app_dir", "reload_dirs", "folders"),
    [
        ("main:app", "", [], ["."]),
        ("main:app", "source", [], ["source"]),
        ("main:app", "source", ["shared"], ["source", "shared"]),
        ("main:app", "", ["."], ["."]),
        ("no_such_module_anywhere:app", "", [], ["."]),
        ("elsewhere.web:app", "source", [], ["../lib/elsewhere"]),
        ("alone:app", "source", [], ["../lib"]),
        ("click:Command", "source", [], []),
        ("json:dumps", "source", ["shared"], ["shared"]),
        (print, "", [], ["."]),
    ],
)
def test_the_applications_folder(
    code: CodeFolder,
    monkeypatch: pytest.MonkeyPatch,
    target: object,
    app_dir: str,
    reload_dirs: list[str],
    folders: list[str],
) -> None:
    code.write({"work/source/main.py": "", "work/main.py": "", "lib/elsewhere/__init__.py": "", "lib/alone.py": ""})
    monkeypatch.chdir(code.path / "work")
    monkeypatch.syspath_prepend(str(code.path / "lib"))
    prepare_path(app_dir)
    expected = tuple((code.path / "work" / one).resolve() for one in folders)
    assert own_code(target, app_dir, reload_dirs).folders == expected


def test_extensions_are_known_by_their_loader_or_name() -> None:
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    assert is_extension(importlib.machinery.ModuleSpec("x", None, origin=f"/x/fast{suffix}"))
    assert is_extension(
        importlib.machinery.ModuleSpec("x", importlib.machinery.ExtensionFileLoader("x", "/x/fast.bin"))
    )
    assert not is_extension(importlib.machinery.ModuleSpec("x", None, origin="/x/fast.py"))


def test_what_only_says_that_it_is_a_module_has_no_spec() -> None:
    class Pretender:
        __slots__ = ()

        @property  # type: ignore[misc]  # as the libraries of cffi do
        def __class__(self) -> type:
            return types.ModuleType

    assert isinstance(Pretender(), types.ModuleType)
    assert spec_of(Pretender()) is None
