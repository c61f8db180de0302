"""Content codings behind one contract, and which of them can be made here."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final, Protocol

from .brotli_codec import BrotliCodec
from .codings import CODINGS, DEFAULT_LEVELS, LEVELS
from .installed import brotli_module, standard_zstd, zstandard_module
from .zlib_codec import ZlibCodec
from .zstd_codec import StandardZstdCodec, ZstandardCodec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

__all__ = ["Codec", "Compressor", "CompressorStream", "available_codings"]
__all__ += ["codec_for", "requirements"]


class CompressorStream(Protocol):
    """One body that is compressed piece by piece, by one caller at a time (the thread may change)."""

    def compress(self, data: bytes, /) -> bytes:
        """What is ready after this piece; often nothing yet."""

    def flush(self) -> bytes:
        """All that is needed to decode every piece so far. Costs some ratio."""

    def finish(self) -> bytes:
        """The rest. Without any piece before it, a valid body of length zero. Nothing may be called afterwards."""


class Codec(Protocol):
    """One coding at one level. May be used by any number of threads at once."""

    @property
    def coding(self) -> str:
        """Its name in ``Content-Encoding``."""

    def compress(self, data: bytes, /) -> bytes:
        """A whole body at once: faster and smaller than a stream of one piece."""

    def stream(self) -> CompressorStream:
        """A body that comes in pieces."""


class Compressor:
    """Compresses one body piece by piece: ``Compressor("zstd")``, then ``compress``, ``flush`` and ``finish``.

    For whole bodies ``Compressor.once`` is better. One caller at a time.

    Raises:
        LookupError: the coding is not known, or what it needs is not installed.
        ValueError: the level is out of its range.
    """

    __slots__ = ("_stream", "coding")

    def __init__(self, coding: str, *, level: int | None = None) -> None:
        self.coding: Final = coding
        self._stream = codec_for(coding, level).stream()

    def compress(self, data: bytes) -> bytes:
        """What is ready after this piece; often nothing yet."""
        return self._stream.compress(data)

    def flush(self) -> bytes:
        """All that is needed to decode every piece so far."""
        return self._stream.flush()

    def finish(self) -> bytes:
        """The rest of the body. Nothing may be called afterwards."""
        return self._stream.finish()

    @staticmethod
    def once(coding: str, data: bytes, *, level: int | None = None) -> bytes:
        """A whole body at once."""
        return codec_for(coding, level).compress(data)


def available_codings() -> tuple[str, ...]:
    """The codings that can be made here, best first."""
    return tuple(coding for coding in CODINGS if _maker(coding) is not None)


def requirements(codings: Iterable[str]) -> tuple[str, ...]:
    """What pip has to install for those of these codings that cannot be made here."""
    return tuple(_REQUIREMENTS[coding] for coding in codings if _maker(coding) is None)


def codec_for(coding: str, level: int | None = None) -> Codec:
    """The codec of a coding, at its default level unless told otherwise. The same one for the same arguments.

    Raises:
        LookupError: the coding is not known, or what it needs is not installed.
        ValueError: the level is out of its range.
    """
    if coding not in CODINGS:
        raise LookupError(f"{coding!r} is not one of {', '.join(CODINGS)}")
    level = DEFAULT_LEVELS[coding] if level is None else level
    least, most = LEVELS[coding]
    if not least <= level <= most:
        raise ValueError(f"level {level!r} of {coding} is not within {least} and {most}")
    return _codec(coding, level)


@functools.cache
def _codec(coding: str, level: int) -> Codec:
    make = _maker(coding)
    if make is None:
        raise LookupError(f"{coding} needs a library: pip install '{_REQUIREMENTS[coding]}'")
    return make(level)


_REQUIREMENTS: Final = {"br": "pounce-compression[br]", "zstd": "zstandard"}


def _maker(coding: str) -> Callable[[int], Codec] | None:
    if coding in ("gzip", "deflate"):
        return functools.partial(ZlibCodec, coding)
    if coding == "br":
        brotli = brotli_module()
        return functools.partial(BrotliCodec, brotli) if brotli else None
    if zstd := standard_zstd():
        return functools.partial(StandardZstdCodec, zstd)
    if zstandard := zstandard_module():
        return functools.partial(ZstandardCodec, zstandard)
    return None
