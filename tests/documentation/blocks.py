"""The code blocks of the pages for readers, and what stands in the comment above each.

A comment ``<!-- run -->`` is invisible to readers. These words are known, and several are parted by semicolons:

======================  ================================================================================
``file: NAME``          the block is a file; it is written down and not executed
``run``                 the commands of a console block are run, and what they print is compared
``fails: WORD``         what is run ends with an error, and this word is in what it prints
``given: A, B``         names that the block takes from ``given.py``
``needs: certificate``  ``cert.pem`` and ``key.pem`` are there
``only: threads``       it is executed on a Python whose GIL is off, and compiled on others
``shown: REASON``       it is not executed, for one of the reasons in ``WHY_SHOWN``
======================  ================================================================================
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["PAGES", "ROOT", "WHY_SHOWN", "Block", "blocks_of"]

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = [
    path.relative_to(ROOT).as_posix()
    for path in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "SECURITY.md",
        *sorted(ROOT.glob("docs/**/*.md")),
        ROOT / "deploy/README.md",
        *sorted(ROOT.glob("packages/*/README.md")),
    )
]
FENCE: Final = re.compile(r"(?:^<!-- ([^>]*?) -->\n)?^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARKS: Final = {"file", "run", "fails", "given", "needs", "only", "shown"}
WHY_SHOWN: Final = {
    "checkout": "builds or tests the checkout, as CI does",
    "drawing": "is drawn by a script, and compared with what that draws",
    "example": "an example of what is printed or sent, with times, places and numbers of its own",
    "machine": "changes the machine, or needs a service that a test has not: Docker, systemd, nginx, Prometheus, Redis",
    "measures": "takes minutes",
}
"""Why a block cannot be executed by a test."""
OTHERS: Final = ("drawn by", "measured", "end")
"""How comments begin that are for scripts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block: where it is, what it is, what it says."""

    page: str
    line: int
    language: str
    marks: dict[str, str]
    text: str

    @property
    def place(self) -> str:
        """The page and the line of its first line of code."""
        return f"{self.page}:{self.line}"


def blocks_of(page: str) -> list[Block]:
    """All blocks of a page, in order.

    Raises:
        ValueError: a mark above a block is not known.
    """
    text = (ROOT / page).read_text(encoding="utf-8")
    found: list[Block] = []
    for fence in FENCE.finditer(text):
        line = text.count("\n", 0, fence.start(3)) + 1
        marks = _marks(fence.group(1) or "")
        if strange := marks.keys() - MARKS:
            raise ValueError(f"{page}:{line}: {', '.join(strange)} is not known above a block")
        found.append(Block(page=page, line=line, language=fence.group(2), marks=marks, text=fence.group(3)))
    return found


def _marks(comment: str) -> dict[str, str]:
    if not comment or comment.startswith(OTHERS):
        return {}
    pairs = (part.partition(":") for part in comment.split(";"))
    return {name.strip(): value.strip() for name, _, value in pairs}
