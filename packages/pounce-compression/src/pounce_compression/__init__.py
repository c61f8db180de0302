"""Negotiation of content codings, compressors for servers, and an ASGI middleware.

``negotiate`` chooses a coding, ``Compressor`` makes it, and ``CompressionMiddleware`` does both for an application.
"""

from __future__ import annotations

from pounce_compression.codecs import (
    CODINGS,
    DEFAULT_LEVELS,
    LEVELS,
    Codec,
    Compressor,
    CompressorStream,
    available_codings,
    codec_for,
)
from pounce_compression.dictionary import Dictionary, DictionaryStore, dictionaries_are_possible
from pounce_compression.media_types import COMPRESSIBLE_TYPES, MediaTypes
from pounce_compression.middleware import CompressionMiddleware
from pounce_compression.negotiate import accepted_codings, negotiate
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
