"""What is installed: the one place that looks for the libraries behind zstd and br.

A module that is not ready for free threading switches the GIL on for the whole process as soon as it is imported, and
``brotli`` is such a module. On a free-threaded build it is therefore not even looked for.
"""

from __future__ import annotations

import functools
import importlib
import sysconfig
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["brotli_module", "free_threaded_build", "standard_zstd", "zstandard_module"]


def free_threaded_build() -> bool:
    """Whether this interpreter can run without the GIL. It may have been switched on by something else already."""
    return bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


BROTLI_MODULES: Final = ("brotlicffi",) if free_threaded_build() else ("brotli", "brotlicffi")
"""Both speak the same interface; ``brotli`` has less to do for each call."""

ZSTANDARD_MODULES: Final = () if free_threaded_build() else ("zstandard",)
"""Not every release of it is ready for free threading, and from Python 3.14 on it is not needed."""


@functools.cache
def brotli_module() -> ModuleType | None:
    """``brotli`` or ``brotlicffi``, or None."""
    return _first(BROTLI_MODULES)


@functools.cache
def standard_zstd() -> ModuleType | None:
    """``compression.zstd`` of Python 3.14 and later, or None; an interpreter may also be built without it."""
    return _first(("compression.zstd",))


@functools.cache
def zstandard_module() -> ModuleType | None:
    """The package ``zstandard``, or None."""
    return _first(ZSTANDARD_MODULES)


def _first(names: tuple[str, ...]) -> ModuleType | None:
    for name in names:
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    return None
