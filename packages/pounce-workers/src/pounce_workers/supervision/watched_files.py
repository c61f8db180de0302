"""Which files are watched: below which folders, and by which patterns.

The patterns are uvicorn's, with one difference: they see a path as it is below the watched folder. What the folders
above are called plays no part.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Final

from pounce_asgi import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["WatchedFiles", "is_environment"]

INCLUDED: Final = ("*.py",)
EXCLUDED: Final = (".*", ".py[cod]", ".sw.*", "~*")

NEVER_ENTERED: Final = frozenset({"__pycache__", "node_modules"})
"""Folders below the watched one that hold many files and never the source of a Python application."""

ENVIRONMENT_MARKS: Final = ("pyvenv.cfg", "conda-meta")
"""What lies in the folder of a virtual environment: PEP 405 and conda."""

_WILD: Final = re.compile(r"[*?\[]")


@dataclass(frozen=True, slots=True)
class WatchedFiles:
    """Folders, and which files in them count."""

    folders: tuple[Path, ...]
    """Absolute."""
    include: tuple[str, ...] = INCLUDED
    """A file counts if its name matches one of these, or its path if the pattern has a slash."""
    exclude: tuple[str, ...] = EXCLUDED
    """What matches one of these does not count, nor does anything in a folder that does."""
    excluded_folders: tuple[Path, ...] = ()

    @classmethod
    def of(
        cls, folders: Iterable[str | Path], include: Iterable[str] = (), exclude: Iterable[str] = ()
    ) -> WatchedFiles:
        """As ``--reload-dir``, ``--reload-include`` and ``--reload-exclude`` say.

        Patterns are taken besides the usual ones; naming one of those on the other side takes it away. A folder
        among those to include is watched too; one among those to exclude is not, nor are others of its name.

        Raises:
            ConfigError: a folder is not there.
        """
        roots = [_absolute(folder) for folder in folders]
        for root in roots:
            if not root.is_dir():
                raise ConfigError(f"reload_dir: {str(root)!r} is not a folder, so it cannot be watched")
        include, exclude = tuple(include), tuple(exclude)
        named_in = [one for one in include if not _WILD.search(one) and Path(one).is_dir()]
        named_out = [one for one in exclude if not _WILD.search(one) and Path(one).is_dir()]
        return cls(
            folders=tuple(dict.fromkeys([*roots, *map(_absolute, named_in)])),
            include=_combined(INCLUDED, include, exclude, named_in),
            exclude=_combined(EXCLUDED, exclude, include, []),
            excluded_folders=tuple(map(_absolute, named_out)),
        )

    def wants(self, path: str) -> bool:
        """Whether a change of this file, by its absolute path, is to be told."""
        return self.matches(path) and not self.is_shut(str(Path(path).parent))

    def matches(self, path: str) -> bool:
        """Whether the patterns are for this file, by its absolute path. Pure: no file is looked at."""
        return any(self._matches_below(below) for below in self._placed(path))

    def enters(self, folder: str) -> bool:
        """Whether the patterns let a folder in, by its absolute path. Pure, too."""
        return any(
            NEVER_ENTERED.isdisjoint(below.parts) and not self._excludes(below) for below in self._placed(folder)
        )

    def is_shut(self, folder: str) -> bool:
        """Whether a folder, by its absolute path, lies in a virtual environment below the watched folder."""
        below_roots = [(root, PurePath(folder).relative_to(root)) for root in self.folders if _lies_in(folder, root)]
        return not any(
            not any(one.parts and is_environment(str(root / one)) for one in (below, *below.parents))
            for root, below in below_roots
        )

    def _placed(self, path: str) -> list[PurePath]:
        """A path as it is below each of the watched folders that it lies in."""
        whole = PurePath(path)
        if any(whole.is_relative_to(one) for one in self.excluded_folders):
            return []
        return [whole.relative_to(root) for root in self.folders if whole.is_relative_to(root)]

    def _matches_below(self, below: PurePath) -> bool:
        folder = below.parent
        if not below.parts or self._excludes(folder) or not NEVER_ENTERED.isdisjoint(folder.parts):
            return False
        asked_for = [one for one in self.include if _matches(below, one)]
        # A file that was asked for by its whole name counts, though it may match an exclusion (.env and .*).
        by_name = any(not _WILD.search(one) for one in asked_for)
        return by_name or (bool(asked_for) and not self._excludes(below))

    def _excludes(self, below: PurePath) -> bool:
        return any(_matches(one, pattern) for one in (below, *below.parents) for pattern in self.exclude)


def is_environment(folder: str) -> bool:
    """Whether a folder holds a virtual environment."""
    return any(os.path.lexists(f"{folder}/{mark}") for mark in ENVIRONMENT_MARKS)


def _lies_in(path: str, root: Path) -> bool:
    return PurePath(path).is_relative_to(root)


def _absolute(folder: str | Path) -> Path:
    return Path(os.path.abspath(folder))  # noqa: PTH100 - links stay: events come under the name that was given


def _combined(
    usual: tuple[str, ...], given: tuple[str, ...], opposite: tuple[str, ...], folders: list[str]
) -> tuple[str, ...]:
    kept = [one for one in usual if one not in opposite]
    return tuple(dict.fromkeys([*kept, *(one for one in given if one not in folders)]))


def _matches(path: PurePath, pattern: str) -> bool:
    return bool(path.parts) and path.match(pattern)
