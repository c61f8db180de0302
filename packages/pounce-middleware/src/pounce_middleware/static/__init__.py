"""A directory over HTTP: files with validators, ranges, compressed neighbours, and nothing from outside of it.

What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_middleware.static.cache_rules import CacheRules
    from pounce_middleware.static.directory import Directory, NoSuchFile, OpenFile
    from pounce_middleware.static.file_body import FileBecameShorter
    from pounce_middleware.static.mounts import StaticMounts
    from pounce_middleware.static.request_path import file_path
    from pounce_middleware.static.settings import StaticSettings
    from pounce_middleware.static.static_files import StaticFiles

__all__ = [
    "CacheRules",
    "Directory",
    "FileBecameShorter",
    "NoSuchFile",
    "OpenFile",
    "StaticFiles",
    "StaticMounts",
    "StaticSettings",
    "file_path",
]

_HOMES: Final = {
    ".cache_rules": ("CacheRules",),
    ".directory": ("Directory", "NoSuchFile", "OpenFile"),
    ".file_body": ("FileBecameShorter",),
    ".mounts": ("StaticMounts",),
    ".request_path": ("file_path",),
    ".settings": ("StaticSettings",),
    ".static_files": ("StaticFiles",),
}
"""Module -> what is defined there."""

if not TYPE_CHECKING:  # a type checker knows the imports above, and thereby what there is not

    def __getattr__(name: str) -> Any:
        for home, names in _HOMES.items():
            if name in names:
                globals()[name] = found = getattr(import_module(home, __name__), name)
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
