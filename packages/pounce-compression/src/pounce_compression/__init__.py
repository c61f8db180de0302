"""Negotiation of content codings, compressors for servers, and an ASGI middleware.

``negotiate`` chooses a coding, ``Compressor`` makes it, and ``CompressionMiddleware`` does both for an application.

What is named here is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_compression.codecs import Codec, Compressor, CompressorStream, available_codings, codec_for
    from pounce_compression.codings import CODINGS, DEFAULT_LEVELS, LEVELS
    from pounce_compression.compressible_types import COMPRESSIBLE_TYPES
    from pounce_compression.dictionary import Dictionary, DictionaryStore, dictionaries_are_possible
    from pounce_compression.media_types import MediaTypes
    from pounce_compression.middleware import CompressionMiddleware
    from pounce_compression.negotiation import accepted_codings, negotiate
    from pounce_compression.settings import CompressionSettings
    from pounce_compression.url_pattern import UrlPattern

__all__ = [
    "CODINGS",
    "COMPRESSIBLE_TYPES",
    "DEFAULT_LEVELS",
    "LEVELS",
    "Codec",
    "CompressionMiddleware",
    "CompressionSettings",
    "Compressor",
    "CompressorStream",
    "Dictionary",
    "DictionaryStore",
    "MediaTypes",
    "UrlPattern",
    "accepted_codings",
    "available_codings",
    "codec_for",
    "dictionaries_are_possible",
    "negotiate",
]

_HOMES: Final = {
    ".codecs": ("Codec", "Compressor", "CompressorStream", "available_codings", "codec_for"),
    ".codings": ("CODINGS", "DEFAULT_LEVELS", "LEVELS"),
    ".compressible_types": ("COMPRESSIBLE_TYPES",),
    ".dictionary": ("Dictionary", "DictionaryStore", "dictionaries_are_possible"),
    ".media_types": ("MediaTypes",),
    ".middleware": ("CompressionMiddleware",),
    ".negotiation": ("accepted_codings", "negotiate"),
    ".settings": ("CompressionSettings",),
    ".url_pattern": ("UrlPattern",),
}
"""Module -> what is defined there."""

if not TYPE_CHECKING:  # a type checker knows the imports above, and thereby what there is not

    def __getattr__(name: str) -> Any:
        for home, names in _HOMES.items():
            if name in names:
                globals()[name] = found = getattr(import_module(home, __name__), name)
                return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
