"""A folder of Python code that tests write, import and change."""

from __future__ import annotations

import importlib
import sys
import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CodeFolder"]


class CodeFolder:
    """Files below one folder, and the modules that were imported from them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._modules = sys.modules.copy()
        self._path = sys.path[:]
        self._finders = sys.meta_path[:]

    def write(self, files: dict[str, str]) -> None:
        """Write files, by their path below the folder."""
        for name, text in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(text), encoding="utf-8")
        importlib.invalidate_caches()

    def close(self) -> None:
        """Forget what was imported."""
        for name in sys.modules.copy().keys() - self._modules.keys():
            del sys.modules[name]
        sys.path[:] = self._path
        sys.meta_path[:] = self._finders
