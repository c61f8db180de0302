"""The body of a request as a blocking file: what a SyncApp reads from and what WSGI calls ``wsgi.input``.

It knows neither threads nor sockets: whoever makes one gives it a function that brings the next piece. Hot path of
uploads; a body that is read in the pieces in which it arrived is never copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["RequestStream"]


class RequestStream:
    """A readable binary stream. Owned by the thread that runs the application's call.

    Reading blocks until the client has sent what was asked for. A body that was cut off, or that was refused by the
    server, raises `ClientGone` (an OSError) where the missing bytes would be: it never looks complete.
    """

    __slots__ = ("_ended", "_more", "_position", "_waiting")

    closed = False

    def __init__(self, data: bytes = b"", *, more: Callable[[], bytes] | None = None) -> None:
        """``data`` is there already. ``more()`` blocks for the next piece; it returns none that is empty but at the
        end, after which it is not called again, and raises when the rest cannot be had, each time it is called.
        """
        self._waiting = data
        self._position = 0
        self._more = more
        self._ended = more is None

    def read(self, size: int | None = -1) -> bytes:
        """So many bytes, fewer only at the end of the body. All that is left for a negative size or None."""
        waiting = self._waiting
        start = self._position
        everything = size is None or size < 0
        if not everything:
            end = start + size  # type: ignore[operator]
            if end <= len(waiting):
                self._position = end
                return waiting[start:end]
        pieces = [self._take()]
        missing = -1 if everything else size - len(pieces[0])  # type: ignore[operator]
        while missing and (piece := self._next()):
            if 0 < missing < len(piece):
                self._waiting = piece
                self._position = missing
                piece = piece[:missing]
            pieces.append(piece)
            if not everything:
                missing -= len(piece)
        return b"".join(pieces)

    def read1(self, size: int | None = -1) -> bytes:
        """What has arrived, up to ``size`` bytes; blocks only when nothing has. Empty at the end of the body."""
        if size == 0:
            return b""
        if self._position >= len(self._waiting):
            self._waiting = self._next()
            self._position = 0
        if size is None or size < 0:
            return self._take()
        start = self._position
        piece = self._waiting[start : start + size]
        self._position = start + len(piece)
        return piece

    def readline(self, size: int | None = -1) -> bytes:
        """The next line with its line feed, or its first ``size`` bytes. Empty at the end of the body."""
        limit = -1 if size is None else size
        pieces: list[bytes] = []
        while limit:
            if self._position >= len(self._waiting):
                self._waiting = self._next()
                self._position = 0
                if not self._waiting:
                    break
            start = self._position
            end = self._waiting.find(b"\n", start) + 1 or len(self._waiting)
            if limit > 0:
                end = min(end, start + limit)
                limit -= end - start
            pieces.append(self._waiting[start:end])
            self._position = end
            if pieces[-1].endswith(b"\n"):
                break
        return b"".join(pieces)

    def readlines(self, hint: int | None = -1) -> list[bytes]:
        """The lines that are left, or enough of them to hold ``hint`` bytes."""
        enough = float("inf") if hint is None or hint <= 0 else hint
        lines: list[bytes] = []
        size = 0
        while size < enough and (line := self.readline()):
            lines.append(line)
            size += len(line)
        return lines

    def chunks(self) -> Iterator[bytes]:
        """The rest of the body in pieces as they arrive."""
        while piece := self.read1():
            yield piece

    def readable(self) -> bool:
        """It can be read; for wrappers of the ``io`` module."""
        return True

    def __iter__(self) -> Iterator[bytes]:
        """Lines, as of any binary file."""
        while line := self.readline():
            yield line

    def _take(self) -> bytes:
        """What is here and not read."""
        rest = self._waiting[self._position :] if self._position else self._waiting
        self._waiting = b""
        self._position = 0
        return rest

    def _next(self) -> bytes:
        if self._ended or self._more is None:
            return b""
        piece = self._more()
        if not piece:
            self._ended = True
        return piece
