"""Stacks as JSON, with the lines of source that they stand at."""

from __future__ import annotations

import linecache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_workers.serving.thread_stacks import Frame

__all__ = ["shown_stack"]

LONGEST_LINE: Final = 200
"""Characters of one line of source."""


def shown_stack(stack: Iterable[Frame] | None) -> list[dict[str, Any]] | None:
    """From the outermost frame to the innermost. It reads source files: not for the thread of a loop."""
    if stack is None:
        return None
    return [
        {
            "file": frame.file,
            "line": frame.line,
            "function": frame.function,
            "code": linecache.getline(frame.file, frame.line).strip()[:LONGEST_LINE],
        }
        for frame in stack
    ]
