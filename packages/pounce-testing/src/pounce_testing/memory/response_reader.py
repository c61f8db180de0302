"""Reads the answers of one HTTP/1.1 connection, without I/O and without leniency."""

from __future__ import annotations

from typing import Final

from pounce_testing.client import WITHOUT_BODY, Response, ResponseError

__all__ = ["EndOfResponse", "ResponseReader"]

_LENGTH: Final = "length"
_SIZE: Final = "chunk size"
_CHUNK: Final = "chunk"
_CHUNK_END: Final = "chunk end"
_TRAILERS: Final = "trailers"
_TO_END: Final = "to the end"
_HEAD: Final = "head"


class EndOfResponse:
    """The answer is complete."""

    __slots__ = ("trailers",)

    def __init__(self, trailers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        self.trailers = trailers


class ResponseReader:
    """Give it bytes with ``receive()``, and take events until there is None: a head, pieces of body, the end."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._ended = False
        self._state = _HEAD
        self._left = 0
        self.method = "GET"
        """Of the request that is answered next."""

    def receive(self, data: bytes) -> None:
        """Bytes that came; empty for the end of the connection."""
        self._buffer += data
        self._ended = self._ended or not data

    @property
    def at_end(self) -> bool:
        """The connection has ended between two answers."""
        return self._ended and self._state == _HEAD and not self._buffer

    def take_rest(self) -> bytes:
        """What came after a 101: it is no HTTP."""
        rest = bytes(self._buffer)
        self._buffer.clear()
        return rest

    def next_event(self) -> Response | bytes | EndOfResponse | None:
        """The next thing that is complete; None where more bytes are needed. Heads of interim answers are heads, too.

        Raises:
            ResponseError: it is no answer, or it is cut off.
        """
        event = self._read()
        if event is None and self._ended:
            raise ResponseError(f"the connection ended within the {self._state} of an answer: {bytes(self._buffer)!r}")
        return event

    def _read(self) -> Response | bytes | EndOfResponse | None:
        match self._state:
            case "head":
                return self._read_head()
            case "length":
                return self._read_piece()
            case "to the end":
                return self._read_to_end()
            case _:
                return self._read_chunked()

    def _read_head(self) -> Response | None:
        fields = self._take_block()
        if fields is None:
            return None
        line = fields.pop(0).decode("latin-1")
        version, _, rest = line.partition(" ")
        code, space, reason = rest.partition(" ")
        if version not in ("HTTP/1.0", "HTTP/1.1") or not code.isdecimal() or len(code) != 3 or not space:
            raise ResponseError(f"not a status line: {line!r}")
        head = Response(http_version=version, status=int(code), reason=reason, headers=_fields(fields))
        if head.status >= 200:
            self._begin_body(head)
        return head

    def _begin_body(self, head: Response) -> None:
        """RFC 9112, 6.3, from a client's side."""
        length = head.header(b"content-length")
        self._state, self._left = _LENGTH, 0
        if self.method == "HEAD" or head.status in WITHOUT_BODY:
            return
        if head.header(b"transfer-encoding") == b"chunked":
            self._state = _SIZE
        elif length is not None:
            self._left = int(length)
        else:
            self._state = _TO_END

    def _read_piece(self) -> bytes | EndOfResponse | None:
        if not self._left:
            self._state = _HEAD
            return EndOfResponse()
        piece = self._take(self._left)
        self._left -= len(piece)
        return piece or None

    def _read_to_end(self) -> bytes | EndOfResponse | None:
        if self._buffer:
            return self.take_rest()
        if not self._ended:
            return None
        self._state = _HEAD
        return EndOfResponse()

    def _read_chunked(self) -> bytes | EndOfResponse | None:
        while True:
            if self._state == _CHUNK:
                piece = self._take(self._left)
                self._left -= len(piece)
                if not self._left:
                    self._state = _CHUNK_END
                return piece or None
            if self._state == _TRAILERS:
                # A lone CRLF is a block without lines.
                lines = self._take_block(may_be_empty=True)
                if lines is None:
                    return None
                self._state = _HEAD
                return EndOfResponse(_fields(lines))
            line = self._take_line()
            if line is None:
                return None
            if self._state == _CHUNK_END:
                if line:
                    raise ResponseError(f"a chunk goes on after its end: {line!r}")
                self._state = _SIZE
                continue
            try:
                self._left = int(line, 16)
            except ValueError:
                raise ResponseError(f"not the size of a chunk: {line!r}") from None
            self._state = _CHUNK if self._left else _TRAILERS

    def _take(self, most: int) -> bytes:
        data = bytes(self._buffer[:most])
        del self._buffer[:most]
        return data

    def _take_line(self) -> bytes | None:
        end = self._buffer.find(b"\r\n")
        return None if end < 0 else self._take(end + 2)[:-2]

    def _take_block(self, *, may_be_empty: bool = False) -> list[bytes] | None:
        """Lines up to an empty one, which is taken along."""
        if may_be_empty and self._buffer.startswith(b"\r\n"):
            self._take(2)
            return []
        end = self._buffer.find(b"\r\n\r\n")
        return None if end < 0 else self._take(end + 4)[:-4].split(b"\r\n")


def _fields(lines: list[bytes]) -> tuple[tuple[bytes, bytes], ...]:
    fields = []
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon:
            raise ResponseError(f"a header line without a colon: {line!r}")
        fields.append((name.lower(), value.strip(b" \t")))
    return tuple(fields)
