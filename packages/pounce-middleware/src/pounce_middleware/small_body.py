"""Receiving a small body whole before a request takes a place: who sends it slowly keeps nobody else from one.

Small is what says so: a Content-Length of at most 64 KiB. A body of unknown length may have no end, and a client that
expects ``100 Continue`` sends nothing before the application asks for it.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_asgi import ASGIReceiveCallable

__all__ = ["SmallBody", "has_small_body"]

LARGEST: Final = 65_536
"""Bytes."""
_DIGITS: Final = 5
"""Of it: whatever is longer is larger, and need not be made a number."""


def has_small_body(scope: Any) -> bool:
    """Whether a request will send a body that is small, and does so unasked (RFC 9110, 8.6 and 10.1.1)."""
    small = False
    for name, value in scope["headers"]:
        if name == b"expect":
            return False
        if name == b"content-length":
            small = len(value) <= _DIGITS and value.isdigit() and 0 < int(value) <= LARGEST
    return small


class SmallBody:
    """The messages of one request: `arrive` takes them from the server, ``receive`` gives them to the application."""

    __slots__ = ("_messages", "_receive")

    def __init__(self, receive: ASGIReceiveCallable) -> None:
        self._receive = receive
        self._messages: deque[Any] = deque()

    async def arrive(self) -> bool:
        """Wait for the whole body, or for what is more than small. False when the client leaves before."""
        kept = 0
        while True:
            message: Any = await self._receive()
            self._messages.append(message)
            if message["type"] == "http.disconnect":
                return False
            kept += len(message.get("body") or b"")
            if not message.get("more_body") or kept > LARGEST:
                return True

    async def receive(self) -> Any:
        """The application's ``receive``."""
        return self._messages.popleft() if self._messages else await self._receive()
