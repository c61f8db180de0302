"""Opening files below a directory and nowhere else: the second wall. It blocks: call it in a thread.

A file is opened first and looked at afterwards, through its descriptor, so nothing can be put in its place between the
two. Where the system can (POSIX), the way to it is walked from the root by descriptors, folder by folder, and no step
may be a symbolic link; a policy that allows links resolves them before, and what it found is walked in the same way.
"""

# Names go to the system as they are: a Path would first read its own meaning into them.
# ruff: noqa: PTH100, PTH112, PTH118, PTH206

from __future__ import annotations

import contextlib
import errno
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pounce_middleware.static.settings import SYMLINKS, Symlinks

if TYPE_CHECKING:
    from pounce_middleware.static.request_path import FilePath

__all__ = ["Directory", "NoSuchFile", "OpenFile"]

_WALKS: Final = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW") and hasattr(os, "O_DIRECTORY")
_COMMON: Final = (
    os.O_RDONLY
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a FIFO without a writer would be waited for
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_FOLDER: Final = _COMMON | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_PATH", 0)
_NO_LINK: Final = getattr(os, "O_NOFOLLOW", 0)


class NoSuchFile(Exception):  # noqa: N818 - it says what happened
    """There is no such file, or none that may be served: the two look alike from outside."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenFile:
    """An open regular file, or a folder. Who has it closes it."""

    fd: int
    """-1 for a folder where the system opens none (Windows)."""
    status: os.stat_result
    path: str
    """Where it was found, with links resolved as the policy wants: for servers that open it themselves."""

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return stat.S_ISDIR(self.status.st_mode)

    def close(self) -> None:
        """Close it; once."""
        if self.fd >= 0:
            os.close(self.fd)


class Directory:
    """A root below which files may be opened. It holds nothing open and may be used from any thread.

    The root itself may be a symbolic link that changes: it is looked at anew each time.
    """

    def __init__(self, root: str | os.PathLike[str], *, symlinks: Symlinks = "within") -> None:
        """``symlinks``: ``within`` follows links whose target is below the root, ``follow`` all, ``none`` none.

        Raises:
            ValueError: the root is no directory, or there is no such policy.
        """
        if symlinks not in SYMLINKS:
            raise ValueError(f"symlinks: {symlinks!r} is not one of {', '.join(SYMLINKS)}")
        self.root = os.path.abspath(os.fspath(root))
        if not os.path.isdir(self.root):
            raise ValueError(f"{os.fspath(root)!r} is not a directory")
        self.symlinks = symlinks

    def open(self, names: FilePath) -> OpenFile:
        """Open what the names lead to; without names, the root itself.

        Raises:
            NoSuchFile: nothing is there, or something that may not be served.
            OSError: the system failed: too many open files, a disk that cannot be read.
        """
        try:
            if self.symlinks == "follow":
                return _looked_at(os.path.join(self.root, *names), None)
            if not _WALKS:
                return self._open_and_compare(names)
            if self.symlinks == "none":
                root, below = self.root, names
            else:
                root, below = self._resolve(names)
            return _walk(root, below)
        except (FileNotFoundError, NotADirectoryError, PermissionError, ValueError, _Refused):
            raise NoSuchFile from None
        except OSError as error:
            if error.errno in _LIKE_NOTHING:
                raise NoSuchFile from None
            raise

    def names(self, names: FilePath, *, most: int) -> list[tuple[str, bool]]:
        """What is in a folder, at most ``most`` of it, and whether each is a folder; only what `open` would open.

        Raises:
            NoSuchFile: as `open`.
            OSError: as `open`.
        """
        folder = self.open(names)
        found: list[tuple[str, bool]] = []
        try:
            with os.scandir(folder.fd if _WALKS else folder.path) as entries:
                for entry in entries:
                    if len(found) == most:
                        break
                    with contextlib.suppress(NoSuchFile):
                        found.append((entry.name, self._is_folder((*names, entry.name), entry)))
        except NotADirectoryError:
            raise NoSuchFile from None
        finally:
            folder.close()
        return found

    def _is_folder(self, names: FilePath, entry: os.DirEntry[str]) -> bool:
        if not entry.is_symlink():
            if entry.is_dir(follow_symlinks=False):
                return True
            if entry.is_file(follow_symlinks=False):
                return False
        target = self.open(names)
        target.close()
        return target.is_folder

    def _resolve(self, names: FilePath) -> tuple[str, FilePath]:
        """The real root and the names from there, without any link.

        Raises:
            _Refused: it is outside.
        """
        root = os.path.realpath(self.root)
        if not names:
            return root, ()
        real = os.path.realpath(os.path.join(root, *names), strict=True)
        prefix = root if root.endswith(os.sep) else root + os.sep
        if real == root:
            return root, ()
        if not real.startswith(prefix):
            raise _Refused
        return root, tuple(real[len(prefix) :].split(os.sep))

    def _open_and_compare(self, names: FilePath) -> OpenFile:
        """Where folders cannot be walked by descriptors (Windows): resolve, open, and see that both are one file."""
        root, below = self._resolve(names)
        path = os.path.join(root, *below)
        if self.symlinks == "none" and os.path.normcase(path) != os.path.normcase(os.path.join(root, *names)):
            raise _Refused
        file = _looked_at(path, None)
        again = self._resolve(names)
        if again != (root, below) or not os.path.samestat(file.status, os.lstat(path)):
            file.close()
            raise _Refused
        return file


class _Refused(Exception):  # noqa: N818 - never seen outside
    """It may not be served."""


_LIKE_NOTHING: Final = frozenset(
    getattr(errno, name)
    for name in ("ELOOP", "EMLINK", "ENAMETOOLONG", "ENXIO", "EINVAL", "ENODEV", "EOPNOTSUPP")
    if hasattr(errno, name)
)
"""A link where none may be (ELOOP; EMLINK on FreeBSD), names that cannot exist, sockets."""


def _walk(root: str, names: FilePath) -> OpenFile:
    """From the root to a file by descriptors; no step is a link."""
    folder = os.open(root, _FOLDER)
    try:
        for name in names[:-1]:
            below = os.open(name, _FOLDER | _NO_LINK, dir_fd=folder)
            os.close(folder)
            folder = below
        path = os.path.join(root, *names)
        return _looked_at(names[-1], folder, path) if names else _looked_at(".", folder, path)
    finally:
        os.close(folder)


def _looked_at(name: str, folder: int | None, path: str = "") -> OpenFile:
    """Open a file or a folder, and see through the descriptor what was opened.

    It is looked at before as well, because opening alone does something to some devices.

    Raises:
        _Refused: it is neither.
    """
    before = os.stat(name, dir_fd=folder, follow_symlinks=folder is None)
    _require_file_or_folder(before)
    if os.name == "nt" and stat.S_ISDIR(before.st_mode):
        return OpenFile(fd=-1, status=before, path=path or name)
    fd = os.open(name, _COMMON if folder is None else _COMMON | _NO_LINK, dir_fd=folder)
    try:
        status = os.fstat(fd)
        _require_file_or_folder(status)
    except BaseException:
        os.close(fd)
        raise
    return OpenFile(fd=fd, status=status, path=path or name)


def _require_file_or_folder(status: os.stat_result) -> None:
    if not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode)):
        raise _Refused
