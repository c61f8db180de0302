"""Bytes in, request heads and bodies out: the fast engine.

Sans-I/O: it owns no socket, clock or loop. One reader serves one connection and belongs to one thread.

Must be fast: ``receive_head`` and ``maybe_next_event`` run for every request. There are three ways to read a head, from
the fastest to the one that explains: the fields are the same bytes as before on this connection; the head is whole and
usual; anything else goes line by line through ``PartialHead``, which is the only place that refuses a head for its
syntax. A way that is in doubt leaves the decision to the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_http1.block_reader import BlockReader
from pounce_http1.body import BodyChunk, BodyEvent, BodyReader, ChunkedBody, EndOfBody, RefusedBody
from pounce_http1.errors import IncompleteRequest, LocalProtocolError, RemoteProtocolError
from pounce_http1.head import HeaderFacts, RequestHead
from pounce_http1.header_block import Block, parse_block
from pounce_http1.limits import Limits
from pounce_http1.partial_head import PartialHead
from pounce_http1.vocabulary import Vocabulary

if TYPE_CHECKING:
    from pounce_http1.header_memo import HeaderMemo

__all__ = ["Event", "RequestReader"]

Event = RequestHead | BodyChunk | EndOfBody

_SMALL: Final = 4096
"""Bytes of a head up to which nothing but the number of its fields is counted, unless a limit is lower."""

_NO_BODY: Final = -1
_OTHER_BODY: Final = -2
"""Not one by length: ``_body`` reads it."""

_WORDS: Final = Vocabulary()
"""For readers without a memo."""

_DEFAULT_LIMITS: Final = Limits()


class RequestReader:
    """Reads the requests of one connection.

    Give it bytes as they come with ``receive_data()``, then call ``maybe_next_event()`` until it returns None. Events
    are, for each request in turn: a ``RequestHead``; if its ``has_body`` is true, any number of ``BodyChunk``, and one
    ``EndOfBody``. The events do not depend on how the bytes were cut, except for where chunks are.

    A ``memo`` is shared by the readers of one worker; without one nothing is remembered.
    """

    __slots__ = (
        "_block",
        "_blocks",
        "_body",
        "_buffer",
        "_eof",
        "_left",
        "_limits",
        "_max_fields",
        "_methods",
        "_partial",
        "_position",
        "_rest",
        "_small",
        "_target_bytes",
        "idle",
    )

    def __init__(self, limits: Limits = _DEFAULT_LIMITS, memo: HeaderMemo | None = None) -> None:
        self._limits = limits
        self._max_fields = limits.limit_request_fields
        if memo is not None:
            memo.bind(limits)
        words = _WORDS if memo is None else memo.words
        self._methods = words.methods
        self._target_bytes = words.target_bytes
        self._blocks = None if memo is None else BlockReader(memo, self._max_fields)
        self._small = min(
            _SMALL, limits.limit_request_line, limits.limit_request_field_size, limits.limit_request_header_size
        )
        self._buffer = b""
        self._position = 0
        """Bytes of the buffer before this are consumed."""
        self._partial: PartialHead | None = None
        """The head whose end has not arrived; then it holds the bytes, and the buffer is empty."""
        self._body: BodyReader | None = None
        """What reads a chunked body, or takes its place after an error."""
        self._left = _NO_BODY
        """Bytes of a body by length that have not been handed out (RFC 9112, 6.2), or one of the two below zero."""
        self._rest: bytes | None = None
        """What followed the target in the last head, if its fields are remembered: version, fields, empty line."""
        self._block: Block = ((), words.plain)
        """What that was parsed to."""
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

        Best for the usual piece, which is one head, and better still when its fields are the same as before.
        """
        if self.idle and len(data) <= self._small:
            try:
                token, target, rest = data.split(b" ", 2)
                method = self._methods[token]
            except (AttributeError, KeyError, TypeError, ValueError):
                pass  # in doubt, or not bytes
            else:
                if target.startswith(b"/") and target.translate(self._target_bytes) == target:
                    if rest == self._rest:
                        block: Block | None = self._block
                    elif rest.endswith(b"\r\n\r\n"):
                        block = self._new_block(rest)
                    else:
                        block = self._block_and_more(rest)
                    if block is not None:
                        headers, fields = block
                        if fields.has_body:
                            self._begin_body(fields)
                        path, _, query = target.partition(b"?")
                        return RequestHead(method, target, path, query, headers, fields)
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

    def take_body(self) -> bytes | None:
        """All of the body at once, in place of its events, or None. To be asked right after its head.

        None if the body is not all there, or has more to tell than its content; then the events tell it.
        """
        buffer, position, left = self._buffer, self._position, self._left
        if left > 0:
            end = position + left
            if end > len(buffer):
                return None
            content = buffer[position:end]
        elif type(self._body) is ChunkedBody:
            whole = self._body.read_whole(buffer, position)
            if whole is None:
                return None
            content = whole
            end = len(buffer)
            self._body = None
        else:
            return None
        self._left = _NO_BODY
        if end < len(buffer):
            self._position = end
        else:
            self._buffer = b""
            self._position = 0
            self.idle = not self._eof
        return content

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
        left = self._left
        if left != _NO_BODY:
            return self._next_of_length(left) if left >= 0 else self._next_of_body()
        buffer, start = self._buffer, self._position
        end = buffer.find(b"\r\n\r\n", start) + 4
        if end < 4:
            nothing = start == len(buffer) and self._partial is None
            return None if nothing else self._next_careful_head()
        if end - start > self._small and not self._within_limits(start, end):
            return self._next_careful_head()
        try:
            token, target, rest = buffer[start:end].split(b" ", 2)
            method = self._methods[token]
        except (KeyError, ValueError):
            return self._next_careful_head()
        if target.startswith(b"/") and target.translate(self._target_bytes) == target:
            block = self._block if rest == self._rest else self._new_block(rest)
            if block is not None:
                headers, fields = block
                if end < len(buffer):
                    self._position = end
                else:
                    self._buffer = b""
                    self._position = 0
                    self.idle = not self._eof
                if fields.has_body:
                    self._begin_body(fields)
                path, _, query = target.partition(b"?")
                return RequestHead(method, target, path, query, headers, fields)
        return self._next_careful_head()

    def _block_and_more(self, rest: bytes) -> Block | None:
        """What follows the target in a piece with more than one head; what follows that waits."""
        end = rest.find(b"\r\n\r\n") + 4
        if end < 4:
            return None
        wire = rest[:end]
        block = self._block if wire == self._rest else self._new_block(wire)
        if block is not None:
            self._buffer = rest
            self._position = end
            self.idle = False
        return block

    def _new_block(self, rest: bytes) -> Block | None:
        """What follows the target: version, fields, empty line. None if it is not right or not usual.

        What the fields say together may be wrong even so, which raises.
        """
        blocks = self._blocks
        try:
            if blocks is None:
                return parse_block(rest, self._max_fields, _WORDS)
            block = blocks.read(rest)
        except RemoteProtocolError as error:
            self._refuse(error)
            raise
        if blocks.holds and block is not None:
            self._rest = rest
            self._block = block
        return block

    def _within_limits(self, start: int, end: int) -> bool:
        """Whether every line of this whole head, which is not small, is within its limit."""
        limits = self._limits
        line_end = self._buffer.find(b"\r\n", start)
        if line_end - start > limits.limit_request_line or end - 4 - line_end > limits.limit_request_header_size:
            return False
        lines = self._buffer[line_end + 2 : end - 4].split(b"\r\n")
        return max(map(len, lines)) <= limits.limit_request_field_size

    def _next_careful_head(self) -> RequestHead | None:
        """The next head, line by line."""
        try:
            head = self._read_partial_head()
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

    def _begin_body(self, fields: HeaderFacts) -> None:
        self.idle = False
        length = fields.content_length
        if length is not None:
            self._left = length
        else:
            self._left = _OTHER_BODY
            self._body = ChunkedBody(self._limits)

    def _next_of_length(self, left: int) -> BodyEvent | None:
        buffer, position = self._buffer, self._position
        if not left:
            self._left = _NO_BODY
            self._consume(position)
            return EndOfBody(())
        data = buffer[position : position + left]
        if not data:
            if self._eof:
                self._require_complete()
            return None
        size = len(data)
        self._left = left - size
        self._position = position + size
        return BodyChunk(data)

    def _next_of_body(self) -> BodyEvent | None:
        body = self._body
        assert body is not None
        try:
            event, self._position = body.read(self._buffer, self._position)
        except RemoteProtocolError as error:
            self._refuse(error)
            raise
        if type(event) is EndOfBody:
            self._body = None
            self._left = _NO_BODY
            self._consume(self._position)
        elif event is None and self._eof:
            self._require_complete()
        return event

    def _consume(self, end: int) -> None:
        """A request ended there in the buffer."""
        if end < len(self._buffer):
            self._position = end
        else:
            self._buffer = b""  # it may take long until more bytes come: keep no memory
            self._position = 0
            self.idle = not self._eof

    def _rejudge_idle(self) -> None:
        """Something was consumed, which may have been the last."""
        nothing_waits = self._position == len(self._buffer) and self._partial is None
        self.idle = nothing_waits and self._left == _NO_BODY and not self._eof

    def _require_complete(self) -> None:
        """Raise IncompleteRequest if a head or a body has begun and needs more bytes."""
        if self._left == 0 or (self._body is not None and self._body.settled):
            return
        if self._left != _NO_BODY:
            error = IncompleteRequest("the connection ended in the middle of a request body")
        elif self._partial is not None and self._partial.buffered:
            error = IncompleteRequest("the connection ended in the middle of a request head")
        else:
            return
        self._refuse(error)
        raise error

    def _refuse(self, error: RemoteProtocolError) -> None:
        """Drop what was received and answer with this error from now on."""
        self._body = RefusedBody(error)
        self._left = _OTHER_BODY
        self.idle = False
        self._partial = None
        self._buffer = b""
        self._position = 0
