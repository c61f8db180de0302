"""permessage-deflate (RFC 7692, 7.2): compressed messages, and their bounds.

What a client sends is never decompressed beyond the largest message that is allowed, so a small message that would
become a huge one costs no more than an honest one. And nothing of a message is decompressed before all of it has come,
so that many clients who never finish theirs do not hold a huge one each. Both halves take memory only once they are
used.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

from pounce_websocket.errors import InvalidPayload, MessageTooBig

if TYPE_CHECKING:
    from pounce_websocket.extension_offers import DeflateParameters
    from pounce_websocket.pile import Pile

__all__ = ["COMPRESS_FROM", "Deflater", "Inflater"]

COMPRESS_FROM: Final = 1024
"""Bytes of a message from which compressing it is worth the time: smaller ones fit into a packet anyway."""

_TAIL: Final = b"\x00\x00\xff\xff"
"""What the sender leaves off the end of each message (RFC 7692, 7.2.1)."""
_SMALLEST_WINDOW_BITS: Final = 9
_SLICE: Final = 32_768
"""Bytes that are given to zlib at once: it gives back, as a copy, what it did not come to."""
_MEMORY_LEVEL: Final = 5


class Inflater:
    """Decompresses the messages of one client, one after the other."""

    __slots__ = ("_after_end", "_bits", "_engine", "_limit", "_produced", "_single", "_tail", "idle_bytes", "under_way")

    def __init__(self, parameters: DeflateParameters, limit: int) -> None:
        """``limit``: bytes of the largest message."""
        self._bits = -max(parameters.client_window_bits, _SMALLEST_WINDOW_BITS)
        self._single = parameters.client_no_context_takeover
        self._limit = limit
        self._produced = 0
        """Bytes that the message under way has become."""
        self._tail = b""
        """What comes before what is left in its pile."""
        self._after_end = b""
        self._engine: zlib._Decompress | None = None
        self.under_way = False
        """The last message is not whole yet: call `some`."""
        self.idle_bytes = 0
        """Of a message, the last time, that cost time and became nothing."""

    def begin(self, data: bytes, most: int) -> bytes:
        """A message, all of which has come, or its first ``most`` bytes: ``under_way`` tells.

        Raises:
            ConversationFailed: see `some`.
        """
        return self._go_on(data + _TAIL, most)

    def some(self, pile: Pile, most: int) -> bytes:
        """What comes next of a message, ``most`` bytes of it at most, of which all that came and was not given yet is
        in ``pile``. It is whole when nothing is ``under_way`` any more.

        Raises:
            MessageTooBig: it is larger than the limit.
            InvalidPayload: it is not what a compressor makes.
        """
        data = self._tail
        if not data:
            data = pile.take(_SLICE)
            if not pile.size:
                data += _TAIL
        return self._go_on(data, most, last=not pile.size)

    def _go_on(self, data: bytes, most: int, *, last: bool = True) -> bytes:
        self.under_way = True
        engine = self._engine
        if engine is None:
            engine = self._engine = zlib.decompressobj(self._bits)
        content = rest = b""
        ended = engine.eof
        if not ended:
            try:
                content = engine.decompress(data, min(most, self._limit + 1 - self._produced))
            except zlib.error as error:
                raise InvalidPayload("the compressed data are broken") from error
            self._produced += len(content)
            if self._produced > self._limit:
                raise MessageTooBig(f"a message is larger than {self._limit} bytes when decompressed")
            rest = engine.unconsumed_tail
        if engine.eof:
            beyond = data if ended else engine.unused_data
            self._past_end(beyond.removesuffix(_TAIL) if last else beyond)
            rest = b""
        self._tail = rest
        self.idle_bytes = max(len(data) - len(rest) - len(content), 0)
        if last and not rest:
            self._over(engine)
        return content

    def _over(self, engine: zlib._Decompress) -> None:
        """The message is whole."""
        if self._single or engine.eof:
            self._engine = None
        self._produced = 0
        self._tail = b""
        self._after_end = b""
        self.under_way = False

    def _past_end(self, data: bytes) -> None:
        """A sender may end the stream with a message (RFC 7692, 7.2.3.4); an empty block may come after that."""
        self._after_end += data[:8]
        if not (b"\x00" + _TAIL).startswith(self._after_end):
            raise InvalidPayload("data follow the end of what was compressed")


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
