"""Tells whether files have changed, without reading them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["FileSignature", "file_signature"]

FileSignature = tuple[tuple[object, ...], ...]
"""Equal as long as nothing has changed."""


def file_signature(paths: Iterable[str]) -> FileSignature:
    """What the system knows of these files; a file that cannot be asked about has a signature too.

    Links are followed to the end, each time: certbot and Kubernetes put new files in place by switching a link, of
    which a path in the settings may have several on its way.
    """
    return tuple(map(_one, paths))


def _one(path: str) -> tuple[object, ...]:
    try:
        status = os.stat(path)  # noqa: PTH116 - a text is what is given, several times a minute
    except OSError as error:
        return (path, error.errno)
    # The time of the last change of the inode tells of a new mode as well: a file that could not be read now may.
    return (
        os.path.realpath(path),
        status.st_dev,
        status.st_ino,
        status.st_size,
        status.st_mtime_ns,
        status.st_ctime_ns,
    )
