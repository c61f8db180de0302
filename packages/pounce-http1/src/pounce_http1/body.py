"""The events of a request body, and chunked bodies: bytes in, pieces of content out.

A body by length needs no reader of its own (reader.py). That of a chunked body takes everything that belongs to it as
soon as it arrives, and keeps only an unfinished line of the framing. ``read()`` looks at a buffer from a position and
returns an event, or None if nothing more can be said yet, and the position up to which it took bytes.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Final, Protocol

from pounce_http1.errors import (
    ChunkExtensionTooLong,
    InvalidChunk,
    InvalidHeader,
    InvalidTrailer,
    RemoteProtocolError,
    TooManyHeaders,
    TrailersTooLarge,
    quote,
)
from pounce_http1.field_lines import Field, parse_field_line
from pounce_http1.framing import FORBIDDEN_IN_TRAILERS, MAX_CHUNK_SIZE_DIGITS, chunk_size
from pounce_http1.grammar import HEX_BYTES

if TYPE_CHECKING:
    from pounce_http1.limits import Limits

__all__ = ["BodyChunk", "BodyEvent", "BodyReader", "ChunkedBody", "EndOfBody", "RefusedBody"]


class BodyChunk:
    """A piece of the body; never empty. How it was cut by the chunked coding or the network is not kept."""

    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data

    def __eq__(self, other: object) -> bool:
        return self.data == other.data if isinstance(other, BodyChunk) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.data)

    def __repr__(self) -> str:
        return f"BodyChunk({quote(self.data)})"


class EndOfBody:
    """The body is complete. ``trailers`` are the fields after a chunked body, names in lower case."""

    __slots__ = ("trailers",)

    def __init__(self, trailers: tuple[Field, ...] = ()) -> None:
        self.trailers = trailers

    def __eq__(self, other: object) -> bool:
        return self.trailers == other.trailers if isinstance(other, EndOfBody) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.trailers)

    def __repr__(self) -> str:
        return f"EndOfBody({list(self.trailers)!r})"


BodyEvent = BodyChunk | EndOfBody


class BodyReader(Protocol):
    """What a reader of requests needs of one that reads a body."""

    @property
    def buffered(self) -> int: ...

    @property
    def settled(self) -> bool: ...

    def read(self, buffer: bytes, position: int) -> tuple[BodyEvent | None, int]: ...


class RefusedBody:
    """Takes the place of a body after an error: the same error again, and nothing else, ever."""

    __slots__ = ("_error",)

    buffered: Final = 0
    settled: Final = True

    def __init__(self, error: RemoteProtocolError) -> None:
        self._error = error

    def read(self, buffer: bytes, position: int) -> tuple[BodyEvent | None, int]:  # noqa: ARG002 - the shape of a body
        raise self._error.with_traceback(None)


class _Stage(enum.IntEnum):
    SIZE = 0
    DATA = 1
    DATA_END = 2
    TRAILERS = 3
    COMPLETE = 4


_SIZE: Final = _Stage.SIZE
_DATA: Final = _Stage.DATA
_DATA_END: Final = _Stage.DATA_END
_TRAILERS: Final = _Stage.TRAILERS
_COMPLETE: Final = _Stage.COMPLETE
_CRLF: Final = b"\r\n"
CHUNKS_AT_ONCE: Final = 64
"""Chunks in one event, about: a read may hold thousands of a byte each, and takes milliseconds then. Whoever reads
events can do something else in between."""
_LAST_CHUNK: Final = b"0\r\n\r\n"
"""With no trailers behind it."""


class ChunkedBody:
    """A chunked body (RFC 9112, 7.1).

    ::

        SIZE -> DATA -> DATA_END -> SIZE ... SIZE -> TRAILERS -> COMPLETE

    Content that came before an error is handed out first, so that the outcome does not depend on how the bytes were
    cut; the error is raised by the next call.
    """

    __slots__ = ("_failure", "_limits", "_line", "_remaining", "_stage", "_trailer_bytes", "_trailers", "_unpaid")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._stage = _SIZE
        self._remaining = 0
        """Bytes of the current chunk's data that have not arrived; in DATA_END, of the CRLF after it."""
        self._line = bytearray()
        """The beginning of a line whose end has not arrived."""
        self._unpaid = 0
        """Bytes of extensions, less the bytes of data that came with them; never below zero."""
        self._trailers: list[Field] = []
        self._trailer_bytes = 0
        self._failure: RemoteProtocolError | None = None

    @property
    def buffered(self) -> int:
        """Bytes taken and not handed out."""
        return len(self._line)

    @property
    def settled(self) -> bool:
        """Nothing more is needed from the connection to say how the body ends."""
        return self._stage is _COMPLETE or self._failure is not None

    def read_whole(self, buffer: bytes, position: int) -> bytes | None:
        """All content, if ``buffer`` ends with the body, and that is nothing but chunks; else nothing has happened."""
        if self._stage is not _SIZE or self._unpaid or not buffer.endswith(_LAST_CHUNK):
            return None
        parts: list[bytes] = []
        end = self._take_whole_chunks(buffer, position, parts)
        if not buffer.startswith(_LAST_CHUNK, end) or end + len(_LAST_CHUNK) != len(buffer):
            return None
        self._stage = _COMPLETE
        return b"".join(parts)

    def read(self, buffer: bytes, position: int) -> tuple[BodyEvent | None, int]:
        if self._failure is not None:
            raise self._failure
        parts: list[bytes] = []
        try:
            position = self._take(buffer, position, parts)
        except RemoteProtocolError as error:
            if not parts:
                raise
            self._failure = error
        if parts:
            return BodyChunk(parts[0] if len(parts) == 1 else b"".join(parts)), position
        if self._stage is _COMPLETE:
            return EndOfBody(tuple(self._trailers)), position
        return None, position

    def _take(self, buffer: bytes, position: int, parts: list[bytes]) -> int:
        """Take what there is, put content into ``parts``, and return the new position."""
        end = len(buffer)
        while position < end and len(parts) < CHUNKS_AT_ONCE:
            stage = self._stage
            if stage is _SIZE:
                position = self._take_whole_chunks(buffer, position, parts)
                if position < end:
                    position = self._take_size(buffer, position)
            elif stage is _DATA:
                data = buffer[position : position + self._remaining]
                parts.append(data)
                position += len(data)
                self._remaining -= len(data)
                if not self._remaining:
                    self._stage = _DATA_END
                    self._remaining = 2
            elif stage is _DATA_END:
                position = self._take_data_end(buffer, position)
            elif stage is _TRAILERS:
                position = self._take_trailer(buffer, position)
            else:
                break
        return position

    def _take_whole_chunks(self, buffer: bytes, position: int, parts: list[bytes]) -> int:
        """Take chunks that are there as a whole and have no extension. What is in doubt is left to the other stages."""
        if self._line:
            return position
        while len(parts) < CHUNKS_AT_ONCE:
            line_end = buffer.find(b"\r\n", position, position + MAX_CHUNK_SIZE_DIGITS + 2)
            if line_end <= position:
                return position
            digits = buffer[position:line_end]
            if digits.translate(HEX_BYTES) != digits:
                return position
            size = int(digits, 16)
            data_end = line_end + 2 + size
            if not size or not buffer.startswith(_CRLF, data_end):
                return position
            parts.append(buffer[line_end + 2 : data_end])
            position = data_end + 2
            if self._unpaid:
                self._unpaid = max(0, self._unpaid - size)
            if buffer.startswith(digits, position):
                position = self._take_equal_chunks(buffer, position, parts, digits, size)
        return position

    def _take_equal_chunks(self, buffer: bytes, position: int, parts: list[bytes], digits: bytes, size: int) -> int:
        """Take further whole chunks of this size: most senders write from a buffer. One of them ended before here."""
        between = b"\r\n%b\r\n" % digits
        startswith, append, distance = buffer.startswith, parts.append, len(between)
        before = position
        if startswith(between, position - 2):
            start = position - 2 + distance
            end = start + size
            enough = start + CHUNKS_AT_ONCE * (distance + size)
            while end < enough and startswith(between, end):  # ends one chunk and begins the next
                append(buffer[start:end])
                start = end + distance
                end = start + size
            if startswith(_CRLF, end):
                append(buffer[start:end])
                start = end + distance
            position = start + 2 - distance
        if self._unpaid:
            chunks = (position - before) // (distance + size)
            self._unpaid = max(0, self._unpaid - chunks * size)
        return position

    def _take_size(self, buffer: bytes, position: int) -> int:
        line, position = self._take_line(buffer, position)
        if line is None:
            self._judge_size_line(self._line)
            return position
        extension = self._judge_size_line(line)
        if not line.endswith(b"\r"):
            raise InvalidChunk(f"the line of a chunk size must end with CRLF: {quote(line)}")
        size = chunk_size(line[:-1])
        self._unpaid = max(0, self._unpaid + extension - size)
        self._remaining = size
        self._stage = _DATA if size else _TRAILERS
        return position

    def _judge_size_line(self, line: bytes | bytearray) -> int:
        """Bytes of extension in a line of SIZE, whole or not yet: neither part of it may go on for ever.

        Extensions are not content, so nobody pays for them: one byte of data with 4 KiB of extension, again and again,
        would cost much and look like little. Hence a balance instead of a bound for each chunk alone.
        """
        length = len(line) - line.endswith(b"\r")
        digits = line.find(b";")
        if digits < 0:
            digits = length
        if digits > MAX_CHUNK_SIZE_DIGITS:
            raise InvalidChunk(f"chunk size has more than {MAX_CHUNK_SIZE_DIGITS} digits: {quote(line)}")
        extension = length - digits
        limit = self._limits.limit_chunk_extension
        if self._unpaid + extension > limit:
            raise ChunkExtensionTooLong(f"chunk extensions are longer than limit_chunk_extension ({limit} bytes)")
        return extension

    def _take_data_end(self, buffer: bytes, position: int) -> int:
        """Exactly CRLF after the data of a chunk: both bytes are looked at, wherever they are cut."""
        got = buffer[position : position + self._remaining]
        if not _CRLF.startswith(got, 2 - self._remaining):
            raise InvalidChunk(f"the data of a chunk must be followed by CRLF, got {quote(got)}")
        self._remaining -= len(got)
        if not self._remaining:
            self._stage = _SIZE
        return position + len(got)

    def _take_trailer(self, buffer: bytes, position: int) -> int:
        line, position = self._take_line(buffer, position)
        if line is None:
            self._judge_trailer_size(self._line)
            return position
        self._judge_trailer_size(line)
        if not line.endswith(b"\r"):
            raise InvalidTrailer(f"a trailer line must end with CRLF: {quote(line)}")
        if line == b"\r":
            self._stage = _COMPLETE
            return position
        limit = self._limits.limit_request_fields
        if len(self._trailers) >= limit:
            raise TooManyHeaders(f"more trailers than limit_request_fields ({limit})")
        self._trailer_bytes += len(line) + 1
        self._trailers.append(_parse_trailer(line[:-1]))
        return position

    def _judge_trailer_size(self, line: bytes | bytearray) -> None:
        limit = self._limits.limit_trailer_size
        if self._trailer_bytes + len(line) - line.endswith(b"\r") > limit:
            raise TrailersTooLarge(f"trailers are longer than limit_trailer_size ({limit} bytes)")

    def _take_line(self, buffer: bytes, position: int) -> tuple[bytes | None, int]:
        """The next line without its LF; None if the LF has not arrived, and then the beginning is kept."""
        end = buffer.find(b"\n", position)
        if end < 0:
            self._line += buffer[position:]
            return None, len(buffer)
        line = buffer[position:end]
        if self._line:
            line = bytes(self._line) + line
            self._line.clear()
        return line, end + 1


def _parse_trailer(line: bytes) -> Field:
    try:
        field = parse_field_line(line)
    except InvalidHeader as error:
        raise InvalidTrailer(str(error)) from None
    if field[0] in FORBIDDEN_IN_TRAILERS:
        raise InvalidTrailer(f"{quote(field[0])} is not allowed in a trailer")
    return field
