"""Bodies that the application names as files: read whole if small, or piece by piece. Called in threads."""

from __future__ import annotations

import os
import stat
from typing import IO, Final

__all__ = ["PIECE", "read_piece", "read_range", "read_small"]

PIECE: Final = 256 * 1024
"""Bytes that are read at once from a file whose size is not bounded."""


def read_small(path: str | os.PathLike[str], most: int, declared: int | None) -> bytes | None:
    """The content of a file, or None when that is better left to the server.

    That is: more than ``most`` bytes, another length than was ``declared``, no regular file, or not to be read; then
    the server sends it, or says what is wrong with it.
    """
    try:
        with open(path, "rb", buffering=0, opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return None
            content = _read_up_to(file, most + 1)
    except (OSError, ValueError, TypeError):
        return None
    if len(content) > most or declared not in (None, len(content)):
        return None
    return content


def read_piece(file: IO[bytes] | int, offset: int | None, count: int) -> bytes:
    """Up to ``count`` bytes of an open file. Without an offset it reads, and moves, from where the file stands."""
    if not isinstance(file, int):
        if offset is not None:
            file.seek(offset)
        return file.read(count)
    if offset is None:
        return os.read(file, count)
    if hasattr(os, "pread"):  # others may be sending the same file by the same descriptor
        return os.pread(file, count, offset)
    os.lseek(file, offset, os.SEEK_SET)  # Windows
    return os.read(file, count)


def read_range(file: int, offset: int, count: int) -> bytes | None:
    """So many bytes of an open file, which does not move; None where it has less, or cannot be read."""
    pieces = []
    try:
        while count > 0 and (piece := read_piece(file, offset, count)):
            pieces.append(piece)
            offset, count = offset + len(piece), count - len(piece)
    except OSError:
        return None
    return None if count else b"".join(pieces)


def _read_up_to(file: IO[bytes], count: int) -> bytes:
    pieces, left = [], count
    while left > 0 and (piece := file.read(left)):
        pieces.append(piece)
        left -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _open_at_once(path: str, flags: int) -> int:
    """A FIFO without a writer would hold up its thread for ever; opened like this, it can be refused."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0))
