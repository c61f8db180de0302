"""From the path of a request to the names of folders and a file, or to nothing: the first wall.

Every rule is about the text of a path alone. What symbolic links and the file system add is the second wall
(`pounce_middleware.static.directory`). The path was percent-decoded once, by the server; it is never decoded again.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Final

__all__ = ["FilePath", "file_path"]

FilePath = tuple[str, ...]
"""The names from the root to a file; an empty last name means a folder that was asked for with its slash."""

WELL_KNOWN: Final = ".well-known"
"""The one hidden name that is made to be public (RFC 8615); only directly below the root."""

LONGEST_PATH: Final = 4096
"""Characters. No system opens longer ones (PATH_MAX), and a rule should not have to look at a megabyte."""

MOST_NAMES: Final = 64
"""Folders below each other. Each costs system calls, so a request may not choose thousands."""

# Backslashes separate names on Windows; NUL ends them in C; U+FFFD stands for bytes that were no UTF-8, such as the
# over-long forms of dots and slashes (RFC 3629, 3).
_REFUSED: Final = re.compile("[\x00-\x1f\x7f\\\\\ufffd\ud800-\udfff]")

# Of Windows: characters that no name may have (the colon begins alternate data streams and follows drive letters),
# names whose trailing dots and spaces it drops, names of devices with whatever suffix, and short names (GIT~1).
_REFUSED_ON_WINDOWS: Final = re.compile(
    r"""[:<>"|?*] | [. ]\Z | ~\d | \A(?:con|prn|aux|nul|conin\$|conout\$|clock\$|(?:com|lpt)[0-9¹²³])[ ]*(?:\.|\Z)""",
    re.VERBOSE | re.IGNORECASE,
)

# HFS+ ignores these when it compares names, so that with one of them in front a hidden name does not look hidden.
_REFUSED_ON_MACOS: Final = re.compile("[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")


def file_path(path: str, *, hidden: bool = False, platform: str = sys.platform) -> FilePath | None:
    """The names in a path, which is below the root and begins with a slash; None when no file may be looked for.

    ``hidden`` allows names that begin with a dot. Empty names (two slashes) are refused: they would make one file
    reachable by many paths, and ``//host`` is the beginning of a redirect to another site.
    """
    if not path.startswith("/") or len(path) > LONGEST_PATH or _REFUSED.search(path):
        return None
    names = tuple(path[1:].split("/"))
    if len(names) > MOST_NAMES or any(name in ("", ".", "..") for name in names[:-1]) or names[-1] in (".", ".."):
        return None
    if not hidden and _is_hidden(names):
        return None
    foreign = _foreign(platform)
    if foreign is not None and any(foreign.search(name) for name in names if name):
        return None
    return names


def _is_hidden(names: FilePath) -> bool:
    below = names[1:] if names[0] == WELL_KNOWN else names
    return any(name.startswith(".") for name in below)


def _foreign(platform: str) -> re.Pattern[str] | None:
    if platform in ("win32", "cygwin") or os.altsep:
        return _REFUSED_ON_WINDOWS
    return _REFUSED_ON_MACOS if platform == "darwin" else None
