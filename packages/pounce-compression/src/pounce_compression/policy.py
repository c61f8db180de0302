"""When a response is compressed, and with which coding. Decided when status, type, length and fields are known."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from .codecs import available_codings, codec_for, requirements
from .codings import CODINGS
from .compressible_types import COMPRESSIBLE_TYPES
from .media_types import MediaTypes
from .negotiation import IDENTITY, accepted_codings, identity_is_refused, negotiate

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .codecs import Codec
    from .dictionary import Dictionary, DictionaryStore
    from .response_head import ResponseHead

__all__ = ["Choice", "CompressionPolicy", "dictionary_is_safe", "path_below", "request_field", "request_path"]

_NO_CONTENT: Final = frozenset({204, 205, 206, 304})
"""Without content (RFC 9110, 15.3.5, 15.3.6, 15.4.5), and a range: its bytes are counted in what the client has."""

_REMEMBERED: Final = 256
"""Values of Accept-Encoding whose choice each thread remembers; browsers send a handful."""


class Choice(NamedTuple):
    """What one value of ``Accept-Encoding`` leads to."""

    codec: Codec | None
    """None: as it is."""
    acceptable: bool
    """Something can be sent that the client takes."""
    forced: bool
    """The client refuses content as it is, so that neither size nor type matter any more."""


class Remembered(threading.local):
    """Choices that the thread that looks made before. Each has its own: threads do not wait for each other."""

    def __init__(self) -> None:
        self.choices: dict[bytes | None, Choice] = {}


class CompressionPolicy:
    """What the options say, ready for use. Shared by all threads; nothing in it changes.

    Raises:
        LookupError: a coding is not known, or none of them is installed.
        ValueError: a level is out of its range, or a media type is none.
    """

    __slots__ = ("_exclude", "_min_size", "_remembered", "_types", "codecs", "dictionaries", "file_size", "thread_size")

    def __init__(
        self,
        *,
        codings: Sequence[str] = CODINGS,
        levels: Mapping[str, int] | None = None,
        min_size: int = 512,
        types: Iterable[str] = COMPRESSIBLE_TYPES,
        exclude: Iterable[str] = (),
        thread_size: int = 128 * 1024,
        file_size: int = 1024 * 1024,
        dictionaries: DictionaryStore | None = None,
    ) -> None:
        levels, available = levels or {}, available_codings()
        if unknown := [coding for coding in codings if coding not in CODINGS]:
            raise LookupError(f"{unknown[0]!r} is not one of {', '.join(CODINGS)}")
        self.codecs: Final = {
            coding: codec_for(coding, levels.get(coding)) for coding in codings if coding in available
        }
        if not self.codecs and (missing := "', '".join(requirements(codings))):
            raise LookupError(f"none of {', '.join(codings)} is installed: pip install '{missing}'")
        self._min_size = min_size
        self._types = MediaTypes(types)
        self._exclude = tuple(path.rstrip("/") for path in exclude)
        self.thread_size: Final = thread_size
        self.file_size: Final = file_size
        self.dictionaries: Final = dictionaries
        self._remembered = Remembered()

    def choose(self, accept_encoding: bytes | None) -> Choice:
        """The codec for what a client accepts."""
        choices = self._remembered.choices
        choice = choices.get(accept_encoding)
        if choice is None:
            choice = self._choose(accept_encoding)
            if len(choices) >= _REMEMBERED:
                choices.clear()
            choices[accept_encoding] = choice
        return choice

    def allows(self, head: ResponseHead) -> bool:
        """Whether the content may be coded at all.

        Not when there is none, or it is a range, or has a coding already (``identity`` is an application's way to
        opt out), or ``no-transform`` forbids it. Nor when the fields hold a digest: a coded body has another one, and
        taking the field away breaks a signature that covers it.
        """
        return head.status >= 200 and head.status not in _NO_CONTENT and not head.is_final and not head.no_transform

    def may_code_whole(self, head: ResponseHead) -> bool:
        """Whether the 200 that a 206 or 304 stands for may be coded for some client, as far as its fields tell."""
        media_type = head.content_type
        if head.no_transform or head.value(b"content-encoding") is not None:
            return False
        return not media_type or media_type.startswith(b"multipart/byteranges") or media_type in self._types

    def is_worth(self, head: ResponseHead) -> bool:
        """Whether the content is likely to shrink by more than it costs."""
        if head.content_type not in self._types:
            return False
        length = head.content_length
        return length is None or length >= self._min_size

    def is_large_enough(self, length: int) -> bool:
        """Whether a body whose length turned out only now is worth it."""
        return length >= self._min_size

    def excludes(self, path: str) -> bool:
        """Whether nothing at or below this path is compressed; it is one below the ``root_path``."""
        return any(
            path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/") for prefix in self._exclude
        )

    def dictionary(self, scope: Mapping[str, Any], head: ResponseHead, chosen: Codec | None) -> Dictionary | None:
        """The dictionary to use for a response: the client has it, accepts ``dcz`` and wants nothing else more."""
        available = request_field(scope, b"available-dictionary")
        if self.dictionaries is None or available is None or not dictionary_is_safe(scope, head):
            return None
        ours = ("dcz",) if chosen is None else ("dcz", chosen.coding)
        if negotiate(request_field(scope, b"accept-encoding"), ours) != "dcz":
            return None
        return self.dictionaries.find(available, request_path(scope))

    def _choose(self, accept_encoding: bytes | None) -> Choice:
        coding = negotiate(accept_encoding, tuple(self.codecs))
        forced = accept_encoding is not None and identity_is_refused(accepted_codings(accept_encoding))
        codec = None if coding is None or coding == IDENTITY else self.codecs[coding]
        return Choice(codec, coding is not None, forced)


def dictionary_is_safe(scope: Mapping[str, Any], head: ResponseHead) -> bool:
    """Whether the page behind a request may read the response anyway (RFC 9842, 9.3.2).

    If it may not, the size of what was compressed against a dictionary could tell it about the content.
    """
    if request_field(scope, b"sec-fetch-site") in (None, b"same-origin"):
        return True
    mode = request_field(scope, b"sec-fetch-mode")
    if mode in (None, b"navigate", b"same-origin"):
        return True
    allowed, origin = head.value(b"access-control-allow-origin"), request_field(scope, b"origin")
    return mode == b"cors" and allowed is not None and origin is not None and allowed in (b"*", origin)


def request_field(scope: Mapping[str, Any], name: bytes) -> bytes | None:
    """The value of a field of the request, its lines joined by commas (RFC 9110, 5.3), or None."""
    lines = [value for each, value in scope["headers"] if each == name]
    if not lines:
        return None
    return lines[0] if len(lines) == 1 else b", ".join(lines)


def path_below(scope: Mapping[str, Any]) -> str:
    """The path below where the application is mounted: ``root_path`` is the beginning of ``path`` (ASGI HTTP 2.5).

    Servers that leave it out of ``path`` are understood too.
    """
    path: str = scope["path"]
    prefix: str = (scope.get("root_path") or "").rstrip("/")
    if prefix and path.startswith(prefix) and path[len(prefix) : len(prefix) + 1] in ("", "/"):
        return path[len(prefix) :]
    return path


def request_path(scope: Mapping[str, Any]) -> bytes:
    """The path as it was asked for, percent-encoded, as far as the server tells."""
    raw: bytes | None = scope.get("raw_path")
    return raw.partition(b"?")[0] if raw else scope["path"].encode("utf-8", "surrogateescape")
