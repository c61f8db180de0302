"""Which extension module switched the GIL on, how it came to be imported, and what can be done about it.

On a free-threaded build CPython switches the GIL on, for the rest of the process, when an extension module is loaded
that does not declare itself ready to run without; and it warns (``RuntimeWarning``), naming the module. While the
application is imported, `GilWatch` hears that warning even where warnings are ignored or are errors, so that an import
neither fails nor goes unnoticed because of it. Where the warning was not to be had - the application set filters of its
own, or a later import did it - the extension modules that are new are named as suspects.
"""

from __future__ import annotations

import importlib.machinery
import re
import sys
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self, cast

from pounce_workers.supervision.runtime import gil_is_on, is_free_threaded

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

__all__ = ["GilCulprit", "GilWatch"]

_MESSAGE: Final = r"The global interpreter lock \(GIL\) has been enabled to load module '([^']*)'"

CURES: Final[dict[str, str]] = {
    "brotli": "install brotlicffi instead of brotli",
    "hiredis": "uninstall hiredis; redis works without it",
    "zstandard": "use compression.zstd of Python 3.14 instead of zstandard",
}
"""What is known to help, by the name of the top-level package without a leading underscore."""

SHOWN: Final = 5
"""Suspects that a warning names; an application may load a hundred extension modules at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GilCulprit:
    """The module that switched the GIL on, or several of which one did."""

    modules: tuple[str, ...]
    """The module that CPython named; or the extension modules that were loaded since the GIL was last off, which may
    be none."""
    certain: bool
    """Whether CPython named it."""
    chain: tuple[str, ...] = ()
    """The modules that were being imported, from the outermost to the one that imported it."""

    @property
    def name(self) -> str:
        """In a few words: ``'_brotli'``, ``one of 'a', 'b'``, ``an extension module``."""
        names = ", ".join(repr(one) for one in self.modules[:SHOWN])
        if len(self.modules) > SHOWN:
            names += f" and {len(self.modules) - SHOWN} more"
        if not names:
            return "an extension module"
        return names if self.certain or len(self.modules) == 1 else f"one of {names}"

    @property
    def warning(self) -> str:
        """One line for the log: who did it, how it came to be imported, what to do."""
        return self.warning_among(1)

    def warning_among(self, threads: int) -> str:
        """The same where ``threads`` worker threads have been chosen already: of several one runs Python at a time now,
        which processes would not do to each other.
        """
        way = f" (imported by {' -> '.join(self.chain)})" if self.chain else ""
        instead = f", --worker-kind process ({threads} worker threads share the GIL now)" if threads > 1 else ""
        return (
            f"The GIL is on: {self.name} is not ready for free threading and switched it on{way}. "
            f"What helps: {self._cure()}{instead}, or PYTHON_GIL=0 at your own risk"
        )

    def _cure(self) -> str:
        known = [CURES[name] for name in dict.fromkeys(map(_package, self.modules)) if name in CURES]
        if known:
            return "; ".join(known)
        if len(self.modules) == 1:
            return f"a release of {_distribution(self.modules[0])} that is ready for it, or doing without"
        return "releases that are ready for it (python -W error -c 'import ...' tells which is not)"


class GilWatch:
    """Watches over the GIL: a context manager around the imports, and `look_again` from then on.

    The imports happen in the thread that entered it; `look_again` may be called in another one, one at a time.
    """

    def __init__(self) -> None:
        self._culprits: list[GilCulprit] = []
        self._known: set[str] = set()
        self._off = is_free_threaded() and not gil_is_on()
        self._sightings = 0
        self._filter: Any = None
        self._previous: Any = None
        self._hook: Any = None

    @property
    def culprits(self) -> tuple[GilCulprit, ...]:
        """What switched the GIL on while it was watched; empty when it is off, or was on before."""
        return tuple(self._culprits)

    def __enter__(self) -> Self:
        if self._off:
            self._known = set(sys.modules)
            # In front of all filters, those of -W among them. Not with catch_warnings(): what the application's modules
            # do to the filters while they are imported is to stay.
            warnings.filterwarnings("always", message=_MESSAGE, category=RuntimeWarning)
            self._filter = _filters()[0]
            self._previous, self._hook = warnings.showwarning, self._show
            warnings.showwarning = self._hook
        return self

    def __exit__(self, *_: object) -> None:
        if not self._off:
            return
        if warnings.showwarning is self._hook:
            warnings.showwarning = self._previous
        for filters in (_filters(), cast("list[Any]", warnings.filters)):
            if self._filter in filters:
                filters.remove(self._filter)
        if gil_is_on():
            self._off = False
            if not self._culprits:
                self._culprits.append(self._suspects())
        else:
            self._known = set(sys.modules)

    def look_again(self) -> GilCulprit | None:
        """Whether the GIL came on since it was last off; told once. Cheap enough for every heartbeat.

        What is not seen at two looks in a row is not told: the GIL is on for a moment during every import of an
        extension module, also of one that is ready to do without.
        """
        if not self._off:
            return None
        if not gil_is_on():
            self._sightings = 0
            self._known = set(sys.modules)
            return None
        self._sightings += 1
        if self._sightings < 2:
            return None
        self._off = False
        culprit = self._suspects()
        self._culprits.append(culprit)
        return culprit

    def _show(
        self, message: Warning | str, category: type[Warning], filename: str, lineno: int, *rest: Any, **more: Any
    ) -> None:
        """In place of ``warnings.showwarning``: keep the one warning, pass on all others."""
        found = re.match(_MESSAGE, str(message))
        if found is None:
            self._previous(message, category, filename, lineno, *rest, **more)
            return
        chain = tuple(name for name in _being_imported() if name not in self._known)
        self._culprits.append(GilCulprit(modules=(found.group(1),), certain=True, chain=chain))

    def _suspects(self) -> GilCulprit:
        return GilCulprit(modules=tuple(sorted(_extensions(set(sys.modules) - self._known))), certain=False)


def _filters() -> list[Any]:
    """The list of filters in force: with context-aware warnings (3.14) not always the global one."""
    in_force = getattr(warnings, "_get_filters", None)
    return cast("list[Any]", in_force() if in_force is not None else warnings.filters)


def _being_imported() -> list[str]:
    """The modules whose code is being run by an import in this thread, outermost first."""
    names: list[str] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "<module>":
            names.append(str(frame.f_globals.get("__name__", "?")))
        frame = frame.f_back
    return names[::-1]


def _extensions(names: Iterable[str]) -> Iterable[str]:
    """Those that are extension modules. The standard library's are all ready for free threading."""
    suffixes = tuple(importlib.machinery.EXTENSION_SUFFIXES)
    for name in names:
        if name.partition(".")[0] in sys.stdlib_module_names:
            continue
        try:
            # Not an ordinary look-up: that would load a module that is imported lazily.
            spec = object.__getattribute__(sys.modules[name], "__dict__").get("__spec__")
        except (AttributeError, KeyError):  # no module at all, or gone meanwhile
            continue
        if str(getattr(spec, "origin", "")).endswith(suffixes):
            yield name


def _package(module: str) -> str:
    return module.partition(".")[0].removeprefix("_").lower()


def _distribution(module: str) -> str:
    """The name under which the module was installed, or its own. Reads what is installed: not for a hot path."""
    top = module.partition(".")[0]
    import importlib.metadata  # here, because it is large and there is hardly ever anybody to name

    try:
        return next(iter(importlib.metadata.packages_distributions().get(top, ())), top)
    except Exception:  # noqa: BLE001 - what strangers installed may be broken; that is no reason not to serve
        return top
