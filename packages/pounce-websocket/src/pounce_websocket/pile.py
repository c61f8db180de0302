"""What has come of a message that is not whole: bytes in the order in which they came, in pieces of whatever sizes.

Nothing is copied to make room for more, which would take milliseconds for a large message, and many small pieces take
hardly more memory than what is in them.
"""

from __future__ import annotations

from collections import deque
from typing import Final

__all__ = ["Pile"]

_SMALL: Final = 4096
"""Smaller pieces are put together: an object for each of them would take more than what is in it."""


class Pile:
    """Bytes in pieces. Owned by who reads the connection."""

    __slots__ = ("_last", "_pieces", "_position", "size")

    def __init__(self) -> None:
        self._pieces: deque[bytes] = deque()
        self._position = 0
        """So much of the first piece was taken."""
        self._last = bytearray()
        self.size = 0
        """Bytes in it."""

    def add(self, data: bytes) -> None:
        """Put this behind the rest."""
        self.size += len(data)
        if len(data) < _SMALL:
            self._last += data
            if len(self._last) >= _SMALL:
                self._put_together()
        else:
            self._put_together()
            self._pieces.append(data)

    def take(self, most: int) -> bytes:
        """The next of them, ``most`` at most; none where nothing is left."""
        pieces = self._pieces
        if not pieces:
            self._put_together()
            if not pieces:
                return b""
        start = self._position
        end = start + most
        piece = pieces[0]
        if end < len(piece):
            self._position = end
            piece = piece[start:end]
        else:
            self._position = 0
            pieces.popleft()
            piece = piece[start:]
        self.size -= len(piece)
        return piece

    def take_all(self) -> bytes:
        """All of them in one."""
        self._put_together()
        pieces, self._pieces = self._pieces, deque()
        if self._position:
            pieces[0] = pieces[0][self._position :]
            self._position = 0
        self.size = 0
        return b"".join(pieces)

    def _put_together(self) -> None:
        if self._last:
            self._pieces.append(bytes(self._last))
            self._last = bytearray()
