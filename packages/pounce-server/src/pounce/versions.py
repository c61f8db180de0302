"""Which release of the server this is."""

from __future__ import annotations

import sys

from .interpreter import describe_interpreter

__all__ = ["pounce_version", "version_line"]


def version_line() -> str:
    """What ``pounce --version`` says."""
    return f"pounce {pounce_version()} ({describe_interpreter()}, {sys.platform})"


def pounce_version() -> str:
    """The version of ``pounce-server`` that is installed."""
    import importlib.metadata  # here, because most of what imports this never asks

    try:
        return importlib.metadata.version("pounce-server")
    except importlib.metadata.PackageNotFoundError:  # run from a source tree or a bundle, where nothing is installed
        return "(not installed)"
