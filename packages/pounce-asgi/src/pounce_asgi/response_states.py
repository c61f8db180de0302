"""The states of a response. Which messages each accepts is filled in by `pounce_asgi.response_table`.

AWAITING_START -> HEAD_HELD -> COMPLETE                           head and body in one message
                  HEAD_HELD -> STREAMING -> COMPLETE              several body messages
                               STREAMING -> AWAITING_TRAILERS -> COMPLETE
any -> FAILED   the application broke the contract; what happens to the client is decided when it returns
any -> GONE     the client cannot be reached any more, or had its answer from the server
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi.errors import ApplicationError, InvalidMessage, UnexpectedMessage

if TYPE_CHECKING:
    from pounce_asgi.http_exchange import HttpExchange

__all__ = [
    "AWAITING_START",
    "AWAITING_TRAILERS",
    "COMPLETE",
    "FAILED",
    "GONE",
    "HEAD_HELD",
    "STREAMING",
    "Handler",
    "Message",
    "ResponseState",
    "explain_refusal",
]

Message = dict[str, Any]
Handler = Callable[["HttpExchange[Any]", Message], "Awaitable[None] | None"]
"""Takes a message that is legal in the state; returns None or something to wait for."""


class ResponseState:
    """A state by its name, and the handlers of the messages it accepts."""

    __slots__ = ("handlers", "name")

    def __init__(self, name: str) -> None:
        self.name = name
        self.handlers: dict[str, Handler] = {}

    def __repr__(self) -> str:
        return self.name


AWAITING_START: Final = ResponseState("AWAITING_START")
HEAD_HELD: Final = ResponseState("HEAD_HELD")
STREAMING: Final = ResponseState("STREAMING")
AWAITING_TRAILERS: Final = ResponseState("AWAITING_TRAILERS")
COMPLETE: Final = ResponseState("COMPLETE")
FAILED: Final = ResponseState("FAILED")
GONE: Final = ResponseState("GONE")


def explain_refusal(state: ResponseState, message: object) -> ApplicationError:
    """The error for a message that ``state`` does not accept."""
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        return InvalidMessage(f"send() takes a message with a type, not {message!r:.100}")
    if state is FAILED:
        return UnexpectedMessage(f"{message['type']} came after the response had failed")
    expected = ", ".join(state.handlers)
    if state is COMPLETE:
        return UnexpectedMessage(f"{message['type']} came after the response was complete")
    return UnexpectedMessage(f"{message['type']} came where one of these is expected: {expected}")
