"""Texts that are made again and again of the same values: requests and clients repeat themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

__all__ = ["MOST", "Remembered"]

MOST: Final = 1024
"""Texts that are kept: with keys of at most `LONGEST` octets less than a megabyte for each worker."""

LONGEST: Final = 256
"""A text that is longer is made anew each time."""

Key = TypeVar("Key", bound="Hashable")


class Remembered(dict[Key, str], Generic[Key]):
    """``remembered[key]`` is the text made of ``key``.

    Several threads may use one: single operations of a dictionary are atomic with and without the GIL, and a text that
    two of them make at once is the same.
    """

    __slots__ = ("_make",)

    def __init__(self, make: Callable[[Key], str]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: Key) -> str:
        text = self._make(key)
        if len(text) <= LONGEST:
            if len(self) >= MOST:
                self.clear()
            self[key] = text
        return text
