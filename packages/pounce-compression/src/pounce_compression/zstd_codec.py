"""``zstd`` (RFC 8878, RFC 9659) by ``compression.zstd`` of Python 3.14, or by the package ``zstandard`` before it.

Contexts hold a megabyte of tables and are used again: each thread keeps a few that are idle. A context belongs to one
body from the moment it is taken until that body is finished; one whose body was given up is dropped, not returned.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["StandardZstdCodec", "ZstandardCodec"]

LARGEST_WINDOW: Final = 23
"""8 MiB: what every client accepts for the coding (RFC 9659, 3)."""

STREAM_WINDOW: Final = 18
"""256 KiB for streams, which may be many and last for hours."""

_KEPT_IDLE: Final = 4
"""Contexts for each thread, codec and use. One is in use at a time but for streams, whose peaks should not stay."""


def _idle_contexts(dictionary: Any) -> int:
    """None against a dictionary: there may be hundreds, in each thread, and 50 microseconds make a new one."""
    return _KEPT_IDLE if dictionary is None else 0


class IdleContexts(threading.local):
    """The idle contexts of the thread that looks: of each use at most ``most``."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.whole: list[Any] = []
        self.streams: list[Any] = []


class StandardZstdCodec:
    """zstd at one level by the standard library; with ``dictionary``, a ``ZstdDict``, against that."""

    __slots__ = ("_dictionary", "_idle", "_module", "_options", "_stream_options")

    coding: Final = "zstd"

    def __init__(self, module: ModuleType, level: int, dictionary: Any = None, window: int | None = None) -> None:
        parameter = module.CompressionParameter
        self._module: Any = module
        self._dictionary = dictionary
        self._options = {parameter.compression_level: level}
        if window is not None:
            self._options[parameter.window_log] = window
        elif level > 16:  # only there the library would choose a larger one
            self._options[parameter.window_log] = LARGEST_WINDOW
        self._stream_options = self._options | {parameter.window_log: window or STREAM_WINDOW}
        self._idle = IdleContexts(_idle_contexts(dictionary))

    def compress(self, data: bytes) -> bytes:
        """A whole body at once; its length is in the frame, and the tables are as small as it allows."""
        idle = self._idle.whole
        context = idle.pop() if idle else self._context(self._options)
        context.set_pledged_input_size(len(data))
        packed: bytes = context.compress(data, context.FLUSH_FRAME)
        if len(idle) < self._idle.most:
            idle.append(context)
        return packed

    def stream(self) -> StandardZstdStream:
        """A body that comes in pieces."""
        idle = self._idle.streams
        return StandardZstdStream(idle.pop() if idle else self._context(self._stream_options), self._idle)

    def _context(self, options: dict[Any, int]) -> Any:
        return self._module.ZstdCompressor(options=options, zstd_dict=self._dictionary)


class StandardZstdStream:
    """One body in pieces."""

    __slots__ = ("_context", "_idle", "compress")

    def __init__(self, context: Any, idle: IdleContexts) -> None:
        self._context = context
        self._idle = idle
        self.compress = context.compress

    def flush(self) -> bytes:
        """All that is needed to decode every piece so far."""
        packed: bytes = self._context.flush(self._context.FLUSH_BLOCK)
        return packed

    def finish(self) -> bytes:
        """The rest; the context is free for another body."""
        packed: bytes = self._context.flush(self._context.FLUSH_FRAME)
        idle = self._idle.streams
        if len(idle) < self._idle.most:
            idle.append(self._context)
        del self._context, self.compress
        return packed


class ZstandardCodec:
    """zstd at one level by the package; with ``dictionary``, a ``ZstdCompressionDict``, against that."""

    __slots__ = ("_dictionary", "_idle", "_level", "_module", "_window")

    coding: Final = "zstd"

    def __init__(self, module: ModuleType, level: int, dictionary: Any = None, window: int | None = None) -> None:
        self._module: Any = module
        self._level = level
        self._dictionary = dictionary
        self._window = window
        self._idle = IdleContexts(_idle_contexts(dictionary))

    def compress(self, data: bytes) -> bytes:
        """A whole body at once; its length is in the frame."""
        idle = self._idle.whole
        context = idle.pop() if idle else self._context(self._window or (LARGEST_WINDOW if self._level > 16 else 0))
        packed: bytes = context.compress(data)
        if len(idle) < self._idle.most:
            idle.append(context)
        return packed

    def stream(self) -> ZstandardStream:
        """A body that comes in pieces."""
        idle = self._idle.streams
        context = idle.pop() if idle else self._context(self._window or STREAM_WINDOW)
        return ZstandardStream(self._module, context, self._idle)

    def _context(self, window: int) -> Any:
        module = self._module
        if not window:
            return module.ZstdCompressor(level=self._level, dict_data=self._dictionary)
        parameters = module.ZstdCompressionParameters.from_level(self._level, window_log=window)
        return module.ZstdCompressor(compression_params=parameters, dict_data=self._dictionary)


class ZstandardStream:
    """One body in pieces."""

    __slots__ = ("_context", "_flush", "_idle", "_module", "compress")

    def __init__(self, module: Any, context: Any, idle: IdleContexts) -> None:
        self._module = module
        self._context = context
        self._idle = idle
        pieces = context.compressobj()
        self.compress = pieces.compress
        self._flush = pieces.flush

    def flush(self) -> bytes:
        """All that is needed to decode every piece so far."""
        packed: bytes = self._flush(self._module.COMPRESSOBJ_FLUSH_BLOCK)
        return packed

    def finish(self) -> bytes:
        """The rest; the context is free for another body."""
        packed: bytes = self._flush(self._module.COMPRESSOBJ_FLUSH_FINISH)
        idle = self._idle.streams
        if len(idle) < self._idle.most:
            idle.append(self._context)
        del self._context, self.compress
        return packed
