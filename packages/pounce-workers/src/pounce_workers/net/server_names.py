"""Which certificate is for the server name that a client asks for (RFC 6066, 3; RFC 9525, 6.3)."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ServerNames", "normal_name"]

_T = TypeVar("_T")

# RFC 1123, 2.1, with the underscores that are about; a wildcard is the whole of the left-most label (RFC 9525, 6.3),
# and has two labels at least to its right, or it would be for a whole top-level domain.
_LABEL: Final = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_NAME: Final = re.compile(rf"(?!.{{254}})(?:{_LABEL}(?:\.{_LABEL})*|\*\.{_LABEL}(?:\.{_LABEL})+)", re.ASCII)


def normal_name(text: str) -> str:
    """A host name, or a wildcard, in the form in which it is compared: lower case, A-labels, no dot at the end.

    Raises:
        ValueError: it is neither.
    """
    name = text.strip().lower().removesuffix(".")
    if not name.isascii():
        with contextlib.suppress(UnicodeError):  # what cannot be encoded is no name
            name = name.encode("idna").decode("ascii")
    if not _NAME.fullmatch(name):
        raise ValueError(f"{text!r} is not a host name; write it as 'example.org' or '*.example.org'")
    return name


class ServerNames(Generic[_T]):
    """Finds by exact name first, then by the wildcard for one label."""

    def __init__(self) -> None:
        self._exact: dict[str, _T] = {}
        self._wild: dict[str, _T] = {}

    def add(self, names: Iterable[str], found: _T) -> list[str]:
        """Let these names lead there. The first who has a name keeps it; returned are the names taken before."""
        taken: list[str] = []
        for name in names:
            table, key = (self._wild, name[2:]) if name.startswith("*.") else (self._exact, name)
            if table.setdefault(key, found) != found:
                taken.append(name)
        return taken

    def find(self, name: str) -> _T | None:
        """What a client's name leads to; None when nobody has it."""
        name = name.lower().removesuffix(".")
        found = self._exact.get(name)
        return found if found is not None else self._wild.get(name.partition(".")[2])
