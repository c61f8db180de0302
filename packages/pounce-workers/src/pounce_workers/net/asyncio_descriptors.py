"""The descriptors that asyncio watches for itself, beside those of HTTP: what a selector keeps of them."""

from __future__ import annotations

import contextlib
import selectors
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from pounce_workers.net.readiness import HANG_UP, READ, WRITE, Readiness, new_readiness

if TYPE_CHECKING:
    from collections.abc import Sequence

    from _typeshed import FileDescriptorLike

__all__ = ["NOTHING", "AsyncioDescriptors"]

NOTHING: Final[list[tuple[selectors.SelectorKey, int]]] = []
"""Never changed: asyncio only reads what select() returns."""


class _Keys(Mapping[Any, selectors.SelectorKey]):
    """asyncio's view of what it registered, by descriptor or file object."""

    __slots__ = ("_keys",)

    def __init__(self, keys: dict[int, selectors.SelectorKey]) -> None:
        self._keys = keys

    def __getitem__(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        return self._keys[_registered_descriptor(fileobj, self._keys)]

    def __iter__(self) -> Any:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


def _descriptor(fileobj: FileDescriptorLike) -> int:
    return fileobj if isinstance(fileobj, int) else fileobj.fileno()


def _registered_descriptor(fileobj: FileDescriptorLike, keys: dict[int, selectors.SelectorKey]) -> int:
    """The descriptor that a file object was registered with, also when it is closed and has none any more."""
    try:
        fd = _descriptor(fileobj)
    except ValueError:
        fd = -1  # as a closed socket says
    if fd < 0:
        fd = next((key.fd for key in keys.values() if key.fileobj is fileobj), -1)
    return fd


class AsyncioDescriptors(selectors.BaseSelector):
    """A selector without ``select()``. Used by the loop's thread only."""

    def __init__(self, readiness: Readiness | None = None) -> None:
        self._readiness = readiness or new_readiness()
        self._keys: dict[int, selectors.SelectorKey] = {}

    def register(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch a descriptor of asyncio's."""
        fd = _descriptor(fileobj)
        if fd in self._keys:
            raise KeyError(f"{fileobj!r} (descriptor {fd}) is already registered")
        key = selectors.SelectorKey(fileobj, fd, events, data)
        self._readiness.register(fd, _mask(events))
        self._keys[fd] = key
        return key

    def unregister(self, fileobj: FileDescriptorLike) -> selectors.SelectorKey:
        """Stop watching a descriptor of asyncio's."""
        fd = _registered_descriptor(fileobj, self._keys)
        key = self._keys.pop(fd)
        with contextlib.suppress(OSError):  # closed before it was unregistered, which ends the kernel's watch too
            self._readiness.unregister(fd)
        return key

    def modify(self, fileobj: FileDescriptorLike, events: int, data: Any = None) -> selectors.SelectorKey:
        """Watch for something else, or with other data."""
        fd = _registered_descriptor(fileobj, self._keys)
        old = self._keys[fd]
        if old.events != events:
            self._readiness.modify(fd, _mask(events))
        key = self._keys[fd] = selectors.SelectorKey(fileobj, fd, events, data)
        return key

    def get_map(self) -> Mapping[FileDescriptorLike, selectors.SelectorKey]:
        """What asyncio registered."""
        return _Keys(self._keys)

    def close(self) -> None:
        """Let go of the kernel's object."""
        self._readiness.close()
        self._keys.clear()

    def ready_keys(
        self, events: Sequence[tuple[int, int]], others: Sequence[object | None]
    ) -> list[tuple[selectors.SelectorKey, int]]:
        """asyncio's part of a batch, which is what ``others`` has None for, as it stands now."""
        own = []
        for (fd, mask), other in zip(events, others, strict=True):
            key = self._keys.get(fd)
            if other is None and key is not None:
                own.append((key, _events(mask) & key.events))
        return own

    def still(self, ready: Sequence[tuple[selectors.SelectorKey, int]]) -> list[tuple[selectors.SelectorKey, int]]:
        """Those of them whose registration has not changed since."""
        return [(key, mask) for key, mask in ready if self._keys.get(key.fd) is key]


def _mask(events: int) -> int:
    return (READ if events & selectors.EVENT_READ else 0) | (WRITE if events & selectors.EVENT_WRITE else 0)


def _events(mask: int) -> int:
    """asyncio's events of a mask. A descriptor that failed is ready for both: the next call on it tells why."""
    if mask & HANG_UP:
        return selectors.EVENT_READ | selectors.EVENT_WRITE
    return (selectors.EVENT_READ if mask & READ else 0) | (selectors.EVENT_WRITE if mask & WRITE else 0)
