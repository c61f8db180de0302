"""The media types that are compressed unless a server is told others."""

from __future__ import annotations

from typing import Final

__all__ = ["COMPRESSIBLE_TYPES"]

COMPRESSIBLE_TYPES: Final = (
    "text/*",
    "*+json",
    "*+xml",
    "*+text",
    "*+yaml",
    "application/ecmascript",
    "application/graphql",
    "application/javascript",
    "application/json",
    "application/jsonl",
    "application/ndjson",
    "application/rtf",
    "application/sql",
    "application/toml",
    "application/vnd.ms-fontobject",
    "application/wasm",
    "application/x-javascript",
    "application/x-ndjson",
    "application/x-sh",
    "application/x-yaml",
    "application/xml",
    "application/yaml",
    "font/otf",
    "font/ttf",
    "image/bmp",
    "image/vnd.microsoft.icon",
    "image/x-icon",
)
"""Text, and binary formats without compression of their own. ``image/svg+xml`` is among ``*+xml``; WOFF, PNG, video,
archives and ``application/octet-stream`` are not here: most of it is compressed already, and trying costs time."""
