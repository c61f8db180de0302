"""What is known of a path: its file with the compressed neighbours, or that it is a folder. It blocks: use a thread."""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pounce_middleware.static.directory import Directory, NoSuchFile, OpenFile
from pounce_middleware.static.media_types import media_type
from pounce_middleware.static.representation import CODINGS, Representation, signature

if TYPE_CHECKING:
    from pounce_middleware.static.cache_rules import CacheRules
    from pounce_middleware.static.request_path import FilePath

__all__ = ["SMALL_FILE", "Entry", "FileEntry", "FolderEntry", "Loader"]

SMALL_FILE: Final = 64 * 1024
"""Bytes. Up to here a file is kept in memory: its bytes leave with the head in one system call, which costs less than
opening it. Larger ones are few in number and many in bytes."""

STALE_SECONDS: Final = 2
"""How much older than its file a compressed neighbour may be. An older one was made from something else; copies that
set times anew, or that count them in steps of two seconds, are no reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """A path that leads to a file. Immutable."""

    plain: Representation
    coded: tuple[Representation, ...] = ()
    """The neighbours, the one that we like best first."""

    @property
    def kept(self) -> int:
        """Bytes of content that it holds in memory."""
        return sum(len(each.body or b"") for each in (self.plain, *self.coded))


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderEntry:
    """A path that leads to a folder: one without its slash at the end, or one to be listed."""

    names: FilePath
    """With an empty last name when it is to be listed."""

    @property
    def kept(self) -> int:
        """It holds no content."""
        return 0


Entry = FileEntry | FolderEntry


class Loader:
    """Immutable, shared by threads."""

    def __init__(
        self,
        directory: Directory,
        *,
        rules: CacheRules,
        index: str = "index.html",
        listing: bool = False,
        precompressed: bool = True,
        types: dict[str, str] | None = None,
    ) -> None:
        """``types``: suffix in lower case, without its dot -> content-type, before our own table."""
        self.directory = directory
        self._rules = rules
        self._index = index
        self._listing = listing
        self._codings = tuple(CODINGS.items()) if precompressed else ()
        self._types = dict(types or {})

    def load(self, names: FilePath, before: Entry | None = None) -> Entry:
        """Look at a path. ``before`` is what was known of it: contents that did not change are not read again.

        Raises:
            NoSuchFile: nothing that may be served is there.
            OSError: the system failed.
        """
        if names[-1] == "":
            return self._load_folder(names[:-1], before)
        file = self.directory.open(names)
        if file.is_folder:
            file.close()
            self._load_folder(names, None)  # nobody is sent to a folder that has nothing to show
            return FolderEntry(names=names)
        return self._load_file(names, file, before)

    def _load_folder(self, names: FilePath, before: Entry | None) -> Entry:
        if self._index:
            with contextlib.suppress(NoSuchFile):
                file = self.directory.open((*names, self._index))
                if not file.is_folder:
                    return self._load_file((*names, self._index), file, before)
                file.close()
        if self._listing:
            folder = self.directory.open(names)
            folder.close()
            if folder.is_folder:
                return FolderEntry(names=(*names, ""))
        raise NoSuchFile

    def _load_file(self, names: FilePath, file: OpenFile, before: Entry | None) -> FileEntry:
        known = (
            {} if not isinstance(before, FileEntry) else {each.names: each for each in (before.plain, *before.coded)}
        )
        files = [("", names, file)]
        try:
            for coding, suffix in self._codings:
                neighbour = (*names[:-1], names[-1] + suffix)
                with contextlib.suppress(NoSuchFile):
                    found = self.directory.open(neighbour)
                    files.append((coding, neighbour, found))
            usable = [each for each in files if each[2] is file or _stands_for(each[2], file)]
            made = [self._represent(each, names, varies=len(usable) > 1, known=known.get(each[1])) for each in usable]
        finally:
            for _, _, each in files:
                each.close()
        return FileEntry(plain=made[0], coded=tuple(made[1:]))

    def _represent(
        self, file: tuple[str, FilePath, OpenFile], of: FilePath, *, varies: bool, known: Representation | None
    ) -> Representation:
        coding, names, opened = file
        cache_control = self._rules.value("/" + "/".join(of))
        same = known is not None and known.signature == signature(opened.status)
        body = known.body if same and known is not None else _content(opened)
        suffix = of[-1].rpartition(".")[2].lower()
        return Representation.of(
            names,
            opened.path,
            opened.status,
            coding=coding,
            media_type=self._types.get(suffix) or media_type(of[-1]),
            cache_control=cache_control,
            varies=varies,
            body=body,
        )


def _stands_for(neighbour: OpenFile, file: OpenFile) -> bool:
    if neighbour.is_folder:
        return False
    return neighbour.status.st_mtime_ns >= file.status.st_mtime_ns - STALE_SECONDS * 10**9


def _content(file: OpenFile) -> bytes | None:
    """All of a small file, if it stays as it is while it is read."""
    if file.status.st_size > SMALL_FILE:
        return None
    with os.fdopen(file.fd, "rb", closefd=False) as reader:
        body = reader.read(SMALL_FILE + 1)
    return body if len(body) == file.status.st_size and signature(os.fstat(file.fd)) == signature(file.status) else None
