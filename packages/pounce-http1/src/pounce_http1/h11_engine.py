"""The same reader over h11 (extra ``h11``): an independent engine to fall back to, and to be judged against.

h11 reads the bytes; targets, hosts, framing, upgrades and limits are judged by our rules wherever h11 shows us enough.
It is laxer where it does not: it takes bare LF for a line end, joins folded lines, folds equal Content-Lengths into
one, and more. The case table (``pounce_http1.testing``) lists each such difference with its reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import h11

from pounce_http1.body import BodyChunk, EndOfBody
from pounce_http1.errors import (
    HeaderFieldTooLarge,
    HeadersTooLarge,
    IncompleteRequest,
    InvalidHeader,
    InvalidTrailer,
    LocalProtocolError,
    RemoteProtocolError,
    RequestLineTooLong,
    TooManyHeaders,
    TrailersTooLarge,
    UnsupportedTransferCoding,
    quote,
)
from pounce_http1.field_lines import DECISIVE_NAMES, Field
from pounce_http1.framing import FORBIDDEN_IN_TRAILERS
from pounce_http1.grammar import FIELD_BYTES
from pounce_http1.head import RequestHead, build_head, derive_facts, parse_version
from pounce_http1.limits import Limits
from pounce_http1.target import parse_target

if TYPE_CHECKING:
    from pounce_http1.header_memo import HeaderMemo

__all__ = ["H11RequestReader"]

_DEFAULT_LIMITS: Final = Limits()
_LONGEST_MESSAGE: Final = 200
"""Characters. h11 quotes whole lines of the client, which is as long a line in a log."""
_CLASS_OF_STATUS: Final[dict[int, type[RemoteProtocolError]]] = {431: HeadersTooLarge, 501: UnsupportedTransferCoding}


class H11RequestReader:
    """Reads the requests of one connection with h11. Surface and events are those of ``RequestReader``.

    A ``memo`` is taken for the sake of that surface and not used.
    """

    def __init__(self, limits: Limits = _DEFAULT_LIMITS, memo: HeaderMemo | None = None) -> None:
        if memo is not None:
            memo.bind(limits)
        self._limits = limits
        self._connection = self._new_connection()
        self._before = b""
        """What came before the first byte of a request: held back, because h11 refuses an empty line there."""
        self._at_start = True
        self._skipped_line = False
        self._in_body = False
        self._queue: list[EndOfBody | RemoteProtocolError] = []
        """What is to come after a chunk that was handed out: at most one."""
        self._error: RemoteProtocolError | None = None
        self._starved = True
        """The last answer was None and no bytes came since."""
        self._eof = False

    @property
    def buffered(self) -> int:
        """Bytes received and not yet consumed as events."""
        return len(self._before) + len(self._connection.trailing_data[0])

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the connection, in pieces of any size."""
        if self._eof:
            raise LocalProtocolError("receive_data() after receive_eof()")
        if not data or self._error is not None:
            return
        self._starved = False
        if self._at_start:
            self._begin(self._before + data)
        else:
            self._connection.receive_data(data)

    def receive_head(self, data: bytes) -> RequestHead | None:
        """``receive_data()`` and then ``maybe_next_event()`` in one, for use while no body is open."""
        self.receive_data(data)
        return self.maybe_next_event()  # type: ignore[return-value]  # no body is open

    @property
    def idle(self) -> bool:
        """Nothing has begun: no byte waits, no body is open, and neither an error nor the end came."""
        begun = self._in_body or self._skipped_line or self._eof or self._error is not None
        return not begun and not self.buffered

    def receive_eof(self) -> None:
        """The peer will send no more. Raises IncompleteRequest as ``RequestReader.receive_eof`` does."""
        self._eof = True
        if self._starved:
            self._require_complete()

    def take_body(self) -> bytes | None:
        """All of the body at once, in place of its events, or None: then the events tell it. h11 always does."""
        return None

    def take_unread(self) -> bytes:
        """Hand over, once, what was received and not consumed."""
        unread = self._before + self._connection.trailing_data[0]
        self._before = b""
        self._connection = self._new_connection()
        self._at_start = True
        return unread

    def maybe_next_event(self) -> RequestHead | BodyChunk | EndOfBody | None:
        """The next event, or None if more bytes are needed. Raises RemoteProtocolError, and then ever after."""
        if self._error is not None:
            raise self._error.with_traceback(None)
        try:
            event = self._next()
        except h11.RemoteProtocolError as error:
            raise self._refuse(_translate(error)) from error
        except RemoteProtocolError as error:
            raise self._refuse(error) from None
        if event is None:
            self._starved = True
            if self._eof:
                self._require_complete()
        return event

    def _next(self) -> RequestHead | BodyChunk | EndOfBody | None:
        if self._in_body:
            return self._next_of_body()
        if self._at_start:
            return None
        event = self._connection.next_event()
        if not isinstance(event, h11.Request):
            return None
        head = self._head(event)
        self._in_body = head.has_body
        if not self._in_body:
            self._connection.next_event()  # EndOfMessage, at once
            self._next_request()
        return head

    def _next_of_body(self) -> BodyChunk | EndOfBody | None:
        if not self._queue:
            chunk = self._collect_chunk()
            if chunk is not None:
                return chunk
        if not self._queue:
            return None
        last = self._queue.pop()
        if isinstance(last, RemoteProtocolError):
            raise last
        self._in_body = False
        self._next_request()
        return last

    def _collect_chunk(self) -> BodyChunk | None:
        """All data that is there as one chunk. What ends it, if anything does, is queued."""
        parts: list[bytes] = []
        while True:
            try:
                event = self._connection.next_event()
                if isinstance(event, h11.EndOfMessage):
                    self._queue.append(EndOfBody(self._trailers(event)))
            except h11.RemoteProtocolError as error:
                self._queue.append(_translate(error))
                break
            except RemoteProtocolError as error:
                self._queue.append(error)
                break
            if not isinstance(event, h11.Data):
                break
            parts.append(bytes(event.data))
        data = b"".join(parts)
        return BodyChunk(data) if data else None

    def _head(self, request: h11.Request) -> RequestHead:
        headers = [(bytes(name), bytes(value)) for name, value in request.headers]
        method, target = bytes(request.method), bytes(request.target)
        if len(method) + len(target) + len(" HTTP/1.1") + 1 > self._limits.limit_request_line:
            raise RequestLineTooLong(f"request line is longer than {self._limits.limit_request_line} bytes")
        http_version = parse_version(b"HTTP/" + bytes(request.http_version))
        name = method.decode("ascii")
        parts = parse_target(name, target)
        self._judge_fields(headers)
        decisive = [field for field in headers if field[0] in DECISIVE_NAMES]
        return build_head(name, target, parts, headers, derive_facts(http_version, decisive))

    def _judge_fields(self, headers: list[Field]) -> None:
        limits = self._limits
        total = 0
        for count, (name, value) in enumerate(headers, start=1):
            size = len(name) + len(b": ") + len(value)
            total += size + len(b"\r\n")
            if size > limits.limit_request_field_size:
                raise HeaderFieldTooLarge(f"a header field is longer than {limits.limit_request_field_size} bytes")
            if total > limits.limit_request_header_size:
                raise HeadersTooLarge(f"header fields are longer than {limits.limit_request_header_size} bytes")
            if count > limits.limit_request_fields:
                raise TooManyHeaders(f"more than {limits.limit_request_fields} header fields")
            if value.translate(FIELD_BYTES) != value:
                raise InvalidHeader(f"control character in the value of {quote(name)}: {quote(value)}")

    def _trailers(self, end: h11.EndOfMessage) -> tuple[Field, ...]:
        trailers = tuple((bytes(name), bytes(value)) for name, value in end.headers)
        if sum(len(name) + len(value) + 4 for name, value in trailers) > self._limits.limit_trailer_size:
            raise TrailersTooLarge(f"trailers are longer than {self._limits.limit_trailer_size} bytes")
        if len(trailers) > self._limits.limit_request_fields:
            raise TooManyHeaders(f"more than {self._limits.limit_request_fields} trailers")
        for name, value in trailers:
            if name in FORBIDDEN_IN_TRAILERS:
                raise InvalidTrailer(f"{quote(name)} is not allowed in a trailer")
            if value.translate(FIELD_BYTES) != value:
                raise InvalidTrailer(f"control character in the value of {quote(name)}: {quote(value)}")
        return trailers

    def _new_connection(self) -> h11.Connection:
        # h11 bounds an unfinished event as a whole: head, chunk line and trailers alike.
        size = self._limits.limit_request_line + self._limits.limit_request_header_size
        return h11.Connection(h11.SERVER, max_incomplete_event_size=size)

    def _next_request(self) -> None:
        """h11 reads the next request only after our response to this one, so each has a connection of its own."""
        unread = self._connection.trailing_data[0]
        self._connection = self._new_connection()
        self._at_start = True
        self._skipped_line = False
        self._begin(unread)

    def _begin(self, data: bytes) -> None:
        """Skip one empty line before a request (RFC 9112, 2.2), which h11 would refuse."""
        if not self._skipped_line and data.startswith(b"\r\n"):
            self._skipped_line = True
            data = data[2:]
        if not data or (data == b"\r" and not self._skipped_line):
            self._before = data
            return
        self._before = b""
        self._at_start = False
        self._connection.receive_data(data)

    def _require_complete(self) -> None:
        if self._error is None and not self._queue and (self._in_body or self.buffered):
            raise self._refuse(IncompleteRequest("the connection ended in the middle of a request"))

    def _refuse(self, error: RemoteProtocolError) -> RemoteProtocolError:
        self._error = error
        self._before = b""
        self._connection = self._new_connection()
        return error


def _translate(error: h11.RemoteProtocolError) -> RemoteProtocolError:
    message = str(error)
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}..."
    return _CLASS_OF_STATUS.get(error.error_status_hint, RemoteProtocolError)(message)
