"""Sending pieces of an open file by what the server offers, without ever waiting for a disk on the event loop."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi import ASGISendCallable
    from pounce_middleware.static.answer import Answer
    from pounce_middleware.static.held_files import HeldFile
    from pounce_middleware.static.ranges import Piece

__all__ = ["FileBecameShorter", "offers", "send_answer"]

PATHSEND: Final = "http.response.pathsend"
ZERO_COPY: Final = "http.response.zerocopysend"

WINDOW: Final = 4 << 20
"""Bytes of a file given to the server at once: before each the pages are brought into memory, where they must still be
when the client has read so far."""
MOST_AT_ONCE: Final = 16 << 20
"""Bytes given to the server at once when they were in memory a moment ago, for a request before this one."""
READ: Final = 256 * 1024
"""Bytes read at once where the server takes bytes only: what one download holds in memory."""
STRIDE: Final = 128 * 1024
"""Bytes between the places that are looked at. Linux reads ahead that much, and drops pages in such runs too."""

_NOWAIT: Final[int] = getattr(os, "RWF_NOWAIT", 0)
_PREAD: Final = hasattr(os, "pread")


class FileBecameShorter(RuntimeError):  # noqa: N818 - it says what happened
    """The file lost bytes that were promised. The response cannot be completed: the server must cut it off."""


def offers(scope: Any) -> str:
    """The better extension of the server for sending files; empty when it has none.

    A descriptor is better than a path: what was opened and looked at is what is sent, whatever the path leads to now.
    """
    extensions = scope.get("extensions") or {}
    if ZERO_COPY in extensions and _PREAD:
        return ZERO_COPY
    return PATHSEND if PATHSEND in extensions else ""


async def send_answer(answer: Answer, held: HeldFile, send: ASGISendCallable, extension: str) -> None:
    """Send the response, head first.

    Raises:
        FileBecameShorter: or another exception of the server: the response is cut off.
    """
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers, "trailers": False})
    if extension == PATHSEND and answer.status == 200:
        await send({"type": "http.response.pathsend", "path": held.file.path})
        return
    send_piece = _send_by_descriptor if extension == ZERO_COPY else _send_by_reading
    left = len(answer.parts)
    for prelude, piece in answer.parts:
        left -= 1
        if prelude:
            await _send_bytes(send, prelude, more=True)
        await send_piece(held, piece, send, last=not left and not answer.closing)
    if answer.closing or not answer.size:
        await _send_bytes(send, answer.closing, more=False)


async def _send_bytes(send: ASGISendCallable, data: bytes, *, more: bool) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def _send_by_descriptor(held: HeldFile, piece: Piece, send: ASGISendCallable, *, last: bool) -> None:
    fd = held.file.fd
    start = piece.start
    while start < piece.end:
        window = start - start % WINDOW
        end = min(window + WINDOW, piece.end)
        if window not in held.warm:
            if not _in_memory(fd, start, end - start):
                await _in_thread(_bring_into_memory, fd, start, end - start)
            if start == window and end == min(window + WINDOW, held.file.status.st_size):
                held.warm.add(window)
        while end < piece.end and end in held.warm and end - start < MOST_AT_ONCE:
            end = min(end + WINDOW, piece.end)
        count = end - start
        if os.fstat(fd).st_size < start + count:
            raise FileBecameShorter("a file became shorter while it was sent")
        more = not last or start + count < piece.end
        await send({
            "type": "http.response.zerocopysend", "file": fd, "offset": start, "count": count, "more_body": more,
        })  # fmt: skip
        start = end


async def _send_by_reading(held: HeldFile, piece: Piece, send: ASGISendCallable, *, last: bool) -> None:
    fd = held.file.fd
    start = piece.start
    while start < piece.end:
        count = min(READ, piece.end - start)
        data = _read(fd, start, count) if _in_memory(fd, start, count) else await _in_thread(_read, fd, start, count)
        if not data:
            raise FileBecameShorter("a file became shorter while it was sent")
        start += len(data)
        await _send_bytes(send, data, more=not last or start < piece.end)


async def _in_thread(call: Callable[..., Any], *args: Any) -> Any:
    """In the worker's own threads. Cancelled only once the thread is done: the descriptor is closed afterwards."""
    future = asyncio.get_running_loop().run_in_executor(None, call, *args)
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        if not future.cancelled():
            await asyncio.wait([future])
        raise


def _in_memory(fd: int, start: int, count: int) -> bool:
    """Whether the pages are there, so that reading them waits for nothing. False where it cannot be told."""
    if not _NOWAIT:
        return False
    byte = bytearray(1)
    try:
        for place in (*range(start, start + count, STRIDE), start + count - 1):
            if os.preadv(fd, [byte], place, _NOWAIT) != 1:
                return False
    except OSError:  # EAGAIN: not there; EOPNOTSUPP: this file system does not say
        return False
    return True


def _bring_into_memory(fd: int, start: int, count: int) -> None:
    if hasattr(os, "posix_fadvise"):
        os.posix_fadvise(fd, start, count, os.POSIX_FADV_WILLNEED)
    for place in (*range(start, start + count, STRIDE), start + count - 1):
        os.pread(fd, 1, place)


def _read(fd: int, start: int, count: int) -> bytes:
    if _PREAD:
        return os.pread(fd, count, start)
    os.lseek(fd, start, os.SEEK_SET)
    return os.read(fd, count)
