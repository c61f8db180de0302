"""The states of a WebSocket as its application sees it. `pounce_asgi.websocket_table` fills in the messages of each.

CONNECTING -> OPEN -> CLOSED        accepted; the application closed it, or ended
CONNECTING -> CLOSED                refused with a 403 or, when the application failed, a 500
CONNECTING -> DENYING               refused with an HTTP response of the application's own
any -> GONE                         the client cannot be reached any more
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi.errors import ApplicationError, InvalidMessage, UnexpectedMessage

if TYPE_CHECKING:
    from pounce_asgi.websocket_exchange import WebSocketExchange

__all__ = ["CLOSED", "CONNECTING", "DENYING", "GONE", "OPEN", "WebSocketHandler", "WebSocketState", "explain_misuse"]

Message = dict[str, Any]
WebSocketHandler = Callable[["WebSocketExchange[Any]", Message], "Awaitable[None] | None"]
"""Takes a message that is legal in the state; returns None or something to wait for."""


class WebSocketState:
    """A state by its name, and the handlers of the messages it accepts."""

    __slots__ = ("handlers", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.handlers: dict[str, WebSocketHandler] = {}

    def __repr__(self) -> str:
        return self.name


CONNECTING: Final = WebSocketState("CONNECTING")
OPEN: Final = WebSocketState("OPEN")
DENYING: Final = WebSocketState("DENYING")
CLOSED: Final = WebSocketState("CLOSED")
GONE: Final = WebSocketState("GONE")


def explain_misuse(state: WebSocketState, message: object) -> ApplicationError:
    """The error for a message that ``state`` does not accept."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return InvalidMessage(f"send() takes a message with a type, not {message!r:.100}")
    kind = message["type"]
    if state is CLOSED:
        return UnexpectedMessage(f"{kind} came after the application had closed the WebSocket, or had failed")
    if kind == "websocket.accept" and state is OPEN:
        return UnexpectedMessage("websocket.accept came twice: the WebSocket is open")
    if kind == "websocket.send" and state is CONNECTING:
        return UnexpectedMessage("websocket.send came before websocket.accept")
    expected = ", ".join(state.handlers)
    return UnexpectedMessage(f"{kind} came where one of these is expected: {expected}")
