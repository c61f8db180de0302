"""Choosing between a file and its compressed neighbours. Needs the extra ``static``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

try:
    from pounce_compression import negotiate
except ImportError:  # the extra is not installed
    negotiate = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from pounce_middleware.static.loader import FileEntry
    from pounce_middleware.static.representation import Representation

__all__ = ["AVAILABLE", "Chooser"]

AVAILABLE: Final = negotiate is not None
"""Whether the package that negotiates is installed. Without it files are sent only as they are."""

MOST_REMEMBERED: Final = 256
"""Values of Accept-Encoding. Browsers have a handful; a stranger may send any number."""
LONGEST_REMEMBERED: Final = 256
"""Bytes."""


class Chooser:
    """Remembers what it chose. Owned by one thread."""

    __slots__ = ("_chosen",)

    def __init__(self) -> None:
        self._chosen: dict[tuple[bytes, tuple[str, ...]], str | None] = {}

    def choose(self, entry: FileEntry, accept_encoding: bytes | None) -> Representation:
        """The representation to send. Who refuses everything, even identity, gets the file as it is (RFC 9110,
        12.5.3 allows it): for a file that is more use than a 406.
        """
        if not entry.coded or accept_encoding is None:
            return entry.plain
        codings = tuple(each.coding for each in entry.coded)
        key = (accept_encoding, codings)
        try:
            coding = self._chosen[key]
        except KeyError:
            coding = negotiate(accept_encoding, codings)
            if len(accept_encoding) <= LONGEST_REMEMBERED:
                if len(self._chosen) >= MOST_REMEMBERED:
                    self._chosen.clear()
                self._chosen[key] = coding
        return next((each for each in entry.coded if each.coding == coding), entry.plain)
