"""The applications that the files of a project look to have. Nothing is imported: the source is read.

What is found is what a person would point at: ``app = FastAPI()`` at the top level of a module, a function that takes
``scope, receive, send``, or else a factory such as ``create_app()``.
"""

from __future__ import annotations

import ast
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["FoundApplication", "find_applications", "plain_application"]

_FILES: Final = ("main", "app", "asgi", "application", "api", "web", "server", "service", "wsgi", "__init__")
"""Modules of a package that are looked into, the likeliest first."""
_CLASSES: Final = frozenset(
    {
        "App",
        "Application",
        "BlackSheep",
        "Bottle",
        "Django",
        "FastAPI",
        "Flask",
        "FastHTML",
        "Litestar",
        "Quart",
        "Starlette",
        "get_asgi_application",
        "get_wsgi_application",
    }
)
"""What applications are made with, in the frameworks that people use."""
_NAMES: Final = ("app", "application", "api", "asgi", "site")
_FACTORIES: Final = ("create_app", "make_app", "get_app", "build_app", "create_application", "make_application")
_SIGNATURES: Final = (("scope", "receive", "send"), ("environ", "start_response"))

_SKIPPED: Final = frozenset({"build", "dist", "docs", "examples", "node_modules", "scripts", "test", "tests", "venv"})
_MOST_FILES: Final = 200
_LARGEST: Final = 2**20
"""Bytes of a file: a module that is longer was written by a program."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundApplication:
    """One that looks like an application."""

    target: str
    """``module:attribute``."""
    factory: bool = False
    app_dir: str = ""
    """The folder that has the module, if it is not the one that was searched."""


def find_applications(folder: Path) -> list[FoundApplication]:
    """Those in the folder and in the packages right below it, or below its ``src``; the likeliest first.

    Factories are told only where there is nothing else.
    """
    found = [one for place in (folder, folder / "src") for one in _in_place(place, "src" if place != folder else "")]
    return [one for one in found if not one.factory] or found


def plain_application(found: list[FoundApplication]) -> FoundApplication | None:
    """The one that is meant without a doubt: the only one, or of a project that speaks both ASGI and WSGI (Django
    makes a module for each) the one for ASGI.
    """
    if len(found) == 2 and {one.target.partition(":")[0].rpartition(".")[2] for one in found} == {"asgi", "wsgi"}:
        found = [one for one in found if one.target.partition(":")[0].endswith("asgi")]
    return found[0] if len(found) == 1 else None


def _in_place(place: Path, app_dir: str) -> Iterator[FoundApplication]:
    for path, module in _modules(place):
        for name, is_factory in _applications(path):
            yield FoundApplication(target=f"{module}:{name}", factory=is_factory, app_dir=app_dir)


def _modules(place: Path) -> Iterator[tuple[Path, str]]:
    if not place.is_dir():
        return
    entries = sorted(one for one in place.iterdir() if one.name.lower() not in _SKIPPED and one.name[0] not in "._")
    own = [one for one in entries if one.suffix == ".py" and one.stem.isidentifier() and not _is_test(one.stem)]
    own.sort(key=lambda one: _FILES.index(one.stem) if one.stem in _FILES else len(_FILES))
    yield from ((one, one.stem) for one in own[:_MOST_FILES])
    for package in entries[:_MOST_FILES]:
        if package.name.isidentifier() and (package / "__init__.py").is_file():
            for stem in _FILES:
                if (path := package / f"{stem}.py").is_file():
                    yield path, package.name if stem == "__init__" else f"{package.name}.{stem}"


def _is_test(stem: str) -> bool:
    return stem.startswith("test_") or stem.endswith("_test") or stem in ("setup", "conftest", "manage")


def _applications(path: Path) -> list[tuple[str, bool]]:
    """The names at the top level of a module, and of each whether it makes an application."""
    try:
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > _LARGEST:  # a pipe would be waited for
            return []
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, MemoryError, RecursionError):  # whoever serves it is told
        return []  # the last two are what is nested too deeply for the parser
    names = [name for node in tree.body for name in _made_by(node)]
    names.sort(key=lambda name: _NAMES.index(name) if name in _NAMES else len(_NAMES))
    factories = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and _is_factory(node)]
    return [(name, False) for name in names] or [(name, True) for name in factories]


def _made_by(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.Assign | ast.AnnAssign) and _makes_application(node.value):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            if isinstance(target, ast.Name):
                yield target.id
    if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef) and _takes_requests(node):
        yield node.name


def _takes_requests(node: ast.AsyncFunctionDef | ast.FunctionDef) -> bool:
    return tuple(one.arg for one in node.args.args) in _SIGNATURES


def _makes_application(value: ast.expr | None) -> bool:
    if not isinstance(value, ast.Call):
        return False
    maker = value.func
    name = maker.attr if isinstance(maker, ast.Attribute) else maker.id if isinstance(maker, ast.Name) else ""
    return name in _CLASSES or name in _FACTORIES


def _is_factory(node: ast.FunctionDef) -> bool:
    needed = len(node.args.args) - len(node.args.defaults) + len(node.args.posonlyargs)
    keyword_only = any(default is None for default in node.args.kw_defaults)
    return node.name in _FACTORIES and needed <= 0 and not keyword_only
