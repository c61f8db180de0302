"""What an ``import`` means in the code of a generation that has been succeeded, or is about to be.

There is one ``sys.modules``, and while new code is imported it belongs to that. A function of the old generation that
runs ``from app.models import User`` at that moment must neither get the new class, which does not fit its other
objects, nor fail with the new code's error. So while more than one generation lives, ``__import__`` looks at whose
module the statement stands in, as do calls of ``importlib.import_module``: the old generation's see its own modules,
and one that it has not imported yet is loaded, from the files as they are now, for it alone. With one generation
nothing is hooked.

Not covered: imports by name that another package does on behalf of the old generation, and ``sys.modules`` itself
(``pickle`` looks there). They see the new modules.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import importlib.util
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from .own_code import is_extension

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

    from .own_code import OwnCode

__all__ = ["EARLIER", "EarlierGenerations", "ModuleTable"]


class ModuleTable:
    """The modules of one generation, and imports among them that leave ``sys.modules`` alone."""

    def __init__(self, own: OwnCode, modules: Mapping[str, ModuleType]) -> None:
        self._own = own
        self.modules = dict(modules)
        self._scopes = frozenset(id(vars(module)) for module in modules.values())
        # Guards both, and the loading of a module: others wait until it is whole, as for Python's own import lock.
        self._lock = threading.RLock()

    def adopt(self, modules: Mapping[str, ModuleType]) -> None:
        """Take these in, too."""
        with self._lock:
            self.modules.update(modules)
            self._scopes = self._scopes | {id(vars(module)) for module in modules.values()}

    def owns_scope(self, scope: object) -> bool:
        """Whether these are the global names of one of its modules."""
        return id(scope) in self._scopes

    def owns_name(self, name: str) -> bool:
        """Whether a module of that absolute name is the application's, imported by this generation or not."""
        top = name.partition(".")[0]
        if name in self.modules or top in self.modules:
            return True
        spec = _found(top, None) if top not in sys.modules else None
        known = self._own.owned({top: sys.modules[top]}) if top in sys.modules else None
        return bool(known) if known is not None else bool(spec is not None and self._own.owns_spec(spec))

    def load(self, name: str) -> ModuleType:
        """The module of that absolute name.

        Raises:
            ModuleNotFoundError: there is none; and whatever its code raises.
        """
        with self._lock:
            if name in self.modules:
                return self.modules[name]
            parent, _, child = name.rpartition(".")
            holder = self.load(parent) if parent else None
            if name in self.modules:  # its package imported it
                return self.modules[name]
            spec = self._spec(name, holder)
            if not self._own.owns_spec(spec) or is_extension(spec):
                return importlib.import_module(name)
            return self._made(spec, holder, child)

    def _spec(self, name: str, holder: ModuleType | None) -> ModuleSpec:
        path = None
        if holder is not None:
            try:
                path = holder.__path__
            except AttributeError:
                message = f"No module named {name!r}; {holder.__name__!r} is not a package"
                raise ModuleNotFoundError(message, name=name) from None
        spec = _found(name, path)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return spec

    def _made(self, spec: ModuleSpec, holder: ModuleType | None, child: str) -> ModuleType:
        module = importlib.util.module_from_spec(spec)
        self.modules[spec.name] = module
        self._scopes = self._scopes | {id(vars(module))}
        if holder is not None:
            # Python does so afterwards, and has sys.modules for modules that import each other.
            setattr(holder, child, module)
        try:
            if spec.loader is not None:  # a namespace package has nothing to run
                spec.loader.exec_module(module)
        except BaseException:
            del self.modules[spec.name]
            if holder is not None:
                delattr(holder, child)
            raise
        return module

    def statement(self, name: str, absolute: str, fromlist: Sequence[str]) -> ModuleType:
        """What ``import name`` or ``from name import fromlist`` binds."""
        module = self.load(absolute)
        if not fromlist:
            front = name.partition(".")[0]
            return self.load(absolute[: len(absolute) - len(name) + len(front)])
        if hasattr(module, "__path__"):
            wanted = [*fromlist, *getattr(module, "__all__", ())] if "*" in fromlist else fromlist
            for one in wanted:
                if one != "*" and not hasattr(module, one):
                    self._load_if_there_is(f"{absolute}.{one}")
        return module

    def _load_if_there_is(self, name: str) -> None:
        try:
            self.load(name)
        except ModuleNotFoundError as error:
            if error.name != name:
                raise


class EarlierGenerations:
    """The generations that have been succeeded and are not over, for the two functions that import by name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards changes; readers take the tuple as it is
        self._tables: tuple[ModuleTable, ...] = ()
        self._hooked = False
        self._import = builtins.__import__
        self._import_module = importlib.import_module
        self._hooks = (self._import_statement, self._import_call)

    def add(self, table: ModuleTable) -> None:
        """From now on ``sys.modules`` is another generation's."""
        with self._lock:
            self._tables = (*self._tables, table)
            if not self._hooked:
                self._hooked = True
                self._import, self._import_module = builtins.__import__, importlib.import_module
                builtins.__import__, importlib.import_module = self._hooks

    def remove(self, table: ModuleTable) -> None:
        """``sys.modules`` is this one's again, or it is over. Nothing happens if it was not added."""
        with self._lock:
            self._tables = tuple(one for one in self._tables if one is not table)
            # A tool that hooked in after us holds ours; then it stays, and passes everything on.
            if self._tables or not self._hooked:
                return
            if builtins.__import__ is self._hooks[0] and importlib.import_module is self._hooks[1]:
                builtins.__import__, importlib.import_module = self._import, self._import_module
                self._hooked = False

    def _owner(self, scope: object) -> ModuleTable | None:
        return next((table for table in self._tables if table.owns_scope(scope)), None)

    def _import_statement(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 - the signature of __import__
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        scope = sys._getframe(1).f_globals if globals is None else globals  # a call gives none
        table = self._owner(scope) if self._tables else None
        if table is not None:
            absolute = _absolute(name, scope, level)
            if absolute is not None and table.owns_name(absolute):
                return table.statement(name, absolute, fromlist or ())
        return self._import(name, globals, locals, fromlist or (), level)

    def _import_call(self, name: str, package: str | None = None) -> ModuleType:
        table = self._owner(sys._getframe(1).f_globals) if self._tables else None
        if table is not None:
            with contextlib.suppress(ImportError):  # Python's own function says what is wrong with the name
                name = importlib.util.resolve_name(name, package)
            if not name.startswith(".") and table.owns_name(name):
                return table.load(name)
        return self._import_module(name, package)


EARLIER: Final = EarlierGenerations()
"""There is one, because there is one ``__import__``."""


def _absolute(name: str, scope: Mapping[str, Any], level: int) -> str | None:
    """The absolute name that a statement means; None if Python should say what is wrong with it."""
    if level == 0:
        return name
    package = scope.get("__package__") or getattr(scope.get("__spec__"), "parent", None)
    try:
        return importlib.util.resolve_name("." * level + name, package)
    except ImportError:
        return None


def _found(name: str, path: Any) -> ModuleSpec | None:
    for finder in tuple(sys.meta_path):
        find = getattr(finder, "find_spec", None)
        spec: ModuleSpec | None = find(name, path, None) if find is not None else None
        if spec is not None:
            return spec
    return None
