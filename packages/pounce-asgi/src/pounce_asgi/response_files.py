"""Response bodies from files: the ``pathsend`` and ``zerocopysend`` extensions of ASGI."""

from __future__ import annotations

import os
import stat
from typing import IO, TYPE_CHECKING, Any

from pounce_asgi.contracts import BodyFraming
from pounce_asgi.errors import ClientGone, ContentLengthMismatch, InvalidMessage, UnexpectedMessage
from pounce_asgi.response_messages import count_body, end_of_body, open_response
from pounce_asgi.response_states import FAILED, HEAD_HELD, STREAMING, Message

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from pounce_asgi.http_exchange import HttpExchange

__all__ = ["on_path", "on_zero_copy"]


def on_path(exchange: HttpExchange[Any], message: Message) -> Awaitable[None] | None:
    """``http.response.pathsend``: the whole body is the file at ``path``."""
    path = message.get("path")
    if not isinstance(path, (str, os.PathLike)):
        raise InvalidMessage(f"http.response.pathsend: path is {path!r:.100}, not a string")
    if exchange.state is STREAMING and exchange.sent:
        raise UnexpectedMessage("http.response.pathsend came after body bytes; it cannot be mixed with them")
    return _send_path(exchange, os.fspath(path))


async def _send_path(exchange: HttpExchange[Any], path: str) -> None:
    # Opening is quick, and the reading is done by sendfile.
    with open(path, "rb", opener=_open_at_once) as file:  # noqa: ASYNC230
        await _send_range(exchange, file, 0, None, end=True)


def _open_at_once(path: str, flags: int) -> int:
    """A FIFO without a writer would hold up the whole loop; opened like this, it can be refused."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def on_zero_copy(exchange: HttpExchange[Any], message: Message) -> Awaitable[None] | None:
    """``http.response.zerocopysend``: a piece of body from an open file, which stays the application's to close."""
    file: Any = message.get("file")
    if not isinstance(file, int) and not (hasattr(file, "fileno") and hasattr(file, "tell")):
        raise InvalidMessage(f"http.response.zerocopysend: file is {file!r:.100}, not an open file")
    for key in ("offset", "count"):
        number = message.get(key)
        if number is not None and (not isinstance(number, int) or number < 0):
            raise InvalidMessage(f"http.response.zerocopysend: {key} is {number!r:.100}, not a number from 0")
    end = not message.get("more_body", False)
    return _send_range(exchange, file, message.get("offset"), message.get("count"), end=end)


async def _send_range(
    exchange: HttpExchange[Any], file: IO[bytes] | int, offset: int | None, count: int | None, *, end: bool
) -> None:
    """Send a range of a file as a piece of body. The count is settled first: framing needs it before the bytes."""
    descriptor = file if isinstance(file, int) else file.fileno()
    start = _position(file) if offset is None else offset
    count = _range_length(descriptor, start, count)
    if exchange.state is HEAD_HELD:
        bodyless = exchange.framing is BodyFraming.NONE
        open_response(exchange, b"", count if end else None, end=end and bodyless)
        if bodyless:
            return
        exchange.sent = 0
    if exchange.framing is BodyFraming.NONE:
        if end:
            exchange.sink.send_body(b"", end=True)
            end_of_body(exchange)
        return
    count_body(exchange, count, end=end)
    try:
        sent = await exchange.sink.send_file(descriptor, start, count, end=end and not exchange.trailers)
    except ClientGone:
        exchange.client_gone()  # seen as the file was begun: the connection tells of it only afterwards
        raise
    except OSError as error:
        if exchange.gone:
            raise ClientGone("the client has disconnected") from error
        raise
    if offset is None:
        _move(file, start + sent)
    if sent != count:
        exchange.state = FAILED
        raise ContentLengthMismatch(f"a file became shorter while it was sent: {sent} of {count} bytes were there")
    if end and exchange.state is STREAMING:
        end_of_body(exchange)


def _position(file: IO[bytes] | int) -> int:
    """Where the application stands in a file. A buffered one may have read ahead: its descriptor stands elsewhere."""
    return os.lseek(file, 0, os.SEEK_CUR) if isinstance(file, int) else file.tell()


def _move(file: IO[bytes] | int, position: int) -> None:
    if isinstance(file, int):
        os.lseek(file, position, os.SEEK_SET)
    else:
        file.seek(position)


def _range_length(descriptor: int, start: int, count: int | None) -> int:
    """How many bytes of the file will be sent: up to its end when no count is given."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        raise InvalidMessage("a response body can be sent from a regular file only, not from a pipe or a socket")
    available = max(status.st_size - start, 0)
    if count is None:
        return available
    if count > available:
        raise InvalidMessage(f"http.response.zerocopysend: count is {count}, but only {available} bytes are left")
    return count
