"""Text of others as it is shown on a terminal: nothing in it moves the cursor, colours, or makes a line of its own."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["printable", "printable_json", "printable_line"]


def printable(text: str) -> str:
    """The text with escapes, as Python writes them, for what is not printable; a backslash stays one."""
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text)


def printable_line(text: str) -> str:
    """A message on one line: what parts its words is one space, the rest as ``printable``."""
    return printable(" ".join(text.split()))


def printable_json(value: Any) -> str:
    """An indented document; what is not printable is escaped as JSON does it, so it reads back as it was."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    # JSON itself escapes what is below the space, so a newline here is one of the indentation.
    return "".join(one if one == "\n" or one.isprintable() else json.dumps(one)[1:-1] for one in text)
