"""Dictionaries for responses (RFC 9842): what a client has already is what the next response is compressed against.

A response to a path that a pattern names is kept, and sent with ``Use-As-Dictionary``. A client that kept it too names
it in later requests by its SHA-256 (``Available-Dictionary``); the answer then may have the coding ``dcz``.

``dcb``, the same with Brotli, is not offered: neither of Python's bindings can compress with a dictionary.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import threading
from typing import TYPE_CHECKING, Any, Final, Self

from .codings import DEFAULT_LEVELS
from .installed import standard_zstd, zstandard_module
from .url_pattern import UrlPattern
from .zstd_codec import StandardZstdCodec, ZstandardCodec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .codecs import Codec, CompressorStream
    from .settings import CompressionSettings

__all__ = ["Dictionary", "DictionaryStore", "dictionaries_are_possible", "parse_available_dictionary"]

DCZ_MAGIC: Final = bytes.fromhex("5e2a4d1820000000")
"""RFC 9842, 5: a skippable frame of zstd that holds 32 bytes, the SHA-256 of the dictionary."""

SMALLEST: Final = 1024
"""Bytes. With less there is nothing to find that is worth its tables."""

MOST_DICTIONARIES: Final = 256
"""In one store, however small they are."""

_TABLES: Final = 192 * 1024
_TABLES_PER_BYTE: Final = ((3, 2), (6, 8), (9, 12), (12, 24), (22, 36))
"""What zstd adds to the content: highest level, and bytes for each byte. Measured and rounded up."""

_WINDOW_LEAST: Final = 20
_WINDOW_MOST: Final = 23
"""RFC 9842, 5: a decoder takes windows of 8 MiB, or of 1.25 times the dictionary if that is more."""

# RFC 9651, 3.3.5: a byte sequence is base64 between colons; parameters may follow and mean nothing here.
_BYTE_SEQUENCE: Final = re.compile(rb":([A-Za-z0-9+/]{43}=?):(?:;[\x20-\x7e]{0,256})?")


class Dictionary:
    """One dictionary: its content, and the codec that compresses against it. Immutable."""

    __slots__ = ("codec", "content", "cost", "digest", "pattern")

    def __init__(self, content: bytes, digest: bytes, pattern: UrlPattern, codec: Codec, cost: int) -> None:
        self.content: Final = content
        self.digest: Final = digest
        self.pattern: Final = pattern
        self.codec: Final = codec
        self.cost: Final = cost  # bytes of memory, about: the content and what zstd makes of it


class DictionaryStore:
    """The dictionaries of one process: all its threads share them. Bounded; the oldest are forgotten first.

    ``patterns`` name the paths whose responses become dictionaries. ``largest`` and ``memory`` are bytes: of one
    dictionary, and of all of them with the tables that zstd makes for each; there are `MOST_DICTIONARIES` at most.

    Readers take no lock: a table is never changed once it can be seen, only replaced by another.

    Raises:
        ValueError: a pattern cannot be used.
        LookupError: the zstd that is needed is not installed.
    """

    def __init__(
        self,
        patterns: Iterable[str] = (),
        *,
        largest: int = 1024 * 1024,
        memory: int = 16 * 1024 * 1024,
        level: int = DEFAULT_LEVELS["zstd"],
    ) -> None:
        if not dictionaries_are_possible():
            raise LookupError("dictionaries need a library: pip install 'zstandard'")
        self.patterns: Final = tuple(UrlPattern(pattern) for pattern in patterns)
        self.largest: Final = largest
        self._memory = memory
        self._level = level
        self._lock = threading.Lock()  # held by writers only
        self._by_digest: dict[bytes, Dictionary] = {}
        self._used = 0  # bytes
        self._kept_patterns: tuple[UrlPattern, ...] = ()

    @classmethod
    def from_settings(cls, settings: CompressionSettings) -> Self:
        """As the settings say: one for each process, for all its threads."""
        return cls(
            settings.compress_dictionaries,
            largest=settings.compress_dictionary_size,
            memory=settings.compress_dictionary_memory,
            level=settings.compress_level_zstd,
        )

    def fits(self, length: int) -> bool:
        """Whether content of so many bytes can become a dictionary."""
        return SMALLEST <= length <= self.largest and _cost(length, self._level) <= self._memory

    def add(self, content: bytes, match: str) -> Dictionary | None:
        """Keep a dictionary for paths like ``match``. None if it is too small or too large.

        Who serves the same content elsewhere says there ``Use-As-Dictionary: match="..."``.

        Raises:
            ValueError: the pattern cannot be used.
        """
        return self.keep(content, UrlPattern(match))

    def keep(self, content: bytes, pattern: UrlPattern) -> Dictionary | None:
        """As ``add``, with a pattern that was read before. Content that is known for the pattern is found again."""
        if not self.fits(len(content)):
            return None
        digest = hashlib.sha256(content).digest()
        known = self._by_digest.get(digest)
        if known is None:
            codec = DczCodec(_codec(content, self._level), DCZ_MAGIC + digest)
            made = Dictionary(content, digest, pattern, codec, _cost(len(content), self._level))
        elif known.pattern.text == pattern.text:
            return known
        else:
            made = Dictionary(known.content, digest, pattern, known.codec, known.cost)
        with self._lock:
            self._put(made)
        return made

    def _put(self, made: Dictionary) -> None:
        """Under the lock: a new table with this one in it, and without those that there is no room for any more."""
        kept, used = dict(self._by_digest), self._used
        if made.digest in kept:
            used -= kept.pop(made.digest).cost
        kept[made.digest] = made
        used += made.cost
        while used > self._memory or len(kept) > MOST_DICTIONARIES:
            used -= kept.pop(next(iter(kept))).cost
        self._by_digest, self._used = kept, used
        # Once for each pattern, not for each dictionary: every response is held against them.
        patterns = {one.pattern.text: one.pattern for one in kept.values()}
        for pattern in self.patterns:
            patterns.pop(pattern.text, None)
        self._kept_patterns = tuple(patterns.values())

    def find(self, available_dictionary: bytes | None, path: bytes) -> Dictionary | None:
        """The dictionary that a request names in ``Available-Dictionary``, if it is kept here for such a path.

        The hash alone decides which it is; ``Dictionary-ID`` is for servers that need more than it to find one.
        """
        digest = None if available_dictionary is None else parse_available_dictionary(available_dictionary)
        found = None if digest is None else self._by_digest.get(digest)
        return found if found is not None and found.pattern.matches(path) else None

    def pattern_for(self, path: bytes) -> UrlPattern | None:
        """The pattern by which the response to a path becomes a dictionary, or None."""
        for pattern in self.patterns:
            if pattern.matches(path):
                return pattern
        return None

    def concerns(self, path: bytes) -> bool:
        """Whether responses to a path depend on ``Available-Dictionary``."""
        return self.pattern_for(path) is not None or any(one.matches(path) for one in self._kept_patterns)


class DczCodec:
    """``dcz``: zstd against one dictionary, behind a header with its hash (RFC 9842, 5)."""

    __slots__ = ("_header", "_zstd")

    coding: Final = "dcz"

    def __init__(self, zstd: Codec, header: bytes) -> None:
        self._zstd = zstd
        self._header = header

    def compress(self, data: bytes) -> bytes:
        """A whole body at once."""
        return self._header + self._zstd.compress(data)

    def stream(self) -> DczStream:
        """A body that comes in pieces."""
        return DczStream(self._zstd.stream(), self._header)


class DczStream:
    """One body in pieces; the header is before the first of them."""

    __slots__ = ("_header", "_zstd")

    def __init__(self, zstd: CompressorStream, header: bytes) -> None:
        self._zstd = zstd
        self._header = header

    def compress(self, data: bytes) -> bytes:
        """What is ready after this piece."""
        return self._after_header(self._zstd.compress(data))

    def flush(self) -> bytes:
        """All that is needed to decode every piece so far."""
        return self._after_header(self._zstd.flush())

    def finish(self) -> bytes:
        """The rest."""
        return self._after_header(self._zstd.finish())

    def _after_header(self, packed: bytes) -> bytes:
        header, self._header = self._header, b""
        return header + packed


def dictionaries_are_possible() -> bool:
    """Whether there is a zstd that can compress against a dictionary."""
    return standard_zstd() is not None or zstandard_module() is not None


def parse_available_dictionary(field: bytes) -> bytes | None:
    """The SHA-256 in an ``Available-Dictionary`` field, or None if it is not one byte sequence of 32 bytes."""
    match = _BYTE_SEQUENCE.fullmatch(field.strip(b" "))
    if match is None:
        return None
    try:
        return base64.b64decode(match[1].rstrip(b"=") + b"=", validate=True)
    except binascii.Error:
        return None


def _cost(length: int, level: int) -> int:
    """Bytes that a dictionary of this length takes, about. The tables are larger than a small one by far."""
    of_each = next(bytes_ for highest, bytes_ in _TABLES_PER_BYTE if level <= highest)
    return length + of_each * length + _TABLES


def _codec(content: bytes, level: int) -> Codec:
    """zstd with the content as a raw dictionary, digested once, and a window that reaches over it and as much again."""
    window = min(max((2 * len(content)).bit_length(), _WINDOW_LEAST), _WINDOW_MOST)
    standard: Any = standard_zstd()
    if standard is not None:
        return StandardZstdCodec(standard, level, standard.ZstdDict(content, is_raw=True).as_digested_dict, window)
    package: Any = zstandard_module()
    digested = package.ZstdCompressionDict(content, dict_type=package.DICT_TYPE_RAWCONTENT)
    digested.precompute_compress(level=level)
    return ZstandardCodec(package, level, digested, window)
