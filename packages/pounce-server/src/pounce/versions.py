"""Which release of the server this is."""

from __future__ import annotations

import os
import sys
from typing import Final

from .interpreter import describe_interpreter

__all__ = ["pounce_version", "version_line"]


def version_line() -> str:
    """What ``pounce --version`` says."""
    return f"pounce {pounce_version()} ({describe_interpreter()}, {sys.platform})"


_BEFORE: Final = "pounce_server-"
_BEHIND: Final = ".dist-info"
"""The folder in which installers note a wheel, also one that is installed in place, is named after its version."""


def pounce_version() -> str:
    """The version of ``pounce-server`` that is installed."""
    noted = _noted_version()
    if noted is not None:
        return noted
    import importlib.metadata  # with those of email it is some 40 modules: not at every start

    try:
        return importlib.metadata.version("pounce-server")
    except importlib.metadata.PackageNotFoundError:  # run from a source tree or a bundle, where nothing is installed
        return "(not installed)"


def _noted_version() -> str | None:
    """That of the first folder on the path, as `importlib.metadata` finds it."""
    for folder in sys.path:
        try:
            names = os.listdir(folder or ".")  # noqa: PTH208 - pathlib would have to make an object of each
        except OSError:  # gone, or an archive
            continue
        for name in names:
            if name.startswith(_BEFORE) and name.endswith(_BEHIND):
                return name[len(_BEFORE) : -len(_BEHIND)]
    return None
