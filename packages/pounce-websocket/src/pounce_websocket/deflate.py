"""permessage-deflate (RFC 7692, 7.2): compressed messages, and their bounds.

What a client sends is never decompressed beyond the largest message that is allowed, so a small message that would
become a huge one costs no more than an honest one. And a message that is not whole is decompressed only as far as its
client has sent something for it, so that many clients who never finish theirs do not hold a huge one each. Both halves
take memory only once they are used.
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
_AHEAD: Final = 16384
"""Bytes to which the beginning of a message may be decompressed in any case."""
_AHEAD_RATIO: Final = 4
"""And how many more for each byte that has come. What is beyond waits, as it came, for the end of its message: a
kilobyte can be a megabyte, which its client could leave with us for as long as it answers pings."""
_TURN_BYTES: Final = 131_072
"""Decompressed in one turn: some 0.2 ms. A few kilobytes may become megabytes, and tens of milliseconds."""
_MEMORY_LEVEL: Final = 5


class Inflater:
    """Decompresses the messages of one client, piece by piece."""

    __slots__ = (
        "_after_end",
        "_bits",
        "_engine",
        "_held",
        "_limit",
        "_made",
        "_produced",
        "_single",
        "_tail",
        "_taken",
    )

    def __init__(self, parameters: DeflateParameters, limit: int) -> None:
        """``limit``: bytes of the largest message."""
        self._bits = -max(parameters.client_window_bits, _SMALLEST_WINDOW_BITS)
        self._single = parameters.client_no_context_takeover
        self._limit = limit
        self._taken = self._produced = 0
        """Bytes of the message under way that came, and that they became."""
        self._held: bytearray | None = None
        """What came of it and waits for its end."""
        self._tail = b""
        self._made: list[bytes] = []
        """What is left of a message that is decompressed in turns, and what it has become."""
        self._after_end = b""
        self._engine: zlib._Decompress | None = None

    def message(self, data: bytes) -> bytes:
        """The whole of a message that came in one piece.

        Raises:
            ConversationFailed: see ``feed()``.
        """
        engine = self._begun()
        content = self._past_end(data) if engine.eof else self._inflate(engine, data, self._limit + 1)
        return content + self.finish()

    def begin(self, data: bytes) -> bytes | None:
        """The same in turns: None until ``more()`` has been called often enough, others having theirs between.

        Raises:
            ConversationFailed: see ``feed()``.
        """
        if self._begun().eof:
            return self.message(data)
        self._tail = data
        self._made = []
        return self.more()

    def more(self) -> bytes | None:
        """The message that was begun, once it is whole.

        Raises:
            ConversationFailed: see ``feed()``.
        """
        engine = self._begun()
        most = min(_TURN_BYTES, self._limit + 1 - self._produced)
        self._made.append(self._inflate(engine, self._tail, most))
        self._tail = engine.unconsumed_tail
        if self._tail and not engine.eof:
            return None
        made, self._made = self._made, []
        made.append(self.finish())
        return b"".join(made)

    def feed(self, data: bytes) -> bytes:
        """What a piece of a message becomes, or the part of it that is not for ``finish()`` to give.

        Raises:
            MessageTooBig: all that came of the message is larger than the limit.
            InvalidPayload: it is not what a compressor makes.
        """
        engine = self._begun()
        if engine.eof:
            return self._past_end(data)
        if self._held is not None:
            self._held += data
            return b""
        self._taken += len(data)
        most = min(_AHEAD + _AHEAD_RATIO * self._taken, self._limit + 1)
        content = self._inflate(engine, data, most - self._produced)
        if self._produced == most and not engine.eof:
            self._held = bytearray(engine.unconsumed_tail)
        return content

    def finish(self) -> bytes:
        """The rest of a message whose last piece has come.

        Raises:
            ConversationFailed: see ``feed()``.
        """
        engine = self._begun()
        content = b""
        if not engine.eof:
            rest = _TAIL if self._held is None else bytes(self._held + _TAIL)
            content = self._inflate(engine, rest, self._limit + 1 - self._produced)
        if self._single or engine.eof:
            self._engine = None
        self._taken = self._produced = 0
        self._held = None
        self._after_end = b""
        return content

    def _begun(self) -> zlib._Decompress:
        engine = self._engine
        if engine is None:
            engine = self._engine = zlib.decompressobj(self._bits)
        return engine

    def _inflate(self, engine: zlib._Decompress, data: bytes, most: int) -> bytes:
        try:
            content = engine.decompress(data, most)
        except zlib.error as error:
            raise InvalidPayload("the compressed data are broken") from error
        self._produced += len(content)
        if self._produced > self._limit:
            raise MessageTooBig(f"a message is larger than {self._limit} bytes when decompressed")
        if engine.eof:
            self._past_end(engine.unused_data)
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
