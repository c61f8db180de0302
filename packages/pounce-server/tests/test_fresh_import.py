"""The application imported again: what is fresh, what stays, and the way back."""

from __future__ import annotations

import builtins
import gc
import importlib
import importlib.machinery
import linecache
import shutil
import sys
import threading
import traceback
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pounce import AppImportError, fresh_import
from pounce.fresh_import import FreshImport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from code_folder import CodeFolder

PACKAGE = {
    "shop/__init__.py": "",
    "shop/models.py": "class Item:\n    version = 1\n",
    "shop/late.py": "from shop.models import Item\nlate = Item\n",
    "shop/main.py": """
        import json

        from . import models
        from .models import Item

        def app():
            return Item.version

        def lazily():
            from shop.models import Item as found
            return found

        def from_late():
            from .late import late
            return late

        def dotted():
            import shop.models
            return shop.models.Item

        def by_name(name):
            import importlib
            return importlib.import_module(name, __package__)
    """,
}


@pytest.fixture(autouse=True)
def no_obstacle(monkeypatch: pytest.MonkeyPatch, few_objects: None) -> None:
    """Other tests of the same process may have set Django up, which `test_reload_obstacles` is about."""
    monkeypatch.setattr(fresh_import, "obstacle", lambda: None)


@pytest.fixture
def fresh(code: CodeFolder) -> Iterator[FreshImport]:
    code.write(PACKAGE)
    importer = FreshImport("shop.main:app", app_dir=str(code.path))
    yield importer
    importer.close()
    assert builtins.__import__.__module__ == "builtins"


def newer(code: CodeFolder, version: int = 2) -> None:
    code.write({"shop/models.py": f"class Item:\n    version = {version}\n"})


def names(prefix: str = "shop") -> dict[str, object]:
    return {name: module for name, module in sys.modules.copy().items() if name.partition(".")[0] == prefix}


def test_the_second_import_is_new_all_through(code: CodeFolder, fresh: FreshImport) -> None:
    first = fresh.load()
    json = sys.modules["json"]
    newer(code)
    second = fresh.load()
    assert (first.app(), second.app()) == (1, 2)
    assert sys.modules["json"] is json
    assert sorted(second.modules) == ["shop", "shop.main", "shop.models"]
    assert all(second.modules[name] is not first.modules[name] for name in second.modules)
    assert vars(sys.modules["shop"])["main"] is second.modules["shop.main"]


def test_edits_in_quick_succession(code: CodeFolder, fresh: FreshImport, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    for version in range(1, 10):
        newer(code, version)
        assert fresh.load().app() == version


def test_the_old_generation_keeps_its_own_modules(code: CodeFolder, fresh: FreshImport) -> None:
    first = fresh.load()
    old = first.modules["shop.main"]
    item = old.Item
    newer(code)
    second = fresh.load()
    new = second.modules["shop.main"]
    assert old.lazily() is old.dotted() is item
    assert old.by_name("shop.models").Item is old.by_name(".models").Item is item
    # Never imported before the swap: loaded for the old generation alone, among its own modules.
    assert old.from_late() is item
    assert "shop.late" not in sys.modules
    assert new.from_late() is new.lazily() is new.Item is not item
    assert old.from_late() is item


def test_a_released_generation_is_told_apart_no_longer(code: CodeFolder, fresh: FreshImport) -> None:
    first = fresh.load()
    old = first.modules["shop.main"]
    second = fresh.load()
    assert builtins.__import__.__module__ != "builtins"
    first.release()
    first.release()
    assert builtins.__import__.__module__ == "builtins"
    assert importlib.import_module.__module__ == "importlib"
    assert old.lazily() is second.modules["shop.models"].Item
    assert first.modules == {}
    assert first.app is None
    with pytest.raises(RuntimeError, match="released"):
        first.make()


def test_three_generations_side_by_side(code: CodeFolder, fresh: FreshImport) -> None:
    loaded = []
    for version in (1, 2, 3):
        newer(code, version)
        loaded.append(fresh.load())
    mains = [one.modules["shop.main"] for one in loaded]
    assert [main.lazily().version for main in mains] == [1, 2, 3]
    loaded[1].release()
    assert [mains[0].lazily().version, mains[2].lazily().version] == [1, 3]
    loaded[0].release()
    assert builtins.__import__.__module__ == "builtins"


@pytest.mark.parametrize(
    "broken",
    [
        "raise ValueError('no')",
        "import no_such_module_anywhere",
        "def (",
        "raise SystemExit(1)",
        "from . import late\nimport shop.added\nraise KeyError(1)",
        "Item = None\nimport shop.deleted",
    ],
)
def test_broken_code_leaves_everything_as_it_was(code: CodeFolder, fresh: FreshImport, broken: str) -> None:
    first = fresh.load()
    before, attributes = names(), set(vars(sys.modules["shop"]))
    code.write({"shop/models.py": broken, "shop/added.py": ""})
    with pytest.raises(AppImportError):
        fresh.load()
    assert names() == before
    assert set(vars(sys.modules["shop"])) == attributes
    assert builtins.__import__.__module__ == "builtins"
    assert first.app() == 1
    assert first.modules["shop.main"].lazily().version == 1
    newer(code, 3)
    assert fresh.load().app() == 3


def test_the_old_generation_does_not_notice_a_broken_import_that_runs(code: CodeFolder, fresh: FreshImport) -> None:
    first = fresh.load()
    old = first.modules["shop.main"]
    code.write({
        "shop/models.py": """
            import threading
            import gate
            gate.reached.set()
            gate.go_on.wait(10)
            raise ValueError("broken")
        """,
    })  # fmt: skip
    gate = type(sys)("gate")
    gate.reached, gate.go_on = threading.Event(), threading.Event()  # type: ignore[attr-defined]
    sys.modules["gate"] = gate
    failures: list[BaseException] = []

    def load() -> None:
        try:
            fresh.load()
        except AppImportError as error:
            failures.append(error)

    thread = threading.Thread(target=load)
    thread.start()
    assert gate.reached.wait(10)
    # The files are those of the broken code, and sys.modules is in its hands; late was never imported.
    assert old.lazily() is old.dotted() is old.from_late() is old.Item
    gate.go_on.set()
    thread.join()
    assert "broken" in str(failures[0])
    assert sys.modules["shop.late"].late is old.Item
    assert old.from_late() is old.Item


def test_an_import_that_is_under_way_is_waited_for(code: CodeFolder, fresh: FreshImport) -> None:
    code.write(
        {"shop/late.py": "import gate\ngate.reached.set()\ngate.go_on.wait(10)\nfrom .models import Item as late\n"}
    )
    gate = type(sys)("gate")
    gate.reached, gate.go_on = threading.Event(), threading.Event()  # type: ignore[attr-defined]
    sys.modules["gate"] = gate
    old = fresh.load().modules["shop.main"]
    found: list[object] = []
    importing = threading.Thread(target=lambda: found.append(old.from_late()))
    importing.start()
    assert gate.reached.wait(10)
    loaded: list[object] = []
    loading = threading.Thread(target=lambda: loaded.append(fresh.load()))
    loading.start()
    gate.go_on.set()
    importing.join()
    loading.join()
    assert found == [old.Item]
    assert len(loaded) == 1


def test_an_import_that_never_ends_is_kept(
    code: CodeFolder, fresh: FreshImport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pounce.module_swap.IMPORT_PATIENCE", 0.01)
    fresh.load()
    running = sys.modules["shop.models"]
    spec = running.__spec__
    assert spec is not None
    monkeypatch.setattr(spec, "_initializing", True, raising=False)
    second = fresh.load()
    assert sys.modules["shop.models"] is running
    assert "runs the server" in second.kept["shop.models"]


def test_undo_after_the_import(code: CodeFolder, fresh: FreshImport) -> None:
    first = fresh.load()
    before = names()
    old = first.modules["shop.main"]
    newer(code)
    second = fresh.load()
    late = old.from_late()
    second.undo()
    second.undo()
    assert names() == before | {"shop.late": sys.modules["shop.late"]}
    assert sys.modules["shop.late"].late is late is old.Item
    assert builtins.__import__.__module__ == "builtins"
    assert fresh.load().app() == 2
    first.undo()  # it served: there is no way back from it
    assert sys.modules["shop.main"] is not old


def test_undo_of_the_first(code: CodeFolder, fresh: FreshImport) -> None:
    first = fresh.load()
    first.undo()
    assert names() == {}
    newer(code)
    assert fresh.load().app() == 2


def test_a_first_import_that_fails_can_be_tried_again(code: CodeFolder, fresh: FreshImport) -> None:
    code.write({"shop/models.py": "import shop.late\n"})
    with pytest.raises(AppImportError):
        fresh.load()
    assert names() == {}
    newer(code)
    assert fresh.load().app() == 2


def test_the_traceback_is_the_applications(code: CodeFolder, fresh: FreshImport) -> None:
    fresh.load()
    for text in ("raise ValueError('no')", "def ("):
        code.write({"shop/models.py": text})
        with pytest.raises(AppImportError) as caught:
            fresh.load()
        cause = caught.value.__cause__
        assert cause is not None
        files = {Path(frame.filename).name for frame in traceback.extract_tb(cause.__traceback__)}
        assert files <= {"main.py", "models.py"}
        assert "main.py" in files


def test_lines_of_source_are_read_again(code: CodeFolder, fresh: FreshImport) -> None:
    fresh.load()
    file = str(code.path / "shop" / "models.py")
    assert "version = 1" in linecache.getline(file, 2)
    newer(code, 22)
    fresh.load()
    assert "version = 22" in linecache.getline(file, 2)


def test_modules_elsewhere_are_not_imported_again(code: CodeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    code.write({
        "project/web.py": "import shared, library, inner\ndef app(): return None",
        "project/.venv/inner.py": "", "reload/shared.py": "", "site-packages/library.py": "",
    })  # fmt: skip
    for folder in ("project/.venv", "reload", "site-packages"):
        monkeypatch.syspath_prepend(str(code.path / folder))
    importer = FreshImport("web:app", app_dir=str(code.path / "project"), reload_dirs=[str(code.path / "reload")])
    importer.load()
    before = sys.modules.copy()
    importer.load()
    importer.close()
    fresh = {name for name in ("web", "shared", "library", "inner") if sys.modules[name] is not before[name]}
    assert fresh == {"web", "shared"}
    assert [one.name for one in importer.folders] == ["project", "reload"]


def test_a_namespace_package_with_a_part_elsewhere(code: CodeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    code.write({
        "project/corp/web.py": "from corp import tool\nversion = 1\ndef app(): return version",
        "site-packages/corp/tool.py": "",
    })  # fmt: skip
    monkeypatch.syspath_prepend(str(code.path / "site-packages"))
    importer = FreshImport("corp.web:app", app_dir=str(code.path / "project"))
    first = importer.load()
    corp, tool = sys.modules["corp"], sys.modules["corp.tool"]
    code.write({"project/corp/web.py": "from corp import tool\nversion = 2\nraise ValueError"})
    with pytest.raises(AppImportError):
        importer.load()
    assert vars(corp)["web"] is sys.modules["corp.web"] is first.modules["corp.web"]
    code.write({"project/corp/web.py": "from corp import tool\nversion = 2\ndef app(): return version"})
    second = importer.load()
    assert second.app() == 2
    importer.close()
    assert sys.modules["corp"] is corp
    assert sys.modules["corp.tool"] is tool
    assert vars(corp)["web"] is sys.modules["corp.web"] is not first.modules.get("corp.web")


def test_an_extension_module_is_kept_and_said(code: CodeFolder, fresh: FreshImport) -> None:
    suffix = importlib.machinery.EXTENSION_SUFFIXES[0]
    found = next(
        (path for folder in sys.path for path in Path(folder).glob(f"_bisect*{suffix}") if Path(folder).is_dir()), None
    )
    if found is None:
        pytest.skip("this interpreter has no extension modules in files")
    shutil.copy(found, code.path / "shop" / f"_bisect{suffix}")
    code.write(
        {"shop/main.py": "import shop._bisect\nfast = shop._bisect.bisect_right\ndef app(): return fast([1], 1)"}
    )
    fresh.load()
    extension = sys.modules["shop._bisect"]
    spec = extension.__spec__
    second = fresh.load()
    assert second.app() == 1
    assert sys.modules["shop._bisect"] is vars(sys.modules["shop"])["_bisect"] is extension
    assert extension.__spec__ is spec
    assert second.kept == {"shop._bisect": "it is an extension module"}
    code.write({"shop/main.py": "def app():\n    import shop._bisect\n    return shop._bisect.bisect_right([1], 1)"})
    third = fresh.load()
    assert third.app() == 1
    assert sys.modules["shop._bisect"] is extension
    code.write({"shop/main.py": "raise ValueError"})
    with pytest.raises(AppImportError):
        fresh.load()
    assert sys.modules["shop._bisect"] is vars(sys.modules["shop"])["_bisect"] is extension


def test_the_program_itself_is_not_imported_again(code: CodeFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    code.write({"program.py": "def app(): return None"})
    program = type(sys)("__main__")
    program.__file__ = str(code.path / "program.py")
    monkeypatch.setitem(sys.modules, "__main__", program)
    importer = FreshImport("program:app", app_dir=str(code.path))
    importer.load()
    importer.load()
    importer.close()
    assert sys.modules["__main__"] is program


def test_a_factory(code: CodeFolder) -> None:
    code.write({"maker.py": "version = 1\ndef make():\n    return lambda: version"})
    importer = FreshImport("maker:make", factory=True, app_dir=str(code.path))
    first = importer.load()
    code.write({"maker.py": "version = 2\ndef make():\n    return lambda: version"})
    second = importer.load()
    assert (first.app(), second.app()) == (1, 2)
    assert first.make() is not first.app
    assert [one.make()() for one in (first, second)] == [1, 2]  # type: ignore[operator]
    importer.close()


def test_an_application_that_is_an_object() -> None:
    importer = FreshImport(print)
    first = importer.load()
    assert first.app is first.make() is print
    with pytest.raises(AppImportError, match="given as an object"):
        importer.load()
    assert first.app is print
    importer.close()


def test_an_obstacle_is_said_and_nothing_is_touched(fresh: FreshImport, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh.load()
    before = names()
    monkeypatch.setattr("pounce.fresh_import.obstacle", lambda: "it holds on")
    with pytest.raises(AppImportError, match="cannot be imported again in this process: it holds on"):
        fresh.load()
    assert names() == before


def test_an_error_of_the_second_import_alone_is_explained(code: CodeFolder, fresh: FreshImport) -> None:
    code.write({"shop/models.py": "raise ValueError('Duplicated timeseries in CollectorRegistry: x')"})
    with pytest.raises(AppImportError) as caught:
        fresh.load()
    assert "CollectorRegistry() of its own" not in str(caught.value)
    newer(code, 1)
    fresh.load()
    code.write({"shop/models.py": "raise ValueError('Duplicated timeseries in CollectorRegistry: x')"})
    with pytest.raises(AppImportError, match=r"CollectorRegistry\(\) of its own") as caught:
        fresh.load()
    assert isinstance(caught.value.__cause__, ValueError)


def test_nothing_of_ours_holds_a_released_generation(code: CodeFolder, fresh: FreshImport) -> None:
    first = fresh.load()
    gone = weakref.ref(first.modules["shop.models"].Item)
    second = fresh.load()
    first.release()
    gc.collect()
    assert gone() is None
    assert second.app() == 1


def test_an_undone_generation_is_not_held_either(code: CodeFolder, fresh: FreshImport) -> None:
    fresh.load()
    second = fresh.load()
    gone = weakref.ref(second.modules["shop.models"].Item)
    second.undo()
    gc.collect()
    assert gone() is None
