"""From a name to the application, and what is said when that fails."""

from __future__ import annotations

import functools
import importlib
import sys
import traceback
from typing import TYPE_CHECKING

import pytest

from pounce import AppImportError
from pounce.importer import load_application, prepare_path

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = {
    "good.py": """
        class Box:
            inner = print
        app = application = print
        box = Box()
        number = 5
        nothing = None
    """,
    "maker.py": """
        calls = []
        def make():
            calls.append(1)
            return print
        def make_nothing(): return None
        def broken(): raise KeyError("settings")
        def needs(one): return one
        def leaves(): raise SystemExit(3)
        async def later(): return print
    """,
    "imports_missing.py": "import no_such_module_anywhere",
    "imports_itself_missing.py": "import imports_itself_missing.part",
    "raises.py": "def fail():\n    raise ValueError('first line\\nsecond line')\nfail()",
    "leaves.py": "raise SystemExit('bye')",
    "wrong_syntax.py": "def (",
    "package/__init__.py": "",
    "package/inside.py": "app = print",
    "package/broken.py": "from package import nothing_there",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of modules, first on the path; what is imported from it is forgotten again."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        lines = text.strip("\n").split("\n")
        margin = len(lines[0]) - len(lines[0].lstrip())
        path.write_text("\n".join(line[margin:] for line in lines) + "\n", encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    importlib.invalidate_caches()
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize("target", ["good:app", "good:box.inner", "package.inside:app"])
def test_names_that_lead_to_it(target: str) -> None:
    assert load_application(target) is print


def test_an_object_is_itself() -> None:
    app = functools.partial(print)
    assert load_application(app) is app


class Handles:
    """A SyncApp: it cannot be called."""

    def handle(self, request: object) -> None: ...


def test_what_handles_requests_need_not_be_callable() -> None:
    app = Handles()
    assert load_application(app) is app
    assert load_application(lambda: app, factory=True) is app


def test_what_handles_requests_is_no_factory() -> None:
    with pytest.raises(AppImportError, match="the application cannot be called as a factory, without arguments"):
        load_application(Handles(), factory=True)


def test_a_factory_is_called_once() -> None:
    assert load_application("maker:make", factory=True) is print
    assert sys.modules["maker"].calls == [1]
    assert load_application(lambda: print, factory=True) is print


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("goot:app", "there is no module 'goot' in {folder}; did you mean 'good'?"),
        (
            "zzzzqqqq:app",
            (
                "there is no module 'zzzzqqqq' in {folder}; if it is in another folder, name that with --app-dir"
                " (in code: app_dir)"
            ),
        ),
        (
            "package.insid:app",
            "there is no module 'package.insid' in the package 'package'; did you mean 'package.inside'",
        ),
        ("packag.inside:app", "there is no module 'packag' in {folder}; did you mean 'package.inside'?"),
        ("good.part:app", "there is no module 'good.part': 'good' is a module, not a package"),
        ("good:ap", "good has no attribute 'ap'; did you mean 'app'?"),
        ("good:box.iner", "good:box has no attribute 'iner'; did you mean 'inner'?"),
        ("maker:app", "maker has no attribute 'app'"),
        ("good:applicatio", "good has no attribute 'applicatio'; did you mean 'application'?"),
        ("good:number", "good:number is not callable: it is of type 'int'"),
        ("good:nothing", "good:nothing is not callable: it is None"),
        ("good", "'good' does not name an application: write module:attribute, such as good:app"),
        ("good:", "'good:' does not name an application: write module:attribute, such as good:app"),
        (":app", "':app' does not name an application: write module:attribute"),
        ("./package/inside.py:app", "is not of the form module:attribute, such as package.inside:app"),
        ("good.py", "write module:attribute, such as good:app"),
        ("good.py:app", "there is no module 'good.py': 'good' is a module, not a package; did you mean 'good'?"),
        ("good.application", "write module:attribute, such as good:application"),
        ("mysite.wsgi", "write module:attribute, such as mysite.wsgi:application"),
        ("mysite/asgi.py", "write module:attribute, such as mysite.asgi:application"),
        ("good:app:app", "'good:app:app' is not of the form module:attribute, such as good:app"),
        ("good:app()", "'good:app()' is not of the form module:attribute"),
        ("good:a:b", "is not of the form module:attribute"),
        ("..good:app", "is not of the form module:attribute"),
    ],
)
def test_mistakes_in_the_name_are_one_line_without_a_cause(folder: Path, target: str, message: str) -> None:
    with pytest.raises(AppImportError) as caught:
        load_application(target)
    text = str(caught.value)
    assert message.replace("{folder}", str(folder)) in text
    assert "\n" not in text
    assert caught.value.__cause__ is None


ELSEWHERE = f"; the server runs with {sys.executable}, where it is not installed"


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (
            "imports_missing:app",
            "importing imports_missing raised ModuleNotFoundError: No module named 'no_such_module_anywhere'"
            + ELSEWHERE,
        ),
        ("imports_itself_missing:app", "importing imports_itself_missing raised ModuleNotFoundError:"),
        ("raises:app", "importing raises raised ValueError: first line"),
        ("leaves:app", "importing leaves raised SystemExit: bye"),
        ("wrong_syntax:app", "importing wrong_syntax raised SyntaxError:"),
        ("package.broken:app", "importing package.broken raised ImportError: cannot import name 'nothing_there'"),
    ],
)
def test_errors_inside_the_application_keep_their_own_traceback(target: str, message: str) -> None:
    with pytest.raises(AppImportError) as caught:
        load_application(target)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    cause = caught.value.__cause__
    assert cause is not None
    shown = "".join(traceback.format_exception(cause))
    assert "importer.py" not in shown
    assert "importlib" not in shown
    assert target.partition(":")[0].rpartition(".")[2] + ".py" in shown


@pytest.mark.parametrize(
    ("target", "message", "has_cause"),
    [
        ("maker:make_nothing", "the factory maker:make_nothing returned None, which is not callable", False),
        ("maker:broken", "calling the factory maker:broken raised KeyError: 'settings'", True),
        ("maker:leaves", "calling the factory maker:leaves raised SystemExit: 3", True),
        ("maker:needs", "maker:needs cannot be called as a factory, without arguments: needs() missing 1", False),
        ("maker:later", "maker:later is a coroutine function; a factory must return the application directly", False),
        ("good:number", "good:number is not callable", False),
    ],
)
def test_factories_that_fail(target: str, message: str, has_cause: bool) -> None:
    with pytest.raises(AppImportError) as caught:
        load_application(target, factory=True)
    assert str(caught.value).startswith(message)
    assert (caught.value.__cause__ is not None) is has_cause


def test_path_begins_with_the_applications_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inside = tmp_path / "package"
    prepare_path(str(inside))
    assert sys.path[0] == str(inside)
    length = len(sys.path)
    prepare_path(str(inside))
    assert len(sys.path) == length
    monkeypatch.chdir(tmp_path)
    prepare_path("")
    assert sys.path[0] == str(tmp_path)
    assert load_application("inside:app") is print


def test_a_folder_that_is_none() -> None:
    with pytest.raises(AppImportError, match="app_dir: '/no/such/folder' is not a folder"):
        prepare_path("/no/such/folder")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a folder that is somebody's current one")
def test_a_current_folder_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(AppImportError, match="the current folder is gone; change into it again"):
        prepare_path("")
