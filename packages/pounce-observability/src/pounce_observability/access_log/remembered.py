"""Texts that are made again and again of the same values: requests and clients repeat themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

__all__ = ["MOST", "Remembered"]

MOST: Final = 1024
"""Texts that are kept: less than a megabyte for each worker and kind."""

LONGEST: Final = 256
"""Characters; a longer text is made anew each time."""

Key = TypeVar("Key", bound="Hashable")


class Remembered(Generic[Key]):
    """``of(key)`` is the text that ``make`` makes of the key.

    Several threads may use one: single operations of a dictionary are atomic with and without the GIL, and a text that
    two of them make at once is the same. When it is full it begins anew, which is cheaper than to know what was used.
    """

    __slots__ = ("_known", "_make")

    def __init__(self, make: Callable[[Key], str]) -> None:
        self._known: dict[Key, str] = {}
        self._make = make

    def of(self, key: Key) -> str:
        """The text of a key."""
        text = self._known.get(key)
        if text is None:
            text = self._make(key)
            if len(text) <= LONGEST:
                if len(self._known) >= MOST:
                    self._known.clear()
                self._known[key] = text
        return text

    def __len__(self) -> int:
        return len(self._known)
