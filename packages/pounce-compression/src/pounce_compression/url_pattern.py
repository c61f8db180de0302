"""Patterns of paths for dictionaries: the part of URL Pattern that is safe and that servers and clients read alike.

RFC 9842, 2.1.1 allows no regular expressions in ``match``. Here a pattern is text with ``*`` for any run of
characters, and a backslash before a character that is to be taken as it is. Named groups, braces and modifiers are
refused rather than misread. Matching never goes back over a ``*`` that has been settled, so it takes time in
proportion to path times pattern at worst.
"""

from __future__ import annotations

from typing import Final

__all__ = ["UrlPattern"]

MAX_PATTERN: Final = 1024
"""Characters. Longer ones come from no human."""

MAX_STARS: Final = 8

_REFUSED: Final = frozenset('(){}:+?#"')
"""Groups, modifiers, what ends a path, and what would end the string in the field. Escaped, the first six are text."""


class UrlPattern:
    """A pattern that begins with a slash, such as ``/static/app.*.js``. Immutable.

    Raises:
        ValueError: it is longer than allowed, is no path, or uses more than ``*`` and ``\\``.
    """

    __slots__ = ("_pieces", "text")

    def __init__(self, text: str) -> None:
        if len(text) > MAX_PATTERN:
            raise ValueError(f"a pattern of {len(text)} characters is longer than {MAX_PATTERN}")
        if not text.startswith("/") or not text.isascii() or not text.isprintable():
            raise ValueError(f"{text!r} is not a path of printable ASCII characters that begins with a slash")
        self.text: Final = text
        self._pieces: Final = tuple(piece.encode("ascii") for piece in _pieces(text))
        if len(self._pieces) > MAX_STARS + 1:
            raise ValueError(f"{text!r} has more than {MAX_STARS} stars")

    def matches(self, path: bytes) -> bool:
        """Whether a path, percent-encoded as it was asked for and without its query, is of this pattern."""
        first, *rest = self._pieces
        if not rest:
            return path == first
        if not path.startswith(first):
            return False
        position = len(first)
        for piece in rest[:-1]:
            found = path.find(piece, position)
            if found < 0:
                return False
            position = found + len(piece)
        return len(path) - len(rest[-1]) >= position and path.endswith(rest[-1])


def _pieces(text: str) -> list[str]:
    """The literal texts between the stars."""
    pieces = [""]
    characters = iter(text)
    for character in characters:
        if character == "*":
            pieces.append("")
        elif character == "\\":
            escaped = next(characters, "")
            if not escaped or escaped == '"':
                raise ValueError(f"{text!r}: a backslash stands before a character")
            pieces[-1] += escaped
        elif character in _REFUSED:
            raise ValueError(f"{text!r}: {character!r} is not supported, only * and a backslash before a character")
        else:
            pieces[-1] += character
    return pieces
