"""What each ASGI message of a WebSocket application does.

One function a message; `pounce_asgi.websocket_table` says in which state each is legal. Each returns None or something
to wait for. Hot path: ``on_send``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NoReturn

from pounce_asgi.errors import ClientGone, InvalidMessage, InvalidResponseHeader
from pounce_asgi.response_rules import PLAIN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

    from pounce_asgi.contracts import HeaderPair
    from pounce_asgi.exchange_context import ExchangeContext
    from pounce_asgi.websocket_exchange import WebSocketExchange
    from pounce_asgi.websocket_states import Message

__all__ = [
    "closing_code",
    "closing_reason",
    "on_accept",
    "on_close",
    "on_denial_body",
    "on_denial_start",
    "on_refusal",
    "on_send",
    "refuse_lost",
]

NORMAL_CLOSURE: Final = 1000
REASON_BYTES: Final = 123
"""A control frame holds 125 bytes, two of which are the code (RFC 6455, 5.5.1)."""
UNSENDABLE_CODES: Final = frozenset((1004, 1005, 1006, 1015))
"""Codes that stand for what was not received; no frame may hold them (RFC 6455, 7.4.1)."""


def on_accept(exchange: WebSocketExchange[Any], message: Message) -> Awaitable[None] | None:
    """``websocket.accept``: the handshake is answered and the WebSocket is open."""
    subprotocol = message.get("subprotocol")
    if subprotocol is not None and subprotocol not in exchange.subprotocols:
        raise InvalidMessage(
            f"websocket.accept: subprotocol {subprotocol!r:.100} is none that the client offers: "
            f"{', '.join(exchange.subprotocols) or 'it offers none'}"
        )
    fields = accept_fields(exchange.context, message.get("headers") or ())
    exchange.open(subprotocol, fields)
    return exchange.drained() if exchange.carrier.congested else None


def accept_fields(context: ExchangeContext[Any], pairs: Iterable[Any]) -> list[HeaderPair]:
    """The application's fields for the answer to a handshake, looked at as those of any response are.

    What the server says itself (Date, Server, the connection, framing, the upgrade) is left out.

    Raises:
        InvalidResponseHeader: a field may not be sent, or belongs to the handshake.
    """
    fields: list[HeaderPair] = []
    memo = context.header_memo
    for pair in pairs:
        try:
            kind = memo[pair][0]
        except TypeError:
            kind = memo.unhashable(pair)[0]
        name, value = bytes(pair[0]).lower(), bytes(pair[1])
        if name.startswith(b"sec-websocket-"):
            raise InvalidResponseHeader(
                f"websocket.accept: {name!r} belongs to the handshake; give a subprotocol by name"
            )
        if kind == PLAIN and name != b"upgrade" and name != b"connection":
            fields.append((name, value))
    return fields


def on_send(exchange: WebSocketExchange[Any], message: Message) -> Awaitable[None] | None:
    """``websocket.send``: one message to the client; waited for if it reads slowly."""
    text = message.get("text")
    data = message.get("bytes")
    if text is not None and data is None:
        if not isinstance(text, str):
            raise InvalidMessage(f"websocket.send: text is {type(text).__name__}, not a string")
        try:
            exchange.sent += exchange.sink.send_text(text)
        except UnicodeEncodeError as error:
            raise InvalidMessage(f"websocket.send: text cannot be UTF-8: {error.reason}") from error
    elif data is not None and text is None:
        if data.__class__ is not bytes:
            data = _message_bytes(data)
        exchange.sent += exchange.sink.send_bytes(data)
    else:
        raise InvalidMessage("websocket.send: exactly one of bytes and text is to be given, and not None")
    return exchange.drained() if exchange.carrier.congested else None


def _message_bytes(data: object) -> bytes:
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    raise InvalidMessage(f"websocket.send: bytes is {type(data).__name__}, not bytes")


def on_close(exchange: WebSocketExchange[Any], message: Message) -> None:
    """``websocket.close``: the application says goodbye."""
    exchange.close(closing_code(message), closing_reason(message))


def closing_code(message: Message) -> int:
    """The code of a close message: 1000 where it has none.

    Raises:
        InvalidMessage: it may not be sent (RFC 6455, 7.4).
    """
    code = message.get("code")
    if code is None:
        return NORMAL_CLOSURE
    if not isinstance(code, int) or not 1000 <= code <= 4999 or code in UNSENDABLE_CODES:
        raise InvalidMessage(f"websocket.close: code {code!r:.100} may not be sent; use 1000 or one from 3000 to 4999")
    return int(code)


def closing_reason(message: Message) -> str:
    """The reason of a close message, cut to what a frame can hold.

    Raises:
        InvalidMessage: it is no string, or one that UTF-8 cannot hold.
    """
    reason = message.get("reason")
    if not reason:
        return ""
    try:
        encoded = reason.encode()
    except (UnicodeEncodeError, AttributeError) as error:
        raise InvalidMessage(f"websocket.close: reason {reason!r:.100} is no string that UTF-8 can hold") from error
    if len(encoded) <= REASON_BYTES:
        return str(reason)
    return str(encoded[:REASON_BYTES].decode("utf-8", "ignore"))


def on_refusal(exchange: WebSocketExchange[Any], message: Message) -> None:
    """``websocket.close`` before ``websocket.accept``: the client is answered 403."""
    closing_code(message)
    closing_reason(message)
    exchange.refuse(403)


def on_denial_start(exchange: WebSocketExchange[Any], message: Message) -> Awaitable[None]:
    """``websocket.http.response.start``: the client is answered by a response of the application's own."""
    status = message.get("status")
    if exchange.head.method == "CONNECT" and isinstance(status, int) and 200 <= status <= 299:
        # To a CONNECT any 2xx is an acceptance (RFC 9110, 9.3.6; RFC 8441, 5).
        raise InvalidMessage(f"websocket.http.response.start: status {status} would accept the WebSocket")
    return exchange.deny().send({**message, "type": "http.response.start"})


def on_denial_body(exchange: WebSocketExchange[Any], message: Message) -> Awaitable[None]:
    """``websocket.http.response.body``: a piece of that response."""
    return exchange.deny().send({**message, "type": "http.response.body"})


def refuse_lost(_exchange: WebSocketExchange[Any], _message: Message) -> NoReturn:
    """The client has left (ASGI HTTP & WebSocket 2.4: sending raises an OSError)."""
    raise ClientGone("the client has disconnected")
