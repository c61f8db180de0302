"""Messages of a WebSocket's client on their way to the application's ``receive()``. Hot path."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi.waiters import and_waiter, wake

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable

__all__ = ["QUEUE_BYTES", "WebSocketInbox"]

QUEUE_BYTES: Final = 1024 * 1024
"""Size of the messages that may wait, whatever their number, before reading pauses: a client that sends large messages
to a slow application costs this and one message more."""


class WebSocketInbox:
    """What waits for an application, and the application's ``receive()``s. Owned by the worker's thread."""

    __slots__ = ("_full", "_receivers", "_size", "listening", "max_queue", "messages")

    def __init__(self, max_queue: int) -> None:
        """``max_queue``: messages that may wait before reading is to pause."""
        self.max_queue = max_queue
        self.messages: deque[dict[str, Any]] = deque()
        """What the client has sent and the application has not taken."""
        self.listening = False
        """The application takes messages: it has accepted, and nobody has said goodbye."""
        self._size = 0
        self._full = False
        self._receivers: list[asyncio.Future[None]] | None = None

    def message_received(self, message: dict[str, Any], size: int) -> bool:
        """A whole message, as ``receive()`` is to give it; ``size`` is the length of its text or bytes.

        True: enough waits, give no more until ``sink.resume_messages()``.
        """
        if not self.listening:
            return False  # somebody has said goodbye
        messages = self.messages
        messages.append(message)
        if self._receivers is not None:
            self.wake_receivers()
        self._size += size
        if self._size >= QUEUE_BYTES or len(messages) >= self.max_queue:
            self._full = True
        return self._full

    def wants_message(self) -> bool:
        """Whether a message that may turn out far larger than what came of it should be made now: somebody waits for
        it, or it will be dropped. If not, ``sink.resume_messages()`` follows when somebody does.
        """
        if not self.listening or (self._receivers is not None and any(not one.done() for one in self._receivers)):
            return True
        self._full = True
        return False

    def take(self) -> dict[str, Any]:
        """The message that waits for longest. There must be one."""
        messages = self.messages
        message = messages.popleft()
        if messages:
            text = message.get("text")
            self._size -= len(message["bytes"] if text is None else text)
        else:
            self._size = 0
        return message

    def has_room_again(self) -> bool:
        """Whether the half of it is free, after it was full. True once."""
        if self._full and len(self.messages) <= self.max_queue // 2 and self._size <= QUEUE_BYTES // 2:
            self._full = False
            return True
        return False

    def waits_for_more(self) -> bool:
        """Whether something was kept back until somebody waits, which is now. True once."""
        held, self._full = self._full, False
        return held

    def discard(self) -> None:
        """Forget what waits: nobody will take it. No more comes."""
        self.listening = False
        self._full = False
        self._size = 0
        self.messages.clear()

    def news(self) -> Awaitable[None]:
        """Something to wait for until there is a message, or an end of them."""
        future: asyncio.Future[None] = self._new_future()
        self._receivers = and_waiter(self._receivers, future)
        return future

    def _new_future(self) -> asyncio.Future[None]:
        raise NotImplementedError

    def wake_receivers(self) -> None:
        """There is news."""
        receivers, self._receivers = self._receivers, None
        wake(receivers)
