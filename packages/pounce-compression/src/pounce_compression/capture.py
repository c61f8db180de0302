"""Keeping a response as a dictionary while it is sent (RFC 9842, 2.1)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from .url_pattern import UrlPattern

if TYPE_CHECKING:
    from .dictionary import DictionaryStore
    from .response_head import ResponseHead

__all__ = ["Capture", "capture_for"]

_FIELD: Final = b"use-as-dictionary"

# RFC 9651, 3.3.3: a string holds backslash and quote escaped. RFC 9842, 2.1.4: the type is raw unless it is given.
_MATCH: Final = re.compile(rb'(?:^|[, \t])match="((?:[^"\\]|\\["\\])*)"')
_TYPE: Final = re.compile(rb"(?:^|[, \t])type=(?!raw(?:[;, \t]|$))")


class Capture:
    """The uncoded bytes of one response, on their way into the store."""

    __slots__ = ("_announced", "_declared", "_pattern", "_pieces", "_size", "_store")

    def __init__(self, store: DictionaryStore, pattern: UrlPattern, declared: int | None, *, announced: bool) -> None:
        self._store = store
        self._pattern = pattern
        self._declared = declared
        self._announced = announced
        self._pieces: list[bytes] = []
        self._size = 0

    @property
    def is_bounded(self) -> bool:
        """The length is known before the body, so that the head can promise what will be kept."""
        return self._declared is not None

    def announce(self, head: ResponseHead) -> None:
        """Tell the client to keep it too; the application may have done so itself."""
        if not self._announced and self._store.fits(self._size if self._declared is None else self._declared):
            match = self._pattern.text.replace("\\", "\\\\")
            head.add(_FIELD, f'match="{match}"'.encode("ascii"))

    def feed(self, data: bytes) -> None:
        """A piece of the body."""
        self._size += len(data)
        if self._size <= self._store.largest:
            self._pieces.append(data)

    def finish(self) -> None:
        """The body is complete: keep it, if it was as long as it said."""
        if self._declared in (None, self._size) and self._size <= self._store.largest:
            self._store.keep(b"".join(self._pieces), self._pattern)
        self._pieces.clear()


def capture_for(store: DictionaryStore, path: bytes, head: ResponseHead, *, queried: bool = False) -> Capture | None:
    """What keeps the response to a GET, or None if it does not become a dictionary.

    The application's own ``Use-As-Dictionary`` is honoured; else the patterns of the store decide, for requests that
    are not ``queried``: clients make up queries, as many as they like, and each answer would push out another's.
    What is for one client only, or must not be stored, is no dictionary for others: the store is shared by all of them.
    """
    length = head.content_length
    if head.status != 200 or not head.is_shared or (length is not None and not store.fits(length)):
        return None
    field = head.value(_FIELD)
    if field is not None:  # noqa: SIM108 - two conditions in one line are hard to read
        pattern = _pattern_in(field)
    else:
        pattern = None if queried else store.pattern_for(path)
    return None if pattern is None else Capture(store, pattern, length, announced=field is not None)


def _pattern_in(field: bytes) -> UrlPattern | None:
    match = _MATCH.search(field)
    if match is None or _TYPE.search(field):
        return None
    try:
        return UrlPattern(re.sub(rb"\\(.)", rb"\1", match[1]).decode("ascii"))
    except ValueError:  # a pattern that only clients can match, or relative: the response goes out, but is not kept
        return None
