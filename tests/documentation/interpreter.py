"""Executes the blocks of pages, each page in a process of its own, without starting Python anew for each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from types import TracebackType

__all__ = ["Interpreter"]

HERE: Final = Path(__file__).resolve().parent
SECONDS: Final = 60.0
"""In which a page is done on a busy machine; the process ends itself after it."""


class Interpreter:
    """A process that imports the packages once and forks for each page; where there is no fork, a process for each."""

    def __init__(self) -> None:
        self._parent: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._parent is not None:
            self._parent.communicate()  # the end of its input is its end

    def execute(self, blocks: list[dict[str, Any]], folder: Path) -> tuple[int, str]:
        """The exit code, and what was printed."""
        request = folder / "blocks.json"
        request.write_text(json.dumps(blocks), encoding="utf-8")
        if hasattr(os, "fork"):
            return self._by_fork(request)
        command: list[str | Path] = [sys.executable, HERE / "execute.py", request]
        done = subprocess.run(
            command,
            cwd=folder,
            env=_environ(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return done.returncode, done.stdout

    def _by_fork(self, request: Path) -> tuple[int, str]:
        if self._parent is None:
            self._parent = subprocess.Popen(
                [sys.executable, HERE / "execute.py", "--fork", str(SECONDS)],
                env=_environ(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        assert self._parent.stdin is not None
        assert self._parent.stdout is not None
        self._parent.stdin.write(f"{request}\n")
        self._parent.stdin.flush()
        code = int(self._parent.stdout.readline())
        return code, (request.parent / "printed.txt").read_text(encoding="utf-8")


def _environ() -> dict[str, str]:
    return {**os.environ, "OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}
