"""Finds the application's modules, and never runs bytecode that may be of older source.

Python takes ``__pycache__`` for fresh when the second of the source's last change and its size are the same. Whoever
saves twice within one second, at the same size, is served the first version. So bytecode counts only if it was written
after that second was over: any change since then has another time.
"""

from __future__ import annotations

import contextlib
import importlib.machinery
import importlib.util
import sys
from importlib.abc import Loader
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import CodeType, ModuleType

    from .own_code import OwnCode

__all__ = ["FreshSource", "bytecode_is_doubtful"]


class FreshSource:
    """A finder for ``sys.meta_path``; it stands directly before Python's own, so that other tools keep their rank."""

    def __init__(self, own: OwnCode) -> None:
        self._own = own
        self._kept: Mapping[str, ModuleType] = {}

    def install(self) -> None:
        """Begin to find modules."""
        if self not in sys.meta_path:
            before = sys.meta_path.index(PathFinder) if PathFinder in sys.meta_path else len(sys.meta_path)
            sys.meta_path.insert(before, self)

    def remove(self) -> None:
        """Find no more."""
        with contextlib.suppress(ValueError):
            sys.meta_path.remove(self)

    def keep(self, modules: Mapping[str, ModuleType]) -> None:
        """Hand these modules out again, instead of making new ones, when their names are imported."""
        self._kept = dict(modules)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As ``importlib.abc.MetaPathFinder`` says."""
        kept = self._kept.get(fullname)
        if kept is not None:
            return ModuleSpec(fullname, _KeptLoader(kept))
        spec = PathFinder.find_spec(fullname, path, target)
        # A loader of another type belongs to a tool that changes source as it is read; it is left alone.
        if spec is not None and type(spec.loader) is SourceFileLoader and self._own.owns_spec(spec):
            spec.loader = _SourceLoader(fullname, spec.loader.path)
        return spec


def bytecode_is_doubtful(source: Path) -> bool:
    """Whether there is bytecode that was written in the very second of the source's last change, or before it."""
    try:
        cached = Path(importlib.util.cache_from_source(str(source)))
        written, changed = cached.stat().st_mtime_ns, source.stat().st_mtime
    except (NotImplementedError, OSError):  # this interpreter writes none, or there is none
        return False
    return written < (int(changed) + 1) * 1_000_000_000


class _SourceLoader(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType | None:
        path = self.get_filename(fullname)
        if not bytecode_is_doubtful(Path(path)):
            return super().get_code(fullname)
        with contextlib.suppress(OSError):  # another process should not take it for good either
            Path(importlib.util.cache_from_source(path)).unlink()
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


class _KeptLoader(Loader):
    """Gives out a module that exists, so that Python binds it in its new package as if it had been imported."""

    def __init__(self, module: ModuleType) -> None:
        self._module = module
        self._spec = module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:  # noqa: ARG002
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec
