"""Which threads have written to which objects, and behind which locks: an audit of what is shared, by running it.

`watched()` lets the packages be imported with source that tells of its writes (`written_source`), before anything
else has imported them. From then on each write to an attribute, or to a container that is one, is noted with its
thread and the locks that the thread holds. An object whose maker gave it away for good has two writers, one after the
other, and is nothing to talk about. Two things are told of an attribute that more threads write, or that one writes
again:

- it is *shared*: there is no lock that all of these writes had in common (Eraser, Savage et al. 1997, for writes);
- it is *raced* for: two threads wrote and neither had to wait for the other (`happened_before`). What goes from thread
  to thread by way of a queue is shared in the first sense, and never in this one.
"""

from __future__ import annotations

import collections
import random
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.stress.happened_before import Clocks, Here
from tests.stress.written_source import BORN, CHANGES, ENTERS, WROTE, TellingImports

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["PACKAGES", "Writers", "watched"]

PACKAGES: Final = frozenset(
    f"pounce{name}"
    for name in ("", "_asgi", "_compression", "_h2", "_h3", "_http1", "_middleware", "_observability", "_websocket")
) | {"pounce_workers"}

CONTAINERS: Final = (
    *(dict, list, set, bytearray, collections.deque),
    *(collections.OrderedDict, collections.Counter, collections.defaultdict),
)
LOCKS: Final = (type(threading.Lock()), type(threading.RLock()))


@dataclass(slots=True)
class _Written:
    """The writes to one attribute of one object."""

    writer: int
    """The thread of the last one."""
    time: int
    """When, by the clock of that thread."""
    changes: int = 0
    """How often another thread than the last one wrote."""
    locks: frozenset[int] | None = None
    """Those that all writes had in common since a second thread wrote; None before that."""


class _Held:
    """A lock that is entered, so that it is known to be held."""

    __slots__ = ("_clocks", "_identity", "_real")

    def __init__(self, real: Any, clocks: Clocks) -> None:
        self._real = real
        # That of the lock below, which other conditions may have too.
        self._identity = id(getattr(real, "_lock", real))
        self._clocks = clocks

    def __enter__(self) -> Any:
        entered = self._real.__enter__()
        self._clocks.here.locks.append(self._identity)
        self._clocks.meet(self._real)
        return entered

    def __exit__(self, *exc_info: object) -> Any:
        self._clocks.here.locks.remove(self._identity)
        self._clocks.leave(self._real)
        return self._real.__exit__(*exc_info)


class Writers:
    """All that was noted. Any thread notes, behind the lock of the clocks."""

    def __init__(self, noise: float = 0.0, seed: int = 0, packages: frozenset[str] = frozenset()) -> None:
        """``noise``: the probability that a thread which has written lets others run at once. ``packages``: only
        objects of their classes count, for it is not known when others are new.
        """
        self._packages = packages
        self.clocks = Clocks()
        self._lock = self.clocks.lock
        self._objects: dict[int, tuple[type, dict[str, _Written]]] = {}
        self._shared: set[tuple[str, str]] = set()
        self._raced: set[tuple[str, str]] = set()
        self._noise = noise
        self._dice = random.Random(seed)
        self.writes = 0
        """How many were noted."""

    @property
    def names(self) -> dict[str, Any]:
        """What the source calls."""
        return {WROTE: self.wrote, CHANGES: self.changes, ENTERS: self.enters, BORN: self.born}

    def born(self, one: object) -> None:
        """An object is new, wherever another one was before."""
        with self._lock:
            self._objects.pop(id(one), None)

    def enters(self, entered: Any) -> Any:
        """What ``with`` is to enter instead."""
        if isinstance(entered, (*LOCKS, threading.Condition)):
            return _Held(entered, self.clocks)
        return entered

    def changes(self, one: Any, name: str) -> Any:
        """A method of a container that is an attribute is called, which changes it."""
        container = getattr(one, name)
        if type(container) in CONTAINERS:
            self.wrote(one, name)
        return container

    def wrote(self, one: object, name: str) -> None:
        """An attribute was written."""
        here = self.clocks.here
        kind = type(one)
        if isinstance(one, (threading.local, type, type(sys))) or not self._concerns(kind):
            return
        with self._lock:
            self.writes += 1
            known = self._objects.get(id(one))
            if known is None or known[0] is not kind:
                known = self._objects[id(one)] = (kind, {})
            self._note(known[1], kind, name, here)
            pause = self._noise and self._dice.random() < self._noise
        if pause:
            time.sleep(0)

    def _concerns(self, kind: type) -> bool:
        return not self._packages or kind.__module__.partition(".")[0] in self._packages

    def _note(self, written: dict[str, _Written], kind: type, name: str, here: Here) -> None:
        one = written.get(name)
        if one is None:
            written[name] = _Written(here.number, here.clock[here.number])
            return
        if one.writer != here.number:
            if not self.clocks.is_known(one.writer, one.time):
                self._raced.add((f"{kind.__module__}.{kind.__qualname__}", name))
            one.writer = here.number
            one.changes += 1
        one.time = here.clock[here.number]
        if not one.changes:
            return
        held = frozenset(here.locks)
        one.locks = held if one.locks is None else one.locks & held
        if one.changes > 1 and not one.locks:
            self._shared.add((f"{kind.__module__}.{kind.__qualname__}", name))

    def shared(self) -> Iterable[tuple[str, str]]:
        """Attributes with several writers and no lock: the class, and the name."""
        with self._lock:
            return sorted(self._shared)

    def raced(self) -> Iterable[tuple[str, str]]:
        """Attributes that were written by two threads, of which neither had to wait for the other."""
        with self._lock:
            return sorted(self._raced)


def watched(noise: float = 0.0, seed: int = 0) -> Writers:
    """Have everything that is imported from now on tell of its writes."""
    loaded = [name for name in sys.modules if name.partition(".")[0] in PACKAGES]
    assert not loaded, f"imported before it could be watched: {loaded[:3]}"
    writers = Writers(noise, seed, PACKAGES)
    writers.clocks.install()
    sys.meta_path.insert(0, TellingImports(PACKAGES, writers.names))
    return writers
