"""Whose code is on a stack, and which line of it is to be named."""

from __future__ import annotations

import enum
import linecache
import os
import sys
import sysconfig
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .contracts import Frame

__all__ = ["CodePlaces", "Origin", "Place"]

MOST_LINES: Final = 30
"""Frames of a stack that are shown: the innermost, where the time goes."""

_DEBUGGERS: Final = ("pydevd", "debugpy", "ipdb", "pudb")
_IMPORTING: Final = "<frozen importlib._bootstrap>"


class Origin(enum.Enum):
    """Whose code it is."""

    APPLICATION = "application"
    INSTALLED = "installed"
    """A package from site-packages."""
    LIBRARY = "library"
    """Python's own."""
    SERVER = "server"
    """Pounce's."""


class Place(NamedTuple):
    """A line of code."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.function} ({self.file}:{self.line})"


class CodePlaces:
    """Tells code apart by where its files are. Used by one thread."""

    def __init__(self, server: Iterable[str] | None = None, library: Iterable[str] | None = None) -> None:
        """The folders of Pounce's packages and of Python's library; those of this process if they are not given."""
        self._server = tuple(_server_folders() if server is None else server)
        self._library = tuple(_library_folders() if library is None else library)
        self._known: dict[str, Origin] = {}  # as many as there are source files on stacks that were looked at

    def origin(self, file: str) -> Origin:
        """Whose this file is."""
        known = self._known.get(file)
        if known is None:
            known = self._known[file] = self._find(file)
        return known

    def _find(self, file: str) -> Origin:
        if file.startswith("<frozen "):
            return Origin.LIBRARY
        if file.startswith(self._server):
            return Origin.SERVER
        parts = file.replace("\\", "/").split("/")
        if "site-packages" in parts or "dist-packages" in parts:
            return Origin.INSTALLED
        return Origin.LIBRARY if file.startswith(self._library) else Origin.APPLICATION

    def place(self, stack: Sequence[Frame]) -> Place | None:
        """The innermost line of the application; without one, of a package. None: neither is on this stack. While it
        imports, that is the line that does.
        """
        importing = next((index for index, frame in enumerate(stack) if frame.file == _IMPORTING), len(stack))
        for wanted in (Origin.APPLICATION, Origin.INSTALLED):
            for frame in reversed(stack[:importing]):
                if self.origin(frame.file) is wanted:
                    return Place(frame.file, frame.line, frame.function)
        return None

    def is_debugged(self, stack: Sequence[Frame]) -> bool:
        """Whether somebody looks at it in a debugger, and it stands still for that."""
        for frame in stack:
            if Path(frame.file).name in ("pdb.py", "bdb.py") or any(one in frame.file for one in _DEBUGGERS):
                return True
        return False

    def imports(self, stack: Sequence[Frame]) -> bool:
        """Whether it imports a module."""
        return any(frame.file == _IMPORTING for frame in stack)

    def shown(self, stack: Sequence[Frame]) -> str:
        """The stack as a traceback would show it, without what the server and the loop do to get there."""
        first = next(
            (
                index
                for index, frame in enumerate(stack)
                if self.origin(frame.file) in (Origin.APPLICATION, Origin.INSTALLED)
            ),
            0,
        )
        lines = [
            (frame.file, frame.line, frame.function, linecache.getline(frame.file, frame.line).strip())
            for frame in stack[first:][-MOST_LINES:]
            if not frame.file.startswith("<frozen ")
        ]
        return "".join(traceback.format_list(lines)).rstrip()


def _server_folders() -> list[str]:
    folders = []
    for name, module in tuple(sys.modules.copy().items()):
        if name == "pounce" or (name.startswith("pounce_") and "." not in name):
            folders += [folder.rstrip(os.sep) + os.sep for folder in getattr(module, "__path__", ())]
    return folders


def _library_folders() -> list[str]:
    paths = sysconfig.get_paths()
    return [paths[name].rstrip(os.sep) + os.sep for name in ("stdlib", "platstdlib")]
