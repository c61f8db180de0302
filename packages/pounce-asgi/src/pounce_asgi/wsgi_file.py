"""``wsgi.file_wrapper``: an open file as a WSGI response, sent by the kernel where it can be (PEP 3333)."""

from __future__ import annotations

import io
import os
import stat
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["FileWrapper", "regular_file"]

BLOCK_SIZE: Final = 65536
"""Bytes read at a time from a file that cannot be sent by the kernel, unless the application says otherwise."""


class FileWrapper:
    """An iterable over a file-like object's blocks. It has a ``close`` exactly when the object has one."""

    def __init__(self, filelike: Any, block_size: int = BLOCK_SIZE) -> None:
        self.filelike = filelike
        self.block_size = block_size
        if hasattr(filelike, "close"):
            self.close = filelike.close

    def __iter__(self) -> Iterator[bytes]:
        """Itself: the blocks that are left."""
        return self

    def __next__(self) -> bytes:
        """The next block."""
        block: bytes = self.filelike.read(self.block_size)
        if not block:
            raise StopIteration
        return block


def regular_file(filelike: Any) -> io.FileIO | io.BufferedReader | io.BufferedRandom | None:
    """The open regular file behind a file-like object, or None when its bytes have to be read.

    Only the io module's own files are believed: a GzipFile too has a ``fileno()``, of the compressed bytes. Those
    within Django's File and tempfile's wrappers, which pass everything through, are found in their ``file``.
    """
    for _ in range(3):  # Django's File around a temporary file is the deepest there is
        if isinstance(filelike, io.IOBase) or not hasattr(filelike, "file"):
            break
        filelike = filelike.file
    raw = filelike.raw if isinstance(filelike, (io.BufferedReader, io.BufferedRandom)) else filelike
    if not isinstance(raw, io.FileIO) or raw.closed or not stat.S_ISREG(os.fstat(raw.fileno()).st_mode):
        return None
    return filelike  # type: ignore[no-any-return]
