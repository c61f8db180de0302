"""What waits to be sent on one stream: pieces of memory and of files, in order."""

from __future__ import annotations

import os
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

__all__ = ["FilePiece", "Outgoing"]


class FilePiece:
    """A range of a file that is read as it is sent, a frame at a time. ``future`` gets the number of bytes sent."""

    __slots__ = ("_descriptor", "_offset", "future", "left", "sent")

    def __init__(self, descriptor: int, offset: int, count: int, future: asyncio.Future[int]) -> None:
        self._descriptor = descriptor
        self._offset = offset
        self.left = count
        self.sent = 0
        self.future = future

    def read(self, most: int) -> bytes:
        """The next bytes; none when the file is shorter than it was. Raises OSError."""
        wanted = min(most, self.left)
        if hasattr(os, "pread"):
            data = os.pread(self._descriptor, wanted, self._offset)
        else:  # Windows
            os.lseek(self._descriptor, self._offset, os.SEEK_SET)
            data = os.read(self._descriptor, wanted)
        self._offset += len(data)
        self.left -= len(data)
        self.sent += len(data)
        return data


class Outgoing:
    """Pieces of one body. Empty ones are never in it."""

    __slots__ = ("_pieces", "_position")

    def __init__(self) -> None:
        self._pieces: deque[bytes | FilePiece] = deque()
        self._position = 0
        """How much of the first piece is gone, where that is memory."""

    def __len__(self) -> int:
        return len(self._pieces)

    def add(self, piece: bytes | FilePiece) -> None:
        """Put a piece behind the others."""
        self._pieces.append(piece)

    def take(self, most: int) -> bytes | None:
        """Up to so many bytes, out of one piece; None when a file could not give what it should have.

        The future of a file is done when its last byte is taken, or when that cannot be had.
        """
        piece = self._pieces[0]
        if isinstance(piece, FilePiece):
            return self._take_of_file(piece, most)
        start = self._position
        if start == 0 and len(piece) <= most:
            self._pieces.popleft()
            return piece
        data = piece[start : start + most]
        if start + most >= len(piece):
            self._pieces.popleft()
            self._position = 0
        else:
            self._position = start + most
        return data

    def _take_of_file(self, piece: FilePiece, most: int) -> bytes | None:
        if piece.future.cancelled():  # the application no longer waits for it: nobody says how the body would go on
            self._pieces.popleft()
            return None
        try:
            data = piece.read(most)
        except OSError as error:
            self._pieces.popleft()
            piece.future.set_exception(error)
            return None
        if not data or not piece.left:
            self._pieces.popleft()
            piece.future.set_result(piece.sent)
        return data or None

    def drop(self, error: OSError) -> None:
        """The stream is over: nothing of it will be sent."""
        pieces, self._pieces = self._pieces, deque()
        for piece in pieces:
            if isinstance(piece, FilePiece) and not piece.future.done():
                piece.future.set_exception(error)
