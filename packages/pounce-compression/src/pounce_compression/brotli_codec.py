"""``br`` by ``brotli`` or ``brotlicffi``, which have the same interface. Their contexts cannot be used again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["BrotliCodec"]

_STREAM_WINDOW: Final = 18
"""256 KiB for streams, which may be many and last for hours."""


class BrotliCodec:
    """br at one level (called quality there)."""

    __slots__ = ("_level", "_module")

    coding: Final = "br"

    def __init__(self, module: ModuleType, level: int) -> None:
        self._module: Any = module
        self._level = level

    def compress(self, data: bytes) -> bytes:
        """A whole body at once.

        The window is the library's own, 4 MiB: for smaller ones Brotli prepares other tables, and takes three times as
        long for a body of 1 KiB.
        """
        packed: bytes = self._module.compress(data, quality=self._level)
        return packed

    def stream(self) -> BrotliStream:
        """A body that comes in pieces."""
        return BrotliStream(self._module.Compressor(quality=self._level, lgwin=_STREAM_WINDOW))


class BrotliStream:
    """One body in pieces."""

    __slots__ = ("compress", "finish", "flush")

    def __init__(self, context: Any) -> None:
        self.compress = context.process
        self.flush = context.flush
        self.finish = context.finish
