"""One request of a blocking application under an event loop: the thread's side and the loop's side of it.

The thread gives commands (send these messages, receive, done), the loop carries them out in their order, each through
the ASGI callables it was given. So the rules of both are those of any ASGI application, and a client that leaves is
heard of as the OSError of ``send()`` or the disconnect of ``receive()``, which the thread is then told.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi.client_gone import is_client_gone
from pounce_asgi.errors import ClientGone
from pounce_asgi.request_stream import RequestStream
from pounce_asgi.sync_app import SyncRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_asgi.sync_app import SyncHandler

__all__ = ["LiftedCall"]

logger = logging.getLogger("pounce.error")

UNSENT_BYTES: Final = 65536
"""Bytes that the thread may be ahead of the loop: as much as a request body may be ahead of its application."""
FILE_BLOCK: Final = 65536

_Command = tuple[tuple[dict[str, Any], ...], int] | None
"""Messages to send and the number of bytes in them; None to receive."""

_ZERO_COPY: Final = "http.response.zerocopysend"


class LiftedCall:
    """A call of a `SyncHandler` in some thread. ``_changed`` guards what both sides use, which is named below."""

    def __init__(self, handler: SyncHandler, scope: Any, receive: Any, send: Any) -> None:
        self._handler = handler
        self._scope = scope
        self._receive = receive
        self._send = send
        self._loop = asyncio.get_running_loop()
        # Of both sides:
        self._changed = threading.Condition(threading.Lock())
        self._commands: deque[_Command] = deque()
        self._awake = False  # the loop looks at the commands, or will
        self._unsent = 0
        self._received: bytes | None = None
        self._error: BaseException | None = None  # of the loop's side: nothing more can be sent or received
        self._outcome: BaseException | None = None  # of the handler
        self._returned = False
        self._abandoned = False  # nobody waits for the outcome any more
        # Of the thread:
        self._held: dict[str, Any] | None = None
        self._body_ended = False
        # Of the loop:
        self._sleeper: asyncio.Future[None] | None = None
        self._more_body = True

    # -- in the thread -----------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Call the application; in the thread. Its outcome is raised by ``serve()``."""
        request = SyncRequest.from_scope(self._scope, RequestStream(more=self._next_piece))
        outcome: BaseException | None = None
        try:
            self._handler(request, self._send_from_thread)
        except BaseException as error:  # noqa: BLE001 - it is raised again on the other side
            outcome = error
        with self._changed:
            self._outcome = outcome
            self._returned = True
            abandoned = not self._wake_loop() or self._abandoned
        if abandoned and outcome is not None and not is_client_gone(outcome):
            logger.error("Exception in the application, whose call had been given up", exc_info=outcome)

    def _send_from_thread(self, message: dict[str, Any]) -> None:
        """The `SyncSend` of the handler. It blocks while too much waits for the client, and for the whole of a file."""
        if message["type"] == "http.response.start":
            # It goes out with what comes next. Its headers are looked at here, should they be a generator.
            self._held = {**message, "headers": tuple(message["headers"])}
        elif message["type"] == _ZERO_COPY and _ZERO_COPY not in (self._scope.get("extensions") or ()):
            for piece in _file_blocks(message["file"], message.get("offset"), message.get("count")):
                self._hand_over({"type": "http.response.body", "body": piece, "more_body": True}, len(piece))
            self._hand_over({"type": "http.response.body"}, 0)
        elif message["type"] == _ZERO_COPY:
            self._hand_over(message, 1, until_sent=True)  # afterwards the application may close the file
        else:
            body = message.get("body", b"")
            if isinstance(body, (bytearray, memoryview)):
                message["body"] = body = bytes(body)  # the application may change its own meanwhile
            self._hand_over(message, len(body) if isinstance(body, bytes) else 0)

    def _hand_over(self, message: dict[str, Any], size: int, *, until_sent: bool = False) -> None:
        messages = (message,) if self._held is None else (self._held, message)
        self._held = None
        with self._changed:
            while self._error is None and self._unsent >= UNSENT_BYTES:
                self._changed.wait()
            self._raise_if_over()
            self._unsent += size
            self._command((messages, size))
            while until_sent and self._error is None and self._unsent:
                self._changed.wait()
            if until_sent:
                self._raise_if_over()

    def _next_piece(self) -> bytes:
        """What has come of the request body; empty at its end."""
        if self._body_ended:
            return b""
        with self._changed:
            self._raise_if_over()
            self._command(None)
            while self._received is None and self._error is None:
                self._changed.wait()
            self._raise_if_over()
            piece, self._received = self._received or b"", None
        self._body_ended = not piece
        return piece

    def _raise_if_over(self) -> None:
        if self._error is None:
            return
        if isinstance(self._error, Exception):
            raise self._error
        raise ClientGone("the request was given up") from self._error

    def _command(self, command: _Command) -> None:
        """Tell the loop what to do. The lock is held."""
        self._commands.append(command)
        if not self._wake_loop():
            self._error = ClientGone("the server has stopped")
            raise self._error

    def _wake_loop(self) -> bool:
        """Let the loop look at what there is; False when it is gone. The lock is held."""
        if not self._awake:
            self._awake = True
            try:
                self._loop.call_soon_threadsafe(self._wake)
            except RuntimeError:
                return False
        return True

    # -- in the loop -------------------------------------------------------------------------------------------------

    async def serve(self) -> None:
        """Carry out what the thread says until the application has returned; raises what it raised."""
        try:
            while (commands := self._take_commands()) is not None:
                if not commands:
                    self._sleeper = self._loop.create_future()
                    await self._sleeper
                for command in commands:
                    await self._carry_out(command)
        except BaseException as error:
            self._abandoned = True
            self._fail(error)  # cancelled: the thread cannot be, but it will be told
            raise
        outcome = self._outcome or self._error
        if outcome is not None:
            self._outcome = self._error = None
            try:
                raise outcome
            finally:
                del outcome  # or its traceback would keep this frame, and this frame the error

    def give_up(self) -> None:
        """The call was taken back before a thread took it: let ``serve()`` end."""
        with self._changed:
            self._returned = True
        self._wake()

    def _wake(self) -> None:
        sleeper, self._sleeper = self._sleeper, None
        if sleeper is not None and not sleeper.done():
            sleeper.set_result(None)

    def _take_commands(self) -> list[_Command] | None:
        """What is to be done; an empty list for nothing as yet, None when the application has returned."""
        with self._changed:
            commands = list(self._commands)
            self._commands.clear()
            if commands:
                return commands
            if self._returned:
                return None
            self._awake = False
            return commands

    async def _carry_out(self, command: _Command) -> None:
        if self._error is not None:
            return
        try:
            if command is None:
                await self._receive_piece()
                return
            messages, size = command
            for message in messages:
                await self._send(message)
        except Exception as error:  # noqa: BLE001 - the thread raises it
            self._fail(error)
            return
        with self._changed:
            self._unsent -= size
            self._changed.notify_all()

    async def _receive_piece(self) -> None:
        piece = b""
        while not piece and self._more_body:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise ClientGone("the client has disconnected, and the rest of the request body cannot be had")
            piece = message.get("body", b"")
            self._more_body = message.get("more_body", False)
        with self._changed:
            self._received = piece
            self._changed.notify_all()

    def _fail(self, error: BaseException) -> None:
        """Nothing more can be sent or received: the thread hears of it where it waits, or when it next tries."""
        with self._changed:
            if self._error is None:
                self._error = error
            self._changed.notify_all()


def _file_blocks(file: Any, offset: int | None, count: int | None) -> Iterator[bytes]:
    """A range of an open file in pieces, for a server that cannot send files."""
    if isinstance(file, int):
        with os.fdopen(os.dup(file), "rb", buffering=0) as copy:
            yield from _file_blocks(copy, offset, count)
        return
    if offset is not None:
        file.seek(offset)
    left = float("inf") if count is None else count
    while left and (block := file.read(min(left, FILE_BLOCK))):
        left -= len(block)
        yield block
