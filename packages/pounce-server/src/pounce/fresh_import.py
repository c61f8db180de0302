"""The application imported, and imported afresh: one object for the first generation of its code and for all others.

``load()`` gives an ``ImportedCode``. A failure while importing leaves everything as it was; ``undo()`` does the same
later, when the new generation fails to start. Until ``release()`` an earlier generation goes on with its own modules
(``earlier_imports.py``). What Python cannot take back: threads, ``atexit`` functions, signal handlers and entries in
registries of installed packages that the code has made at import.
"""

from __future__ import annotations

import importlib
import linecache
import sys
import threading
from importlib.machinery import ModuleSpec
from typing import TYPE_CHECKING, Any, Self

from pounce_asgi import AppImportError

from .default_metrics import DefaultMetrics
from .earlier_imports import EARLIER, ModuleTable
from .fresh_source import FreshSource
from .importer import find_named, find_target, make_application, prepare_path
from .library_caches import forget
from .module_swap import ModuleSwap
from .own_code import OwnCode, own_code
from .reload_obstacles import explanation, obstacle
from .user_middleware import named_in_code

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import ModuleType

    from .config import ServerConfig

__all__ = ["FreshImport", "ImportedCode"]


class ImportedCode:
    """One import of the application."""

    def __init__(self, owner: FreshImport, swap: ModuleSwap, earlier: ImportedCode | None) -> None:
        self._owner = owner
        self._swap: ModuleSwap | None = swap
        self._earlier = earlier
        self._table: ModuleTable | None = None
        self._named: Any = None
        self.app: Any = None
        self.named: Mapping[str, Any] = {}
        """What else was imported with it, by name; empty once released."""
        """The application; None once released."""
        self.kept: Mapping[str, str] = swap.kept if earlier is not None else {}
        """Modules of the application that are still those of before, and why."""

    @property
    def modules(self) -> Mapping[str, ModuleType]:
        """The application's modules by name, as this generation sees them; empty once released."""
        return self._owner._modules_of(self)

    def owns_scope(self, names: Mapping[str, Any]) -> bool | None:
        """Whether these are the globals of one of its modules: False if they are those of another import of the
        application, None if of something else. For any thread, and without waiting for anything.
        """
        own, table = self._owner._own, self._table
        spec = names.get("__spec__")
        if own is None or not isinstance(spec, ModuleSpec) or not own.owns_spec(spec):
            return None
        modules = sys.modules if table is None else table.modules
        module = modules.get(spec.name)
        return None if module is None else vars(module) is names

    def make(self) -> object:
        """Another application, where a factory makes it; else the same again.

        Raises:
            AppImportError: the factory failed.
        """
        if self.app is None:
            raise RuntimeError("this generation of the application has been released")
        return make_application(self._named, self._owner.target) if self._owner.factory else self.app

    def undo(self) -> None:
        """Give it up, for the generation before it: its modules are the imported ones again.

        For the newest alone, before the earlier one is released and before another import. Else nothing happens.
        """
        self._owner._undo(self)

    def release(self) -> None:
        """It has ended: its code is not kept alive any longer, nor are its imports told apart.

        Collects garbage: some 40 ms for 90,000 objects, in part of which a free-threaded build stops all threads.
        """
        self._owner._release(self)

    def _forget(self) -> None:
        self._swap = self._earlier = self._table = None
        self._named = self.app = None
        self.named = {}


class FreshImport:
    """Imports one application, again and again. Safe from any thread; one import at a time."""

    def __init__(
        self,
        target: object,
        *,
        factory: bool = False,
        app_dir: str = "",
        reload_dirs: Sequence[str] = (),
        beside: Mapping[str, str] | None = None,
    ) -> None:
        """``beside`` are other objects of the application's code that are imported with it, ``module:attribute``, each
        with the setting that names it.
        """
        self._beside = beside or {}
        self.target = target
        self.factory = factory
        self._app_dir = app_dir
        self._reload_dirs = reload_dirs
        self._own: OwnCode | None = None
        self._source: FreshSource | None = None
        self._metrics = DefaultMetrics()
        self._lock = threading.RLock()  # guards all of this and what ImportedCode keeps
        self._current: ImportedCode | None = None
        self._succeeded: list[ImportedCode] = []
        """Those that are told apart from the current one."""
        self._attempted = False

    @classmethod
    def of(cls, config: ServerConfig) -> Self:
        """That of a server: its application and what else its configuration names in the code."""
        return cls(
            config.app,
            factory=config.factory,
            app_dir=config.app_dir,
            reload_dirs=config.reloading.reload_dir,
            beside=named_in_code(config),
        )

    @property
    def folders(self) -> tuple[Path, ...]:
        """Whose modules are imported afresh: the application's own folder and the reload folders."""
        return self._own.folders if self._own is not None else ()

    def load(self) -> ImportedCode:
        """Import the application: the first time as Python does, then with fresh modules of its own.

        Raises:
            AppImportError: it cannot be had; everything is as it was.
        """
        with self._lock:
            own, source = self._prepared()
            if self._current is not None:
                self._check_possible()
            swap = self._separated(own)
            if self._attempted:
                self._metrics.begin()
                swap.take_out()
                source.keep(swap.extensions())
            self._attempted = True
            try:
                return self._loaded(swap)
            finally:
                source.keep({})
                self._metrics.imported()

    def close(self) -> None:
        """Import no more. What was imported stays."""
        with self._lock:
            if self._source is not None:
                self._source.remove()
            self._metrics.close()
            for code in (*self._succeeded, *([self._current] if self._current is not None else [])):
                self._release(code)
            self._current = None

    def _prepared(self) -> tuple[OwnCode, FreshSource]:
        if self._own is None or self._source is None:
            if isinstance(self.target, str):
                prepare_path(self._app_dir)
            self._own = own_code(self.target, self._app_dir, self._reload_dirs)
            self._source = FreshSource(self._own)
        self._source.install()
        importlib.invalidate_caches()
        return self._own, self._source

    def _check_possible(self) -> None:
        if not isinstance(self.target, str):
            raise AppImportError("the application was given as an object; to be imported again it must be named")
        reason = obstacle()
        if reason is not None:
            raise AppImportError(f"the application cannot be imported again in this process: {reason}")

    def _separated(self, own: OwnCode) -> ModuleSwap:
        """The modules as they are; imports of the current generation are its own from here on."""
        current = self._current
        if current is None:
            return ModuleSwap(own)
        current._swap = current._earlier = None  # it serves: there is no way back from it
        current._table = ModuleTable(own, own.owned(sys.modules.copy()))
        EARLIER.add(current._table)
        self._succeeded.append(current)
        swap = ModuleSwap(own)
        current._table.adopt(swap.before)
        return swap

    def _loaded(self, swap: ModuleSwap) -> ImportedCode:
        earlier = self._current
        code = self._current = ImportedCode(self, swap, earlier)
        try:
            code._named = find_target(self.target)
            code.app = make_application(code._named, self.target) if self.factory else code._named
            code.named = {name: find_named(name, setting) for name, setting in self._beside.items()}
        except BaseException as error:
            self._undo(code)
            reason = explanation(error.__cause__) if earlier is not None else None
            if isinstance(error, AppImportError) and reason is not None:
                raise AppImportError(f"{error}; {reason}") from error.__cause__
            raise
        swap.complete()
        linecache.checkcache()
        return code

    def _modules_of(self, code: ImportedCode) -> Mapping[str, ModuleType]:
        with self._lock:
            if code._table is not None:
                return dict(code._table.modules)
            if self._own is not None and self._current is code:
                return self._own.owned(sys.modules.copy())
            return {}

    def _undo(self, code: ImportedCode) -> None:
        with self._lock:
            if self._current is not code or code._swap is None:
                return
            earlier, swap = code._earlier, code._swap
            code._forget()
            table = earlier._table if earlier is not None else None
            swap.put_back(table.modules if table is not None else None)
            if earlier is not None and table is not None:
                EARLIER.remove(table)
                self._succeeded.remove(earlier)
                earlier._table = None
            self._metrics.undo()
            linecache.checkcache()
            self._current = earlier

    def _release(self, code: ImportedCode) -> None:
        with self._lock:
            if code._table is not None:
                EARLIER.remove(code._table)
                self._succeeded.remove(code)
            current = self._current
            if current is not None and current._earlier is code:
                current._swap = current._earlier = None  # both hold the old modules
                self._metrics.settle()
            names = tuple(code._table.modules) if code._table is not None else ()
            code._forget()
        if names:
            forget(names)
