"""Cache-Control by the name of a file, and the hash that a build tool has put into it."""

from __future__ import annotations

import re
from fnmatch import translate
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["IMMUTABLE", "REVALIDATE", "CacheRules", "fingerprint"]

IMMUTABLE: Final = "public, max-age=31536000, immutable"
"""A name with the hash of the content stands for that content for ever (RFC 8246)."""
REVALIDATE: Final = "no-cache"
"""Kept, and asked about each time: the answer is 304 mostly. Without any rule browsers would guess a lifetime
(RFC 9111, 4.2.2), and pages would refer to files that are older than they."""

# 8 to 64 hexadecimal digits between separators, as webpack, Parcel, Django, Rails and others write them, with a letter
# and a digit among them: eight digits alone are a date, eight letters may be a word.
_HASH: Final = re.compile(r"[.\-_](?=[0-9]*[a-f])(?=[a-f]*[0-9])([0-9a-f]{8,64})\.")


def fingerprint(name: str) -> str | None:
    """The hash of its content in the name of a file (``app.3f2a9c81.js``), or None."""
    found = _HASH.search(name)
    return found[1] if found else None


class CacheRules:
    """Patterns and what they mean; the first that fits wins. Immutable, shared by threads."""

    def __init__(self, rules: Iterable[tuple[str, str]] = (), *, otherwise: str = REVALIDATE) -> None:
        """Each rule is a pattern in the shell's way and a value; an empty value sends no field.

        A pattern that begins with a slash is for the whole path below the root, another for the name alone.

        Raises:
            ValueError: a value could not be sent as a header field.
        """
        self._rules = tuple(
            (pattern.startswith("/"), re.compile(translate(pattern)), value) for pattern, value in rules
        )
        self._otherwise = otherwise
        for value in (otherwise, *(value for _, _, value in self._rules)):
            if not value.isascii() or not (value.isprintable() and value == value.strip()):
                raise ValueError(f"{value!r} is not a value for Cache-Control")

    def value(self, path: str) -> str:
        """Cache-Control for the file at a path below the root, which begins with a slash; empty for none."""
        name = path.rpartition("/")[2]
        for whole, pattern, value in self._rules:
            if pattern.match(path if whole else name):
                return value
        return IMMUTABLE if fingerprint(name) else self._otherwise
