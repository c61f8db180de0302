"""The application's modules taken out of ``sys.modules`` for fresh ones, and the way back.

Taken out are names, not objects: functions of the old modules go on with the names of their own modules.
"""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING, Final

from .own_code import is_extension, spec_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from .own_code import OwnCode

__all__ = ["IMPORT_PATIENCE", "ModuleSwap"]

IMPORT_PATIENCE: Final = 5.0
"""Seconds for an import that another thread is in the middle of. One that takes longer runs the server itself."""


class ModuleSwap:
    """One change of the application's modules in ``sys.modules``. Used by one thread at a time."""

    def __init__(self, own: OwnCode) -> None:
        self._own = own
        self.before: Mapping[str, ModuleType] = self._settled()
        """The modules that were there, by name."""
        self.kept: Mapping[str, str] = {
            name: reason for name, module in self.before.items() if (reason := _why_kept(module))
        }
        """Those that cannot be imported a second time, and why."""
        self._bound: dict[tuple[ModuleType, str], ModuleType] = {}

    def take_out(self) -> None:
        """Make the next import of each module a fresh one."""
        for name, module in self.before.items():
            if self.kept.get(name) == RUNNING:
                continue
            sys.modules.pop(name, None)
            parent, _, child = name.rpartition(".")
            holder = sys.modules.get(parent)
            # A package that stays must not hand out the old module as its attribute.
            if holder is not None and parent not in self.before and _names_of(holder).get(child) is module:
                self._bound[holder, child] = module
                delattr(holder, child)

    def extensions(self) -> dict[str, ModuleType]:
        """The modules written in C among those that were there."""
        return {name: self.before[name] for name, reason in self.kept.items() if reason == EXTENSION}

    def complete(self) -> None:
        """Put back the kept modules that the new code has not asked for yet."""
        missing = {name: module for name, module in self.extensions().items() if name not in sys.modules}
        sys.modules.update(missing)
        _bind_all(missing)

    def put_back(self, modules: Mapping[str, ModuleType] | None = None) -> None:
        """Make ``sys.modules`` as it was: of the application's modules, those of before and no other.

        ``modules`` are the former ones if there have come to be more. What was imported meanwhile from elsewhere
        stays, and so do extension modules; some cannot be imported twice.
        """
        former = self.before if modules is None else modules
        extensions: dict[str, ModuleType] = {}
        for name, module in self._own.owned(sys.modules.copy()).items():
            if former.get(name) is module:
                continue
            if name not in former and _why_kept(module) == EXTENSION:
                extensions[name] = module
                continue
            sys.modules.pop(name, None)
            self._unbind(name, module)
        sys.modules.update(former)
        _bind_all(extensions)
        for (holder, child), module in self._bound.items():
            setattr(holder, child, module)

    def _unbind(self, name: str, module: ModuleType) -> None:
        parent, _, child = name.rpartition(".")
        holder = sys.modules.get(parent)
        if _names_of(holder).get(child) is module:
            with contextlib.suppress(AttributeError):
                delattr(holder, child)

    def _settled(self) -> dict[str, ModuleType]:
        """The modules that are there, once no other thread is in the middle of importing one."""
        until = time.monotonic() + IMPORT_PATIENCE
        while True:
            found = self._own.owned(sys.modules.copy())
            if not any(map(_is_being_imported, found.values())) or time.monotonic() >= until:
                return found
            time.sleep(0.002)


EXTENSION: Final = "it is an extension module"
RUNNING: Final = "its import is not over: it runs the server"


def _names_of(holder: object) -> Mapping[str, object]:
    names: Mapping[str, object] = getattr(holder, "__dict__", {})
    return names


def _bind_all(modules: Mapping[str, ModuleType]) -> None:
    """Make each the attribute of its package, as an import does."""
    for name, module in modules.items():
        parent, _, child = name.rpartition(".")
        if parent in sys.modules:
            setattr(sys.modules[parent], child, module)


def _why_kept(module: ModuleType) -> str:
    spec = spec_of(module)
    if spec is not None and is_extension(spec):
        return EXTENSION
    return RUNNING if _is_being_imported(module) else ""


def _is_being_imported(module: ModuleType) -> bool:
    # Private, but the import system relies on it from another thread in the same way, and has since Python 3.3.
    return bool(getattr(spec_of(module), "_initializing", False))
