"""Which media types shrink."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["MediaTypes"]

# RFC 9110, 8.3.1: type "/" subtype, both tokens; a star in one means something else here.
# RFC 6839: the suffix follows the last plus.
_TOKEN: Final = r"[!#$%&'+\-.^_`|~0-9A-Za-z]+"  # noqa: S105 - of the grammar, no secret
_PATTERN: Final = re.compile(rf"\*\+{_TOKEN}|{_TOKEN}/(?:\*|{_TOKEN})")


class MediaTypes:
    """A set of media types: ``type/subtype``, ``type/*`` and ``*+suffix``. Immutable.

    Raises:
        ValueError: one of them has none of these forms.
    """

    __slots__ = ("_exact", "_suffixes", "_types")

    def __init__(self, patterns: Iterable[str]) -> None:
        exact, types, suffixes = set(), set(), set()
        for pattern in patterns:
            wanted = pattern.strip().lower()
            if not _PATTERN.fullmatch(wanted):
                raise ValueError(f"{pattern!r} is neither type/subtype nor type/* nor *+suffix")
            if wanted.startswith("*+"):
                suffixes.add(wanted[2:].encode())
            elif wanted.endswith("/*"):
                types.add(wanted[:-2].encode())
            else:
                exact.add(wanted.encode())
        self._exact, self._types, self._suffixes = frozenset(exact), frozenset(types), frozenset(suffixes)

    def __contains__(self, content_type: bytes) -> bool:
        """Whether a ``Content-Type``, with parameters or without, is of one of the types."""
        essence = content_type.partition(b";")[0].strip().lower()
        if essence in self._exact:
            return True
        main, _, subtype = essence.partition(b"/")
        if main in self._types:
            return bool(subtype)
        _, plus, suffix = subtype.rpartition(b"+")
        return bool(plus) and suffix in self._suffixes
