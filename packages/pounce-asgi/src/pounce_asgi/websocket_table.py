"""The table of a WebSocket: which message is legal in which state. What is not here is an application's mistake."""

from __future__ import annotations

from typing import Final

from pounce_asgi.websocket_messages import (
    on_accept,
    on_close,
    on_denial_body,
    on_denial_start,
    on_refusal,
    on_send,
    refuse_lost,
)
from pounce_asgi.websocket_states import CLOSED, CONNECTING, DENYING, GONE, OPEN, WebSocketHandler, WebSocketState

__all__ = ["WEBSOCKET_HANDLERS"]

_MESSAGES: Final = (
    "websocket.accept",
    "websocket.send",
    "websocket.close",
    "websocket.http.response.start",
    "websocket.http.response.body",
)

WEBSOCKET_HANDLERS: Final[dict[WebSocketState, dict[str, WebSocketHandler]]] = {
    CONNECTING: {
        "websocket.accept": on_accept,
        "websocket.close": on_refusal,
        "websocket.http.response.start": on_denial_start,
    },
    OPEN: {"websocket.send": on_send, "websocket.close": on_close},
    # The order of what follows the start is that of any HTTP response.
    DENYING: {"websocket.http.response.body": on_denial_body},
    CLOSED: {},
    GONE: dict.fromkeys(_MESSAGES, refuse_lost),
}

for _state, _handlers in WEBSOCKET_HANDLERS.items():
    _state.handlers.update(_handlers)
