"""Compression of fields (RFC 9204), on what comes with the QUIC library.

What is to be sent on our encoder and decoder streams is taken from here by whoever owns those streams. Nothing else of
the package imports a QPACK library.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Final, Protocol

from pounce_h3.engine.libraries import installed_libraries
from pounce_h3.field_section import largest_size

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["BLOCKED", "CAPACITY", "QpackDecoder", "QpackEncoder", "QpackError", "SectionTooLarge"]

Fields = list[tuple[bytes, bytes]]

CAPACITY: Final = 4096
"""Bytes of a dynamic table (RFC 9204, 3.2.1), in each direction: what a connection may cost."""
BLOCKED: Final = 16
"""Streams whose fields may wait for the table (RFC 9204, 2.1.2)."""
LARGEST: Final = 1024 * 1024
"""Bytes that one block may become. One byte of a block can stand for a whole table, so 16 kB for 64 MB; whoever limits
the size of fields can do that only when they are here."""
LINES: Final = 1024
"""Fields of one block. A line of it may be a single byte, and each is a field with all that follows from that."""

_CANCELLATION: Final = 0x40
_LITERAL: Final = 0x20
_COMPRESSED: Final = 2048
"""Bytes of fields above which they are sent as they are: qh3's encoder has a buffer of 4 kB and fails beyond."""


class QpackError(Exception):
    """The client's QPACK is broken, and with it the connection (RFC 9204, 6)."""

    DECOMPRESSION_FAILED: Final = 0x200
    ENCODER_STREAM: Final = 0x201
    DECODER_STREAM: Final = 0x202

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


class SectionTooLarge(Exception):  # noqa: N818 - says what is wrong; the connection goes on
    """A block would become larger than what is let in. The request is refused; nothing was decoded."""


class _Decoder(Protocol):
    """What the libraries have in common."""

    def feed_encoder(self, data: bytes) -> list[int] | None: ...

    def feed_header(self, stream_id: int, data: bytes) -> tuple[bytes, Fields]: ...

    def resume_header(self, stream_id: int) -> tuple[bytes, Fields]: ...


class _Encoder(Protocol):
    def encode(self, stream_id: int, headers: Fields) -> tuple[bytes, bytes]: ...

    def feed_decoder(self, data: bytes) -> None: ...


class _Codec(Protocol):
    """A library's classes and errors."""

    blocked: type[Exception]
    decompression: tuple[type[Exception], ...]
    encoder_stream: tuple[type[Exception], ...]
    decoder_stream: tuple[type[Exception], ...]
    encoding: tuple[type[Exception], ...]

    def decoder(self, capacity: int, blocked: int) -> _Decoder: ...

    def encoder(self) -> _Encoder: ...

    def apply(self, encoder: _Encoder, capacity: int, most: int, blocked: int) -> bytes: ...


@functools.cache
def codec(library: str | None = None) -> _Codec:
    """That of this QUIC library; without a name that of the one in use."""
    if (library or installed_libraries()[0]) == "aioquic":
        from pounce_h3.engine.pylsqpack_codec import CODEC

        return CODEC
    from pounce_h3.engine.qh3_codec import CODEC as QH3_CODEC

    return QH3_CODEC


class QpackDecoder:
    """Reads the client's fields: one for each connection. ``capacity`` and ``blocked`` are what our SETTINGS say."""

    def __init__(
        self, capacity: int = CAPACITY, blocked: int = BLOCKED, *, lines: int = LINES, library: str | None = None
    ) -> None:
        """``lines``: fields of one block that are let in, where it is not small."""
        self._codec = codec(library)
        self._decoder = self._codec.decoder(capacity, blocked)
        self._capacity = capacity
        self._lines = lines
        self._safe = LARGEST // max(capacity, 1)
        self._to_send = b""
        self._blocked: set[int] = set()
        self._cancelled: set[int] = set()

    @property
    def blocked(self) -> frozenset[int]:
        """Streams whose fields wait for the client's encoder stream."""
        return frozenset(self._blocked)

    def fields(self, stream_id: int, block: bytes) -> Fields | None:
        """What a block stands for; None while it waits, until ``receive_encoder_stream()`` names the stream.

        Raises:
            QpackError: it is broken.
            SectionTooLarge: it would become more than 1 MB, or too many.
        """
        if len(block) > self._safe:
            size = largest_size(block, self._capacity, enough=LARGEST, lines=self._lines)
            if size > LARGEST:
                raise SectionTooLarge
        try:
            control, fields = self._decoder.feed_header(stream_id, block)
        except self._codec.blocked:
            self._blocked.add(stream_id)
            return None
        except self._codec.decompression as error:
            raise QpackError(QpackError.DECOMPRESSION_FAILED, "a block of fields cannot be read") from error
        self._to_send += control
        return fields

    def receive_encoder_stream(self, data: bytes) -> list[int]:
        """Bytes of the client's encoder stream. Returned are the streams for which ``resume()`` is to be called.

        Raises:
            QpackError: they are broken.
        """
        try:
            unblocked = self._decoder.feed_encoder(data)
        except self._codec.encoder_stream as error:
            raise QpackError(QpackError.ENCODER_STREAM, "the encoder stream cannot be read") from error
        for stream_id in sorted(self._cancelled):  # a library that cannot forget them keeps their place until then
            self._drop(stream_id)
        return sorted(self._blocked) if unblocked is None else [one for one in unblocked if one in self._blocked]

    def resume(self, stream_id: int) -> Fields | None:
        """The fields that waited; None if they still do.

        Raises:
            QpackError: they are broken.
        """
        try:
            control, fields = self._decoder.resume_header(stream_id)
        except self._codec.blocked:
            return None
        except self._codec.decompression as error:
            raise QpackError(QpackError.DECOMPRESSION_FAILED, "a block of fields cannot be read") from error
        self._blocked.discard(stream_id)
        self._to_send += control
        return fields

    def cancel(self, stream_id: int) -> None:
        """The rest of a stream will not be read (RFC 9204, 2.2.2.2)."""
        if stream_id in self._blocked:
            self._blocked.discard(stream_id)
            cancel = getattr(self._decoder, "cancel_stream", None)
            if cancel is not None:
                self._to_send += cancel(stream_id)
                return
            self._cancelled.add(stream_id)
        if self._capacity:
            self._to_send += _prefixed(stream_id, 6, _CANCELLATION)

    def take_decoder_stream(self) -> bytes:
        """What is to be sent on our decoder stream: the client's table learns from it what has arrived."""
        to_send, self._to_send = self._to_send, b""
        return to_send

    def _drop(self, stream_id: int) -> None:
        try:
            self._decoder.resume_header(stream_id)
        except self._codec.blocked:
            return
        except self._codec.decompression:  # nobody wants it any more
            pass
        self._cancelled.discard(stream_id)


class QpackEncoder:
    """Writes our fields: one for each connection. Until the client's SETTINGS are known no table is used."""

    def __init__(self, *, library: str | None = None) -> None:
        self._codec = codec(library)
        self._encoder = self._codec.encoder()
        self._to_send = b""

    def apply_settings(self, capacity: int, blocked: int) -> None:
        """What the client's SETTINGS allow. Called once."""
        if capacity:
            self._to_send += self._codec.apply(self._encoder, capacity, min(capacity, CAPACITY), min(blocked, BLOCKED))

    def block(self, stream_id: int, fields: Sequence[tuple[bytes, bytes]]) -> bytes:
        """Fields as a block. What ``take_encoder_stream()`` has then is sent first, or the client has to wait."""
        size = 0
        for name, value in fields:
            size += len(name) + len(value)
        if size > _COMPRESSED:
            return _plain(fields)
        try:
            instructions, block = self._encoder.encode(stream_id, fields if isinstance(fields, list) else list(fields))
        except self._codec.encoding:  # qh3's takes UTF-8 only
            return _plain(fields)
        if instructions:
            self._to_send += instructions
        return block

    def receive_decoder_stream(self, data: bytes) -> None:
        """Bytes of the client's decoder stream.

        Raises:
            QpackError: they are broken.
        """
        try:
            self._encoder.feed_decoder(data)
        except self._codec.decoder_stream as error:
            raise QpackError(QpackError.DECODER_STREAM, "the decoder stream cannot be read") from error

    def take_encoder_stream(self) -> bytes:
        """What is to be sent on our encoder stream."""
        to_send, self._to_send = self._to_send, b""
        return to_send


def _plain(fields: Sequence[tuple[bytes, bytes]]) -> bytes:
    """A block without tables and without Huffman codes (RFC 9204, 4.5.6)."""
    block = bytearray(2)
    for name, value in fields:
        block += _prefixed(len(name), 3, _LITERAL) + name + _prefixed(len(value), 7, 0) + value
    return bytes(block)


def _prefixed(number: int, bits: int, pattern: int) -> bytes:
    """An integer after a pattern in the first byte (RFC 7541, 5.1)."""
    most = (1 << bits) - 1
    if number < most:
        return bytes((pattern | number,))
    number -= most
    out = bytearray((pattern | most,))
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
