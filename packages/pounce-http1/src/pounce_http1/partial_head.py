"""A request head that has not arrived as a whole, or that the fast way refused: judged line by line.

This is the reference reading of a head. Lines are judged in the order in which they arrive, each as soon as its line
feed is there, and limits before that, so the outcome depends on the bytes and never on how they were cut. Bytes are
searched once: a head that comes byte by byte costs linear time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_http1.errors import (
    HeaderFieldTooLarge,
    HeadersTooLarge,
    InvalidHeader,
    InvalidRequestLine,
    RequestLineTooLong,
    TooManyHeaders,
    quote,
)
from pounce_http1.field_lines import DECISIVE_NAMES, Field, parse_field_line
from pounce_http1.grammar import TOKEN_BYTES
from pounce_http1.head import RequestHead, build_head, derive_facts, parse_request_line

if TYPE_CHECKING:
    from pounce_http1.limits import Limits
    from pounce_http1.target import Target

__all__ = ["PartialHead"]


class PartialHead:
    """Collects one head. ``data`` is what arrived, ``end`` where the head ends in it once ``advance()`` returned it."""

    __slots__ = ("_fields_start", "_headers", "_limits", "_line_start", "_request_line", "_searched", "data", "end")

    def __init__(self, limits: Limits, data: bytes) -> None:
        self._limits = limits
        self.data = bytearray(data)
        self.end = 0
        self._line_start = 0
        self._searched = 0
        """No line feed lies before this, from the start of the current line."""
        self._fields_start = 0
        self._request_line: tuple[str, bytes, Target, str] | None = None
        self._headers: list[Field] = []

    @property
    def buffered(self) -> int:
        """Bytes of the head that have arrived. The empty line that may come before a request is not one of them."""
        return len(self.data) if self._request_line is not None else len(self.data) - self._line_start

    @property
    def judged(self) -> bool:
        """``advance()`` has seen all that arrived."""
        return self._searched == len(self.data)

    def advance(self) -> RequestHead | None:
        """Judge what arrived since the last call; the head if it is complete. Raises RemoteProtocolError."""
        data = self.data
        while True:
            line_feed = data.find(b"\n", self._searched)
            if line_feed < 0:
                self._judge_length(len(data))
                self._searched = len(data)
                return None
            self._judge_length(line_feed)
            line = bytes(data[self._line_start : line_feed])
            if self._request_line is None:
                self._take_first_line(line)
            elif line == b"\r":
                self.end = line_feed + 1
                return self._complete()
            else:
                self._take_field_line(line)
            self._line_start = self._searched = line_feed + 1

    def _judge_length(self, end: int) -> None:
        """Judge the current line, whole or not, of which bytes up to ``end`` are there: the first limit met counts."""
        limits, start = self._limits, self._line_start
        if end > start and self.data[end - 1] == ord("\r"):
            end -= 1  # belongs to the line end, or proves to be a bare CR with the next byte
        if self._request_line is None:
            if end > start:
                self._judge_first_byte()
            if end - start > limits.limit_request_line:
                raise RequestLineTooLong(
                    f"request line is longer than limit_request_line ({limits.limit_request_line})"
                )
            return
        end_of_field = start + limits.limit_request_field_size
        end_of_fields = self._fields_start + limits.limit_request_header_size
        if end > min(end_of_field, end_of_fields):
            if end_of_field < end_of_fields:
                limit = limits.limit_request_field_size
                raise HeaderFieldTooLarge(f"a header field is longer than limit_request_field_size ({limit} bytes)")
            limit = limits.limit_request_header_size
            raise HeadersTooLarge(f"header fields are longer than limit_request_header_size ({limit} bytes)")

    def _judge_first_byte(self) -> None:
        """What cannot be a method is answered at once: a TLS handshake, for one, may never send a line feed."""
        first = self.data[self._line_start]
        if TOKEN_BYTES[first] != first:
            line = bytes(self.data[self._line_start : self._line_start + 80])
            hint = "; is the client speaking TLS to a plain port?" if first == 0x16 else ""
            raise InvalidRequestLine(f"a request cannot start with {quote(line)}{hint}")

    def _take_first_line(self, line: bytes) -> None:
        if line == b"\r" and not self._line_start:
            return  # one empty line before a request is skipped (RFC 9112, 2.2)
        if not line.endswith(b"\r"):
            raise InvalidRequestLine(f"the request line must end with CRLF, not LF alone: {quote(line)}")
        self._request_line = parse_request_line(line[:-1])
        self._fields_start = self._line_start + len(line) + 1

    def _take_field_line(self, line: bytes) -> None:
        limit = self._limits.limit_request_fields
        if len(self._headers) >= limit:
            raise TooManyHeaders(f"more header fields than limit_request_fields ({limit})")
        if not line.endswith(b"\r"):
            raise InvalidHeader(f"a header line must end with CRLF, not LF alone: {quote(line)}")
        self._headers.append(parse_field_line(line[:-1]))

    def _complete(self) -> RequestHead:
        assert self._request_line is not None
        method, target, parts, http_version = self._request_line
        decisive = [field for field in self._headers if field[0] in DECISIVE_NAMES]
        return build_head(method, target, parts, self._headers, derive_facts(http_version, decisive))
