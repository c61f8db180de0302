"""Metrics that an application keeps in the default registry of ``prometheus_client``, when its code is imported again.

The registry is the library's and outlives the application's modules, so the new code's ``Counter("jobs", ...)`` would
end with "Duplicated timeseries". Instead, a metric that is registered anew takes the place of one that was there before
the new code was imported. The counts of the new one begin at zero, as after a restart. A name that is used twice by the
same code is an error as ever.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["DefaultMetrics"]

_LIBRARY: Final = "prometheus_client"


class DefaultMetrics:
    """The default registry while generations succeed each other. Nothing happens where the library is not in use."""

    def __init__(self, registry: Any = None) -> None:
        self._given = registry
        self._registry: Any = None
        self._register: Any = None
        self._lock = threading.RLock()  # guards what follows; metrics may be registered in any thread
        self._former: frozenset[int] = frozenset()
        """The ids of the metrics that may be replaced."""
        self._replaced: list[Any] = []
        self._added: list[Any] = []
        self._thread = 0

    def begin(self) -> None:
        """New code is about to be imported, in this thread. What is registered now may be replaced."""
        registry = self._given or getattr(sys.modules.get(_LIBRARY), "REGISTRY", None)
        # There is no public way to ask for what is registered. Without it, the error is explained instead.
        if registry is None or not hasattr(registry, "_names_to_collectors") or not hasattr(registry, "_get_names"):
            return
        with self._lock:
            if self._registry is None:
                self._registry, self._register = registry, registry.register
                registry.register = self.register
            self._former = frozenset(map(id, registry._names_to_collectors.copy().values()))
            self._replaced, self._added = [], []
            self._thread = threading.get_ident()

    def imported(self) -> None:
        """The import is over."""
        self._thread = 0

    def undo(self) -> None:
        """The new code is given up: the metrics are those of before."""
        with self._lock:
            for one in self._added:
                with contextlib.suppress(KeyError):  # its code unregistered it itself
                    self._registry.unregister(one)
            for one in self._replaced:
                with contextlib.suppress(ValueError):  # the old code has made another of that name
                    self._register(one)
            self._replaced, self._added, self._thread = [], [], 0

    def settle(self) -> None:
        """There is no way back any more."""
        with self._lock:
            self._replaced, self._added = [], []

    def close(self) -> None:
        """Leave the registry to itself."""
        with self._lock:
            if self._registry is not None and vars(self._registry).get("register") == self.register:
                del self._registry.register
            self._registry = None

    def register(self, collector: Any) -> None:
        """What stands in for ``CollectorRegistry.register``."""
        with self._lock:
            try:
                self._register(collector)
            except ValueError:
                former = self._in_the_way_of(collector)
                if not former:
                    raise
                self._replace(former, collector)
            if threading.get_ident() == self._thread:
                self._added.append(collector)

    def _replace(self, former: Iterable[Any], collector: Any) -> None:
        for one in former:
            self._registry.unregister(one)
        try:
            self._register(collector)
        except ValueError:
            for one in former:
                self._register(one)
            raise
        self._replaced.extend(former)

    def _in_the_way_of(self, collector: Any) -> list[Any]:
        held = self._registry._names_to_collectors
        found = {id(held[name]): held[name] for name in self._registry._get_names(collector) if name in held}
        return [one for key, one in found.items() if key in self._former]
