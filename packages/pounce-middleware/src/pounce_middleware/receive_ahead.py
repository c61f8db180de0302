"""Receiving before the application does, so that its client is seen to leave; what comes meanwhile is kept for it.

Messages reach the application in their order and none is lost. No more than 64 KiB of a body are kept: when an
application does not take them, receiving stops there, so that flow control goes on to work, and from there on the
client's leaving is not seen.

A request with ``Expect: 100-continue`` must not be received ahead: to receive is to ask for its body. `is_patient` says
so.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi import ASGIReceiveCallable

__all__ = ["ReceiveAhead", "is_patient"]

KEPT: Final = 65_536
"""Bytes of a body that are kept at most, and one message more."""

_GONE: Final = ("http.disconnect", "websocket.disconnect")


def is_patient(scope: Any) -> bool:
    """Whether a client waits to be asked for its body (RFC 9110, 10.1.1)."""
    return any(name == b"expect" for name, _ in scope["headers"])


class ReceiveAhead:
    """One request's messages. It belongs to the loop of the request."""

    __slots__ = ("_kept", "_messages", "_on_gone", "_receive", "_room", "_task", "_waiters", "gone")

    def __init__(self, receive: ASGIReceiveCallable, on_gone: Callable[[], None]) -> None:
        """``on_gone`` is called when the client leaves, unless the application is just receiving: then it is told."""
        self._receive = receive
        self._on_gone = on_gone
        self._messages: deque[Any] = deque()
        self._kept = 0
        self._waiters: list[asyncio.Future[None]] = []
        self._room: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None
        self.gone = False

    def start(self) -> None:
        """Begin to receive."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Receive no more; what is kept stays."""
        task = self._task
        self.cancel()
        if task is not None and not task.done():
            await asyncio.wait((task,))

    def cancel(self) -> None:
        """The same, without waiting for it."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    async def receive(self) -> Any:
        """The application's ``receive``."""
        while not self._messages:
            if self._task is None or self._task.done():
                return await self._receive()
            if self._room is not None and not self._room.done():
                self._room.set_result(None)
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
        message = self._messages.popleft()
        self._kept -= len(message.get("body") or b"")
        return message

    async def _run(self) -> None:
        try:
            while not self.gone:
                message: Any = await self._receive()
                self._messages.append(message)
                self._kept += len(message.get("body") or b"")
                self.gone = message["type"] in _GONE
                told = bool(self._waiters)
                self._wake()
                if self.gone and not told:
                    self._on_gone()
                elif self._kept > KEPT:
                    await self._wait_for_room()
        except Exception:  # noqa: BLE001 - it is the application's: it receives for itself then, and meets it
            return
        finally:
            self._wake()

    async def _wait_for_room(self) -> None:
        while self._messages and self._kept > KEPT and not self._waiters:
            self._room = asyncio.get_running_loop().create_future()
            await self._room

    def _wake(self) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)
