"""What each ASGI response message does: the head, pieces of body, trailers and hints.

One function a message; `pounce_asgi.response_table` says in which state each is legal. Each returns None or something
to wait for. Hot path: a small answer takes ``on_start`` and ``on_first_body``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pounce_asgi.contracts import BodyFraming
from pounce_asgi.errors import ClientGone, ContentLengthMismatch, InvalidMessage, InvalidResponseHeader
from pounce_asgi.response_rules import (
    CONNECTION_CLOSE,
    CONTENT_LENGTH,
    DATE,
    PLAIN,
    SERVER,
)
from pounce_asgi.response_states import AWAITING_TRAILERS, FAILED, HEAD_HELD, STREAMING, Message

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from pounce_asgi.http_exchange import HttpExchange

__all__ = [
    "count_body",
    "end_of_body",
    "ignore",
    "length_mismatch",
    "on_body",
    "on_early_hint",
    "on_first_body",
    "on_start",
    "on_trailers",
    "open_response",
    "refuse_gone",
]

# A member of an enum is looked up anew each time it is named; a constant of the module is not.
NONE: Final = BodyFraming.NONE
LENGTH: Final = BodyFraming.LENGTH
DELIMITED: Final = BodyFraming.DELIMITED


def on_start(exchange: HttpExchange[Any], message: Message) -> None:
    """``http.response.start``: look at the head, decide what frames the body, hold the head until the first piece."""
    status = message.get("status")
    if not isinstance(status, int) or not 200 <= status <= 999:
        raise InvalidMessage(f"http.response.start: status is {status!r:.100}, not a number from 200 to 999")
    context = exchange.context
    memo = context.header_memo
    fields = context.default_fields().copy()
    declared: int | None = None
    length_field = None
    close = own_date = own_server = False
    for pair in message.get("headers", ()):
        try:
            kind, wire, number = memo[pair]
        except TypeError:
            kind, wire, number = memo.unhashable(pair)
        if kind == PLAIN:
            fields.append(wire)
        elif kind == CONTENT_LENGTH:
            if declared is not None and declared != number:
                raise InvalidResponseHeader(f"content-length was sent twice: {declared} and {number} (RFC 9110, 8.6)")
            declared, length_field = number, wire
        elif kind == CONNECTION_CLOSE:
            close = True
        elif kind == DATE:
            own_date = True
            fields.append(wire)
        elif kind == SERVER:
            own_server = True
            fields.append(wire)
    if own_date or own_server:
        fields[: len(context.default_fields())] = context.default_fields_without(date=own_date, server=own_server)
    exchange.status = status
    exchange.fields = fields
    exchange.declared = declared
    exchange.close = close
    exchange.trailers = False
    if status == 204 or status == 304 or exchange.head.method == "HEAD":
        exchange.framing = NONE
        if status == 204:
            length_field = None  # RFC 9110, 8.6
    elif "trailers" in message and message["trailers"] and exchange.head.accepts_trailers:
        exchange.framing = DELIMITED
        exchange.trailers = True
        length_field = None  # trailers need a body that delimits itself; the application is held to it all the same
    else:
        exchange.framing = None if declared is None else LENGTH
    if length_field is not None:
        fields.append(length_field)
    exchange.state = HEAD_HELD
    if exchange.task is not None:
        # Not the eager first step, after which the exchange looks for itself.
        context.loop.call_soon(exchange.send_early_head)


def on_first_body(exchange: HttpExchange[Any], message: Message) -> Awaitable[None] | None:
    """The first ``http.response.body``: the held head and this piece leave in one write."""
    body = message.get("body", b"")
    if type(body) is not bytes:
        body = _body_bytes(body)
    end = not message.get("more_body", False)
    open_response(exchange, body, len(body) if end else None, end=end)
    return exchange.drained() if exchange.sink.congested else None


def open_response(exchange: HttpExchange[Any], body: bytes, length: int | None, *, end: bool) -> None:
    """Send the held head with ``body``.

    ``length`` is the length of the whole body where it is known; ``end`` says that ``body`` is all that comes.
    """
    framing = exchange.framing
    if framing is LENGTH or framing is DELIMITED:
        declared = exchange.declared
        if declared is not None and (len(body) > declared or (length is not None and length != declared)):
            raise length_mismatch(exchange, len(body) if length is None else length)
    elif framing is None:
        if length is None:
            framing = exchange.framing = DELIMITED
        else:
            framing = exchange.framing = LENGTH
            exchange.declared = length
            exchange.fields.append(exchange.context.header_memo[b"content-length", b"%d" % length][1])
    else:
        body = b""
        if length is not None and exchange.declared is None and exchange.status not in (204, 304):
            # To HEAD: what GET would have been answered with (RFC 9110, 8.6).
            exchange.fields.append(exchange.context.header_memo[b"content-length", b"%d" % length][1])
    exchange.sent = len(body)
    exchange.head_on_wire = True
    exchange.state = STREAMING
    if exchange.report is not None:
        exchange.report.response_started(exchange, exchange.status)
    last = end and not exchange.trailers
    exchange.sink.send_head(exchange.status, exchange.fields, framing, body, end=last, close=exchange.close)
    if last:
        exchange.complete()
    elif end:
        exchange.trailer_fields = []
        exchange.state = AWAITING_TRAILERS


def length_mismatch(exchange: HttpExchange[Any], sent: int) -> ContentLengthMismatch:
    """The application does not keep to its own content-length: no more of this response can be sent."""
    exchange.state = FAILED
    declared = exchange.declared or 0
    verb = "ended its body after" if sent < declared else "sent at least"
    return ContentLengthMismatch(f"the application announced content-length: {declared} and {verb} {sent} bytes")


def on_body(exchange: HttpExchange[Any], message: Message) -> Awaitable[None] | None:
    """A further ``http.response.body``: on the wire when this returns, or waited for if the client reads slowly."""
    body = message.get("body", b"")
    if type(body) is not bytes:
        body = _body_bytes(body)
    end = not message.get("more_body", False)
    if exchange.framing is NONE:
        body = b""
    else:
        count_body(exchange, len(body), end=end)
    last = end and not exchange.trailers
    if body or last:
        exchange.sink.send_body(body, end=last)
    if end:
        end_of_body(exchange)
    return exchange.drained() if exchange.sink.congested else None


def count_body(exchange: HttpExchange[Any], size: int, *, end: bool) -> None:
    """Hold the application to the content-length that it announced, before the bytes go out."""
    sent = exchange.sent + size
    declared = exchange.declared
    if declared is not None and (sent > declared or (end and sent != declared)):
        raise length_mismatch(exchange, sent)
    exchange.sent = sent


def end_of_body(exchange: HttpExchange[Any]) -> None:
    """The body is whole; the response too, unless trailers follow."""
    if exchange.trailers:
        exchange.trailer_fields = []
        exchange.state = AWAITING_TRAILERS
    else:
        exchange.complete()


def on_trailers(exchange: HttpExchange[Any], message: Message) -> Awaitable[None] | None:
    """``http.response.trailers``: collected until the last of them, then they end the response (RFC 9112, 7.1.2)."""
    memo = exchange.context.header_memo
    collected: list[Any] = []
    for pair in message.get("headers", ()):
        try:
            kind, wire, _ = memo[pair]
        except TypeError:
            kind, wire, _ = memo.unhashable(pair)
        if kind != PLAIN:
            raise InvalidResponseHeader(f"http.response.trailers: {pair[0]!r} may not be a trailer (RFC 9110, 6.5.1)")
        collected.append(wire)
    exchange.trailer_fields += collected
    if message.get("more_trailers", False):
        return None
    exchange.sink.send_trailers(exchange.trailer_fields)
    exchange.complete()
    return exchange.drained() if exchange.sink.congested else None


def on_early_hint(exchange: HttpExchange[Any], message: Message) -> Awaitable[None] | None:
    """``http.response.early_hint``: a 103 with Link fields before the head (RFC 8297)."""
    memo = exchange.context.header_memo
    fields = []
    for link in message.get("links", ()):
        if not isinstance(link, (bytes, bytearray)):
            raise InvalidMessage(f"http.response.early_hint: the link {link!r:.100} is not bytes")
        fields.append(memo[b"link", bytes(link).strip(b" \t")][1])
    exchange.hinted = True
    if fields:
        exchange.sink.send_informational(103, fields)
    return exchange.drained() if exchange.sink.congested else None


def ignore(_exchange: HttpExchange[Any], _message: Message) -> None:
    """Messages after the end of the response are ignored (ASGI HTTP 2.5, Response Body)."""


def refuse_gone(_exchange: HttpExchange[Any], _message: Message) -> None:
    """The client has left (ASGI HTTP 2.4: sending raises an OSError)."""
    raise ClientGone("the client has disconnected")


def _body_bytes(body: object) -> bytes:
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body)
    raise InvalidMessage(f"http.response.body: body is {type(body).__name__}, not bytes")
