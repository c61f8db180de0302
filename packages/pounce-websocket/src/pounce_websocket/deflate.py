"""permessage-deflate (RFC 7692, 7.2): compressed messages, and their bounds.

What a client sends is never decompressed beyond the largest message that is allowed, so a small message that would
become a huge one costs no more than an honest one. Both halves take memory only once they are used.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from pounce_websocket.errors import InvalidPayload, MessageTooBig

if TYPE_CHECKING:
    from pounce_websocket.extension_offers import DeflateParameters

__all__ = ["COMPRESS_FROM", "Deflater", "Inflater"]

COMPRESS_FROM: Final = 1024
"""Bytes of a message from which compressing it is worth the time: smaller ones fit into a packet anyway."""

_TAIL: Final = b"\x00\x00\xff\xff"
"""What the sender leaves off the end of each message (RFC 7692, 7.2.1)."""
_SMALLEST_WINDOW_BITS: Final = 9
_MEMORY_LEVEL: Final = 5


class Inflater:
    """Decompresses the messages of one client, piece by piece."""

    __slots__ = ("_after_end", "_bits", "_engine", "_limit", "_produced", "_single")

    def __init__(self, parameters: DeflateParameters, limit: int) -> None:
        """``limit``: bytes of the largest message."""
        self._bits = -max(parameters.client_window_bits, _SMALLEST_WINDOW_BITS)
        self._single = parameters.client_no_context_takeover
        self._limit = limit
        self._produced = 0
        self._after_end = b""
        self._engine: zlib._Decompress | None = None

    def message(self, data: bytes) -> bytes:
        """The whole of a message that came in one piece.

        Raises:
            ConversationFailed: see ``feed()``.
        """
        return self.feed(data) + self.finish()

    def feed(self, data: bytes) -> bytes:
        """What a piece of a message becomes.

        Raises:
            MessageTooBig: all that came of the message is larger than the limit.
            InvalidPayload: it is not what a compressor makes.
        """
        engine = self._engine
        if engine is None:
            engine = self._engine = zlib.decompressobj(self._bits)
        elif engine.eof:
            return self._past_end(data)
        try:
            content = engine.decompress(data, self._limit + 1 - self._produced)
        except zlib.error as error:
            raise InvalidPayload("the compressed data are broken") from error
        self._produced += len(content)
        if self._produced > self._limit:
            raise MessageTooBig(f"a message is larger than {self._limit} bytes when decompressed")
        if engine.eof:
            self._past_end(engine.unused_data)
        return content

    def finish(self) -> bytes:
        """The rest of a message whose last piece has come."""
        engine = self._engine
        content = b""
        if engine is None or not engine.eof:
            content = self.feed(_TAIL)
            engine = self._engine
        if self._single or engine is None or engine.eof:
            self._engine = None
        self._produced = 0
        self._after_end = b""
        return content

    def _past_end(self, data: bytes) -> bytes:
        """A sender may end the stream with a message (RFC 7692, 7.2.3.4); an empty block may come after that."""
        self._after_end += data[:8]
        if not (b"\x00" + _TAIL).startswith(self._after_end):
            raise InvalidPayload("data follow the end of what was compressed")
        return b""


class Deflater:
    """Compresses messages to one client."""

    __slots__ = ("_bits", "_engine", "_single")

    def __init__(self, parameters: DeflateParameters) -> None:
        self._bits = -parameters.server_window_bits
        self._single = parameters.server_no_context_takeover
        self._engine: zlib._Compress | None = None

    def message(self, data: bytes) -> bytes:
        """A whole message, compressed. It must be sent: the next one may refer to it."""
        engine = self._engine
        if engine is None:
            engine = zlib.compressobj(zlib.Z_DEFAULT_COMPRESSION, zlib.DEFLATED, self._bits, _MEMORY_LEVEL)
            if not self._single:
                self._engine = engine
        return (engine.compress(data) + engine.flush(zlib.Z_SYNC_FLUSH))[:-4]
