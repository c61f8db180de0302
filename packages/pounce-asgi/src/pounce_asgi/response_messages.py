"""What each ASGI response message does: the head, pieces of body, trailers and hints.

One function a message; `pounce_asgi.response_table` says in which state each is legal. Each returns None or something
to wait for. Hot path: a small answer takes ``on_start`` and ``on_first_body``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pounce_asgi.contracts import BodyFraming
from pounce_asgi.errors import ClientGone, ContentLengthMismatch, InvalidMessage, InvalidResponseHeader
from pounce_asgi.response_rules import PLAIN
from pounce_asgi.response_states import COMPLETE, FAILED, HEAD_HELD, STREAMING, Message

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
    try:
        status = message["status"]
        pairs = tuple(message["headers"])
    except KeyError:
        status = message.get("status")
        pairs = tuple(message.get("headers", ()))
    if type(status) is not int:
        status = _status_number(status)
    if not 200 <= status <= 999:
        raise _invalid_status(status)
    memo = exchange.context.head_memo
    try:
        start = memo[pairs]
    except TypeError:
        start = memo.unhashable(pairs)
    exchange.status = status
    exchange.start_message = start
    declared = exchange.declared = start.declared
    if status == 204 or status == 304 or exchange.head.method == "HEAD":
        exchange.framing = NONE
    elif "trailers" in message and message["trailers"] and exchange.head.accepts_trailers:
        # Trailers need a body that delimits itself; the application is held to its content-length all the same.
        exchange.framing = DELIMITED
        exchange.trailers = True
    else:
        exchange.framing = None if declared is None else LENGTH
    exchange.state = HEAD_HELD
    if exchange.task is not None:
        # Not the eager first step, after which the exchange looks for itself.
        exchange.context.loop.call_soon(exchange.send_early_head)


def _status_number(status: object) -> int:
    if isinstance(status, int):
        return int(status)  # an HTTPStatus
    raise _invalid_status(status)


def _invalid_status(status: object) -> InvalidMessage:
    return InvalidMessage(f"http.response.start: status is {status!r:.100}, not a number from 200 to 999")


def on_first_body(exchange: HttpExchange[Any], message: Message) -> Awaitable[None] | None:
    """The first ``http.response.body``: the held head and this piece leave in one write."""
    try:
        body = message["body"]
    except KeyError:
        body = b""
    if type(body) is not bytes:
        body = _body_bytes(body)
    if message.get("more_body"):
        open_response(exchange, body, None, False)
    else:
        open_response(exchange, body, len(body), True)
    return exchange.drained() if exchange.sink.congested else None


def open_response(exchange: HttpExchange[Any], body: bytes, length: int | None, end: bool) -> None:
    """Send the held head with ``body``.

    ``length`` is the length of the whole body where it is known; ``end`` says that ``body`` is all that comes.
    """
    context = exchange.context
    start = exchange.start_message
    defaults = context.defaults if context.clock.soon is context.defaults_seen else context.default_fields()
    if start.own_defaults:
        defaults = context.default_fields_without(date=start.own_date, server=start.own_server)
    framing = exchange.framing
    declared = exchange.declared
    sent = len(body)
    if framing is LENGTH:
        if sent != declared:
            _hold_to_length(exchange, sent, length)
        fields = defaults + start.sized
    elif framing is NONE:
        body = b""
        sent = 0
        fields = defaults + _bodyless_fields(exchange, length)
    else:
        fields = defaults + start.fields
        if framing is DELIMITED:
            _hold_to_length(exchange, sent, length)
        elif length is None:
            framing = exchange.framing = DELIMITED
        else:
            framing = exchange.framing = LENGTH
            exchange.declared = length
            fields += context.header_memo[b"content-length", b"%d" % length][1]
    exchange.sent = sent
    exchange.head_on_wire = True
    exchange.state = STREAMING
    if exchange.report is not None:
        exchange.report.response_started(exchange, exchange.status)
    if end and not exchange.trailers:
        exchange.sink.send_head(exchange.status, fields, framing, body, True, start.close)
        exchange.state = COMPLETE
        if exchange.report is not None or exchange._receivers is not None:
            exchange.complete()
        return
    exchange.sink.send_head(exchange.status, fields, framing, body, False, start.close)
    if end:
        exchange.await_trailers()


def _hold_to_length(exchange: HttpExchange[Any], sent: int, length: int | None) -> None:
    """The first piece, or the whole where ``length`` tells how long it is, against the announced length."""
    declared = exchange.declared
    if declared is not None and (sent > declared or (length is not None and length != declared)):
        raise length_mismatch(exchange, sent if length is None else length)


def _bodyless_fields(exchange: HttpExchange[Any], length: int | None) -> Any:
    """The application's fields in an answer that has no body: to HEAD, 204, 304."""
    start = exchange.start_message
    if exchange.status == 204:
        return start.fields  # a content-length may not be sent (RFC 9110, 8.6)
    if length is not None and exchange.declared is None and exchange.status != 304:
        # To HEAD: what GET would have been answered with (RFC 9110, 8.6).
        return start.fields + exchange.context.header_memo[b"content-length", b"%d" % length][1]
    return start.sized


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
        exchange.sink.send_body(body, last)
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
        exchange.await_trailers()
    else:
        exchange.complete()


def on_trailers(exchange: HttpExchange[Any], message: Message) -> Awaitable[None] | None:
    """``http.response.trailers``: collected until the last of them, then they end the response (RFC 9112, 7.1.2)."""
    memo = exchange.context.header_memo
    collected = exchange.context.no_fields
    for pair in message.get("headers", ()):
        try:
            kind, wire, _ = memo[pair]
        except TypeError:
            kind, wire, _ = memo.unhashable(pair)
        if kind != PLAIN:
            raise InvalidResponseHeader(f"http.response.trailers: {pair[0]!r} may not be a trailer (RFC 9110, 6.5.1)")
        collected += wire
    exchange.trailer_fields += collected
    if message.get("more_trailers", False):
        return None
    exchange.sink.send_trailers(exchange.trailer_fields)
    exchange.complete()
    return exchange.drained() if exchange.sink.congested else None


def on_early_hint(exchange: HttpExchange[Any], message: Message) -> Awaitable[None] | None:
    """``http.response.early_hint``: a 103 with Link fields before the head (RFC 8297)."""
    memo = exchange.context.header_memo
    fields = exchange.context.no_fields
    for link in message.get("links", ()):
        if not isinstance(link, (bytes, bytearray)):
            raise InvalidMessage(f"http.response.early_hint: the link {link!r:.100} is not bytes")
        fields += memo[b"link", bytes(link).strip(b" \t")][1]
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
