"""The Range field (RFC 9110, 14): from text to pieces of a file. Pure functions."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

__all__ = ["MOST_RANGES", "Piece", "Unsatisfiable", "parse_range"]

MOST_RANGES: Final = 16
"""Pieces that one request may ask for. Viewers of documents ask for a few; hundreds are an attack (RFC 9110, 17.15)."""

# int-range = first-pos "-" [ last-pos ]; suffix-range = "-" suffix-length (RFC 9110, 14.1.1). Eighteen digits are more
# than any file has, and Python refuses to read thousands of them.
_RANGE: Final = re.compile(r"[ \t]*(?:(?P<first>\d{1,18})-(?P<last>\d{0,18})|-(?P<suffix>\d{1,18}))[ \t]*", re.ASCII)


class Piece(NamedTuple):
    """Some bytes of a file: from ``start`` to before ``end``."""

    start: int
    end: int


class Unsatisfiable(ValueError):  # noqa: N818 - it says what happened
    """No byte that was asked for exists: 416."""


def parse_range(value: str, size: int) -> list[Piece] | None:
    """The pieces to send of ``size`` bytes, in the order asked for; None when the field is to be ignored.

    It is ignored when it is malformed, of another unit, or asks for too many pieces or for more than the whole.
    Pieces that overlap or touch are joined (RFC 9110, 15.3.7.2).

    Raises:
        Unsatisfiable: it is right, but beyond the end.
    """
    unit, equals, specs = value.partition("=")
    if unit.strip().lower() != "bytes" or not equals or specs.count(",") >= MOST_RANGES:
        return None
    pieces: list[Piece] = []
    seen = False
    for spec in specs.split(","):
        if not spec.strip(" \t"):
            continue  # an empty element of a list (RFC 9110, 5.6.1.2)
        match = _RANGE.fullmatch(spec)
        if match is None:
            return None
        seen = True
        if match["suffix"] is not None:
            piece = Piece(max(size - int(match["suffix"]), 0), size)
        else:
            last = int(match["last"]) if match["last"] else size - 1
            if match["last"] and last < int(match["first"]):
                return None
            piece = Piece(int(match["first"]), min(last + 1, size))
        if piece.start < piece.end:
            pieces.append(piece)
    if not seen:
        return None
    if not pieces:
        raise Unsatisfiable(f"no byte of {value!r:.100} exists in a file of {size} bytes")
    if sum(piece.end - piece.start for piece in pieces) > size:
        return None
    return _joined(pieces)


def _joined(pieces: list[Piece]) -> list[Piece]:
    joined: list[Piece] = []
    for piece in pieces:
        touching = [other for other in joined if piece.start <= other.end and other.start <= piece.end]
        if not touching:
            joined.append(piece)
            continue
        whole = Piece(min(piece.start, *(o.start for o in touching)), max(piece.end, *(o.end for o in touching)))
        joined[joined.index(touching[0])] = whole
        joined = [other for other in joined if other is whole or other not in touching]
    return joined
