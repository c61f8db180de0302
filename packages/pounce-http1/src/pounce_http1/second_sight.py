"""A bounded dictionary that keeps what it is offered for the second time. Not thread-safe: one worker owns it.

What never comes again, hostile or not, thus takes no more of it than a number in a table.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

__all__ = ["SecondSight"]

Value = TypeVar("Value")

_SIGHTS: Final = 512
"""Slots of the table of first sights, a power of two. Two keys in one slot forget each other, which is harmless."""


class SecondSight(Generic[Value]):
    """Values by bytes: at most ``max_entries`` of them, with at most ``max_bytes`` bytes of keys.

    When either bound is reached, it starts afresh: what is in use is back after two sights.
    """

    __slots__ = ("_entries", "_max_bytes", "_max_entries", "_sights", "bytes", "get")

    def __init__(self, *, max_entries: int, max_bytes: int) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._entries: dict[bytes, Value] = {}
        self._sights = [0] * _SIGHTS
        self.bytes = 0
        """Bytes of all keys that are kept."""
        self.get: Final = self._entries.get

    def __len__(self) -> int:
        return len(self._entries)

    def offer(self, key: bytes, value: Value) -> bool:
        """Keep it if this key was offered before; whether it is kept now."""
        sight = hash(key)
        slot = sight % _SIGHTS
        if self._sights[slot] != sight:
            self._sights[slot] = sight
            return False
        if len(self._entries) >= self._max_entries or self.bytes + len(key) > self._max_bytes:
            self._entries.clear()
            self.bytes = 0
        if key not in self._entries:
            self.bytes += len(key)
        self._entries[key] = value
        return True
