"""The content codings that are known, and their levels."""

from __future__ import annotations

from typing import Final

__all__ = ["CODINGS", "DEFAULT_LEVELS", "LEVELS"]

CODINGS: Final = ("zstd", "br", "gzip", "deflate")
"""Every coding that is known, best first for a server that compresses as it answers (see benchmarks/RESULTS.md)."""

LEVELS: Final = {"zstd": (1, 19), "br": (0, 11), "gzip": (1, 9), "deflate": (1, 9)}
"""Lowest and highest level. zstd goes on to 22, with windows that clients need not accept (RFC 9659)."""

DEFAULT_LEVELS: Final = {"zstd": 3, "br": 5, "gzip": 5, "deflate": 5}
"""Where each coding has most of its ratio for little of its time: the table is in benchmarks/RESULTS.md."""
