"""Bytes in, request heads and bodies out: the fast engine.

Sans-I/O: it owns no socket, clock or loop. One reader serves one connection and belongs to one thread.

Must be fast: ``receive_data`` and ``maybe_next_event`` run for every request. There are three ways to read a head, from
the fastest to the one that explains: the fields are the same bytes as before on this connection; the head is whole and
right; anything else goes line by line through ``PartialHead``, which is the only place that refuses a head for its
syntax. A way that is in doubt leaves the decision to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

from pounce_http1.body import BodyChunk, BodyEvent, ChunkedBody, EndOfBody, LengthBody
from pounce_http1.errors import IncompleteRequest, LocalProtocolError, RemoteProtocolError
from pounce_http1.field_lines import KNOWN_NAMES, parse_field_lines
from pounce_http1.grammar import TARGET_BYTES
from pounce_http1.head import METHODS, HeaderBlock, RequestHead, build_block, build_head, parse_request_line
from pounce_http1.limits import Limits
from pounce_http1.partial_head import PartialHead

if TYPE_CHECKING:
    from pounce_http1.header_memo import HeaderMemo

__all__ = ["Event", "RequestReader"]

Event = RequestHead | BodyChunk | EndOfBody

_NOTHING: Final = b"\0\0"
"""Matches at no line end, and not at the last byte either, where a search that failed (-1) points."""

_SMALL: Final = 4096
"""Bytes of a piece up to which ``receive_head()`` may copy most of it for a guess that can fail."""

_NO_FIELDS: Final = HeaderBlock("1.1", ())
_DEFAULT_LIMITS: Final = Limits()


class _BodyReader(Protocol):
    @property
    def buffered(self) -> int: ...

    @property
    def settled(self) -> bool: ...

    def read(self, buffer: bytes, position: int) -> tuple[BodyEvent | None, int]: ...


class _Refused:
    """Takes the place of a body after an error: the same error again, and nothing else, ever."""

    __slots__ = ("_error",)

    buffered: Final = 0
    settled: Final = True

    def __init__(self, error: RemoteProtocolError) -> None:
        self._error = error

    def read(self, buffer: bytes, position: int) -> tuple[BodyEvent | None, int]:  # noqa: ARG002 - the shape of a body
        raise self._error.with_traceback(None)


class RequestReader:
    """Reads the requests of one connection.

    Give it bytes as they come with ``receive_data()``, then call ``maybe_next_event()`` until it returns None. Events
    are, for each request in turn: a ``RequestHead``; if its ``has_body`` is true, any number of ``BodyChunk``, and one
    ``EndOfBody``. The events do not depend on how the bytes were cut, except for where chunks are.

    A ``memo`` is shared by the readers of one worker; without one nothing is remembered.
    """

    __slots__ = (
        "_body",
        "_buffer",
        "_eof",
        "_fields",
        "_limits",
        "_max_line",
        "_memo",
        "_names",
        "_partial",
        "_position",
        "_rest",
        "_small",
        "_wire",
        "idle",
    )

    def __init__(self, limits: Limits = _DEFAULT_LIMITS, memo: HeaderMemo | None = None) -> None:
        if memo is not None:
            memo.bind(limits)
        self._limits = limits
        self._memo = memo
        self._names = KNOWN_NAMES if memo is None else memo.names
        # A number of our own: on free-threaded builds counting references to the one that all workers share contends.
        self._max_line = limits.limit_request_line + 0
        self._small = min(self._max_line, _SMALL)
        self._buffer = b""
        self._position = 0
        """Bytes of the buffer before this are consumed."""
        self._partial: PartialHead | None = None
        """The head whose end has not arrived; then it holds the bytes, and the buffer is empty."""
        self._body: _BodyReader | None = None
        self._wire = _NOTHING
        """The remembered block that this connection sent last: its bytes from the end of the request line on."""
        self._rest: bytes | None = None
        """The same with the version before it: what follows the target in a piece that is one head with that block."""
        self._fields = _NO_FIELDS
        self._eof = False
        self.idle = True
        """Nothing has begun: no byte waits, no body is open, and neither an error nor the end came. Read-only."""

    @property
    def buffered(self) -> int:
        """Bytes received and not yet consumed as events."""
        waiting = len(self._buffer) - self._position
        if self._partial is not None:
            waiting += self._partial.buffered
        if self._body is not None:
            waiting += self._body.buffered
        return waiting

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the connection, in pieces of any size."""
        if self._eof:
            raise LocalProtocolError("receive_data() after receive_eof()")
        if data.__class__ is not bytes:
            data = bytes(data)  # what is handed out must not change
        if self._partial is not None:
            self._partial.data += data
        elif self._position == len(self._buffer):
            self._buffer = data
            self._position = 0
        else:
            self._buffer = self._buffer[self._position :] + data
            self._position = 0
        if data:
            self.idle = False

    def receive_head(self, data: bytes) -> RequestHead | None:
        """``receive_data()`` and then ``maybe_next_event()`` in one, for use while no body is open.

        The usual piece is one head with the fields of the last one: that is recognised with few operations.
        """
        if self.idle and len(data) <= self._small:
            try:
                token, target, rest = data.split(b" ", 2)
                method = METHODS[token]
            except (AttributeError, KeyError, TypeError, ValueError):
                method = ""  # in doubt, or not bytes
            # No longer than the whole piece, the request line is within its limit.
            if method and rest == self._rest and target.startswith(b"/") and target.translate(TARGET_BYTES) == target:
                path, _, query = target.partition(b"?")
                fields = self._fields
                if fields.has_body:
                    self._begin_body(fields)
                return RequestHead(method, target, path, query, fields)
        self.receive_data(data)
        return self.maybe_next_event()  # type: ignore[return-value]  # no body is open

    def receive_eof(self) -> None:
        """The peer will send no more.

        Raises IncompleteRequest if a head or a body has begun and cannot be completed. While bytes wait that were not
        looked at, nobody knows yet: then ``maybe_next_event()`` raises it, instead of returning None.
        """
        self._eof = True
        self.idle = False
        if self._position == len(self._buffer) and (self._partial is None or self._partial.judged):
            self._require_complete()

    def take_unread(self) -> bytes:
        """Hand over, once, what was received and not consumed: after an upgrade it belongs to the other protocol."""
        unread = self._buffer[self._position :]
        if self._partial is not None:
            unread = bytes(self._partial.data)
            self._partial = None
        self._buffer = b""
        self._position = 0
        self._rejudge_idle()
        return unread

    def maybe_next_event(self) -> Event | None:
        """The next event, or None if more bytes are needed.

        Raises RemoteProtocolError for what the peer did wrong, and the same error again ever after.
        """
        if self._body is not None:
            return self._next_of_body(self._body)
        buffer, start = self._buffer, self._position
        line_end = buffer.find(b"\r\n", start)
        if line_end < 0:
            nothing = start == len(buffer) and self._partial is None
            return None if nothing else self._next_head(line_end)
        parts = buffer[start:line_end].split(b" ")
        if len(parts) == 3 and parts[2] == b"HTTP/1.1" and line_end - start <= self._max_line:
            target = parts[1]
            method = METHODS.get(parts[0])
            if method is not None and target.startswith(b"/") and target.translate(TARGET_BYTES) == target:
                if buffer.startswith(self._wire, line_end):
                    fields = self._fields
                    self._position = line_end + len(self._wire)
                else:
                    new_fields = self._read_fields(line_end, "1.1")
                    if new_fields is None:
                        return self._next_head(line_end)
                    fields = new_fields
                if fields.has_body:
                    self._begin_body(fields)
                elif self._position == len(buffer):
                    self.idle = not self._eof
                path, _, query = target.partition(b"?")
                return RequestHead(method, target, path, query, fields)
        return self._next_head(line_end)

    def _next_head(self, line_end: int) -> RequestHead | None:
        """The next head by the slower ways. ``line_end`` is where the first CRLF of the buffer is, or -1."""
        try:
            head = self._read_whole_head(line_end) or self._read_partial_head()
        except RemoteProtocolError as error:
            self._refuse(error)
            raise
        if head is None:
            if self._eof:
                self._require_complete()
            return None
        if head.fields.has_body:
            self._begin_body(head.fields)
        else:
            self._rejudge_idle()
        return head

    def _read_whole_head(self, line_end: int) -> RequestHead | None:
        """The head at the position of the buffer, if it is there as a whole and nothing is wrong with its lines."""
        start = self._position
        if line_end <= start or line_end - start > self._max_line:
            return None
        try:
            method, target, parts, http_version = parse_request_line(self._buffer[start:line_end])
        except RemoteProtocolError:
            return None  # which error it is depends on the line's real end, which may be a bare LF within these bytes
        fields = self._read_fields(line_end, http_version)
        return None if fields is None else build_head(method, target, parts, fields)

    def _read_fields(self, line_end: int, http_version: str) -> HeaderBlock | None:
        """The fields after this line end, if they are there as a whole and nothing is wrong with their lines.

        Then the position is moved behind them. What they say together may still be wrong, which raises.
        """
        buffer, memo, limits = self._buffer, self._memo, self._limits
        end = buffer.find(b"\r\n\r\n", line_end)
        if end < 0 or end - line_end > limits.limit_request_header_size:
            return None
        wire = buffer[line_end : end + 4]
        if memo is not None and http_version == "1.1":
            known = memo.find(wire)
            if known is not None:
                return self._recall(wire, known, end + 4)
        lines = wire[2:-4].split(b"\r\n") if end > line_end else []
        parsed = parse_field_lines(lines, self._names)
        if parsed is None or len(lines) > limits.limit_request_fields:
            return None
        if len(wire) > limits.limit_request_field_size and len(max(lines, key=len)) > limits.limit_request_field_size:
            return None
        headers, decisive = parsed
        try:
            fields = build_block(http_version, headers, decisive)
        except RemoteProtocolError as error:
            self._refuse(error)
            raise
        if memo is not None and http_version == "1.1" and memo.offer(wire, fields):
            return self._recall(wire, fields, end + 4)
        self._position = end + 4
        return fields

    def _recall(self, wire: bytes, fields: HeaderBlock, position: int) -> HeaderBlock:
        """The memo holds this block: expect it again on this connection."""
        self._wire = wire
        self._rest = b"HTTP/1.1" + wire
        self._fields = fields
        self._position = position
        return fields

    def _read_partial_head(self) -> RequestHead | None:
        """Go line by line over what is there; keep it if that is not a whole head."""
        partial = self._partial
        if partial is None:
            buffer, start = self._buffer, self._position
            if start == len(buffer):
                return None
            end = buffer.find(b"\r\n\r\n", start)
            if end >= 0:  # a whole head: what may follow it need not be copied
                self._position = end + 4
                return PartialHead(self._limits, buffer[start : end + 4]).advance()
            partial = self._partial = PartialHead(self._limits, buffer[start:])
            self._buffer = b""
            self._position = 0
        head = partial.advance()
        if head is not None:
            self._buffer = bytes(partial.data[partial.end :])
            self._partial = None
        return head

    def _begin_body(self, fields: HeaderBlock) -> None:
        length = fields.content_length
        self._body = ChunkedBody(self._limits) if length is None else LengthBody(length)
        self.idle = False

    def _next_of_body(self, body: _BodyReader) -> BodyEvent | None:
        try:
            event, self._position = body.read(self._buffer, self._position)
        except RemoteProtocolError as error:
            self._refuse(error)
            raise
        if event.__class__ is EndOfBody:
            self._body = None
            self._rejudge_idle()
        elif event is None and self._eof:
            self._require_complete()
        return event

    def _rejudge_idle(self) -> None:
        """Something was consumed, which may have been the last."""
        nothing_waits = self._position == len(self._buffer) and self._partial is None
        self.idle = nothing_waits and self._body is None and not self._eof

    def _require_complete(self) -> None:
        """Raise IncompleteRequest if a head or a body has begun."""
        if self._body is not None:
            if self._body.settled:
                return
            error = IncompleteRequest("the connection ended in the middle of a request body")
        elif self._partial is not None and self._partial.buffered:
            error = IncompleteRequest("the connection ended in the middle of a request head")
        else:
            return
        self._refuse(error)
        raise error

    def _refuse(self, error: RemoteProtocolError) -> None:
        """Drop what was received and answer with this error from now on."""
        self._body = _Refused(error)
        self.idle = False
        self._partial = None
        self._buffer = b""
        self._position = 0
