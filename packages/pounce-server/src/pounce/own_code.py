"""Which modules belong to the application, and so are imported afresh for new code.

Ours is what lies below the application's own folder or a reload folder. Never ours, wherever it lies: the standard
library, site-packages and dist-packages, a virtual environment inside the project, the server itself, and the program
that was started (``__main__``). What a folder above the project is called plays no part.
"""

from __future__ import annotations

import functools
import importlib.machinery
import importlib.util
import os
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from importlib.machinery import ModuleSpec

__all__ = ["OwnCode", "is_extension", "own_code", "spec_of"]

FAMILY: Final = frozenset({
    "pounce", "pounce_asgi", "pounce_compression", "pounce_h2", "pounce_h3", "pounce_http1", "pounce_middleware",
    "pounce_observability", "pounce_testing", "pounce_websocket", "pounce_workers",
})  # fmt: skip
"""The server's own packages: someone who works on it has them in the project."""

PROGRAMS: Final = frozenset({"__main__", "__mp_main__"})

INSTALLED: Final = frozenset({"site-packages", "dist-packages"})
"""Folders of installed packages."""

ENVIRONMENT_MARKS: Final = ("pyvenv.cfg", "conda-meta")
"""What lies in the folder of an environment: PEP 405 and conda."""

STANDARD_LIBRARY: Final = tuple(Path(os.path.realpath(sysconfig.get_path(name))) for name in ("stdlib", "platstdlib"))


@dataclass(frozen=True, slots=True)
class OwnCode:
    """The folders whose modules belong to the application."""

    folders: tuple[Path, ...]
    """Absolute, without symbolic links."""

    @classmethod
    def below(cls, folders: Iterable[str | Path]) -> OwnCode:
        """What lies below these folders."""
        return cls(tuple(dict.fromkeys(Path(os.path.realpath(folder)) for folder in folders)))

    def owns_path(self, path: str | Path) -> bool:
        """Whether a file or folder is the application's.

        A symbolic link in the project that leads out of it is, unless it leads to something installed.
        """
        return _owns(self.folders, os.path.abspath(path))  # noqa: PTH100 - links count as they are written, too

    def owns_spec(self, spec: ModuleSpec) -> bool | None:
        """Whether a module is the application's; None if it lies nowhere, because something made it at run time.

        A namespace package is, when all of its portions are.
        """
        if spec.name.partition(".")[0] in FAMILY or spec.name in PROGRAMS:
            return False
        if spec.has_location and spec.origin is not None:
            return self.owns_path(spec.origin)
        if spec.submodule_search_locations:
            return all(self.owns_path(portion) for portion in spec.submodule_search_locations)
        return False if spec.origin in ("built-in", "frozen") else None

    def owned(self, modules: dict[str, ModuleType]) -> dict[str, ModuleType]:
        """Those of ``modules``, by name, that are the application's.

        A module that lies nowhere goes with its package, such as ``sys.modules["app.settings"] = Settings()``.
        """
        found: dict[str, ModuleType] = {}
        for name in sorted(modules):  # a package comes before what is in it
            spec = spec_of(modules[name])
            ours = None if spec is None or name in PROGRAMS else self.owns_spec(spec)
            parent = name.rpartition(".")[0]
            if ours or (ours is None and parent in found):
                found[name] = modules[name]
        return found


@functools.lru_cache(maxsize=16384)  # asked for every module of the process, several times for each import
def _owns(folders: tuple[Path, ...], path: str) -> bool:
    seen = {Path(path), Path(os.path.realpath(path))}
    inside = [(root, one) for one in seen for root in folders if one.is_relative_to(root)]
    if not inside or any(_is_foreign(root, one) for root, one in inside):
        return False
    outside = seen - {one for _, one in inside}
    return not any(INSTALLED.intersection(one.parts) or _in_standard_library(one) for one in outside)


def own_code(target: object, app_dir: str, reload_dirs: Sequence[str]) -> OwnCode:
    """What belongs to the application that ``target`` names; nothing is imported to find out.

    Its own folder is ``app_dir`` (the current one if empty). An application that lies elsewhere on ``sys.path``, as
    one installed in editable mode does, has the folder of its top-level package or module instead.
    """
    base = OwnCode.below([app_dir or "."])
    folders: list[str | Path] = [*base.folders]
    if isinstance(target, str):
        places = list(_places(target.partition(":")[0].partition(".")[0]))
        if places and not any(one.is_relative_to(root) for one in places for root in base.folders):
            folders = [one for one in places if not INSTALLED.intersection(one.parts) and not _in_standard_library(one)]
    return OwnCode.below([*folders, *reload_dirs])


def spec_of(module: object) -> ModuleSpec | None:
    """How a module was found, without waking one that loads itself lazily."""
    if not issubclass(type(module), ModuleType):  # others may say that they are modules: the libraries of cffi do
        return None
    names = object.__getattribute__(module, "__dict__")
    spec = names.get("__spec__")
    if isinstance(spec, importlib.machinery.ModuleSpec):
        return spec
    file = names.get("__file__")
    return importlib.util.spec_from_file_location(names["__name__"], file) if isinstance(file, str) else None


def is_extension(spec: ModuleSpec) -> bool:
    """Whether a module is written in C or the like; most of those cannot be loaded a second time."""
    suffixes = tuple(importlib.machinery.EXTENSION_SUFFIXES)
    return isinstance(spec.loader, importlib.machinery.ExtensionFileLoader) or (spec.origin or "").endswith(suffixes)


def _places(name: str) -> Iterator[Path]:
    """The folders of a top-level package or module."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):  # ValueError: a module that was made by hand
        return
    if spec is None:
        return
    if spec.submodule_search_locations:
        yield from (Path(os.path.realpath(one)) for one in spec.submodule_search_locations)
    elif spec.has_location and spec.origin is not None:
        yield Path(os.path.realpath(spec.origin)).parent


def _is_foreign(root: Path, path: Path) -> bool:
    """Whether something installed begins between ``root`` and ``path``, or above both the standard library."""
    if _in_standard_library(path) and not _in_standard_library(root):
        return True
    folder = root
    for part in path.relative_to(root).parts[:-1]:
        folder /= part
        if part in INSTALLED or part == ".venv" or any((folder / mark).exists() for mark in ENVIRONMENT_MARKS):
            return True
    return False


def _in_standard_library(path: Path) -> bool:
    return any(path.is_relative_to(folder) for folder in STANDARD_LIBRARY)
