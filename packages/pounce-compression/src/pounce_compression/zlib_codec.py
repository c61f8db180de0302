"""``gzip`` and ``deflate`` by the standard library.

``deflate`` is the zlib format (RFC 9110, 8.4.1.2; RFC 1950), not bare deflate data, which some clients take for it.
zlib's contexts cannot be used again from Python; making one is a small part of the cost of a body (RESULTS.md).
"""

from __future__ import annotations

import zlib
from typing import Final

__all__ = ["ZlibCodec"]

_WINDOW: Final = {"gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_STREAM_WINDOW: Final = {"gzip": 16 + 14, "deflate": 14}
_STREAM_MEMORY: Final = 7
"""Streams may be many and last for hours: a window of 16 KiB and smaller tables need 100 KiB in place of 260."""


class ZlibCodec:
    """gzip or deflate at one level."""

    __slots__ = ("_level", "coding")

    def __init__(self, coding: str, level: int) -> None:
        self.coding: Final = coding
        self._level = level

    def compress(self, data: bytes) -> bytes:
        """A whole body at once. The header of gzip holds no time: the same body always gives the same bytes."""
        return zlib.compress(data, self._level, _WINDOW[self.coding])

    def stream(self) -> ZlibStream:
        """A body that comes in pieces."""
        return ZlibStream(self._level, _STREAM_WINDOW[self.coding])


class ZlibStream:
    """One body in pieces."""

    __slots__ = ("_flush", "compress")

    def __init__(self, level: int, window: int) -> None:
        context = zlib.compressobj(level, zlib.DEFLATED, window, _STREAM_MEMORY)
        self.compress = context.compress
        self._flush = context.flush

    def flush(self) -> bytes:
        """All that is needed to decode every piece so far."""
        return self._flush(zlib.Z_SYNC_FLUSH)

    def finish(self) -> bytes:
        """The rest."""
        return self._flush(zlib.Z_FINISH)
