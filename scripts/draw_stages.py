"""Draw the life of the server from its table into docs/life-of-the-server.md: ``python -m scripts.draw_stages``.

A test says when the document is behind the table. What stands outside the two markers is written by hand.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pounce.stages import TABLE, Stage

DOCUMENT: Final = Path(__file__).resolve().parent.parent / "docs" / "life-of-the-server.md"
BEGIN: Final = "<!-- drawn by scripts/draw_stages.py -->"
END: Final = "<!-- end of the drawing -->"


def arrows() -> dict[tuple[Stage, Stage], list[str]]:
    """The events that lead from one stage to another, in the order of the table."""
    found: dict[tuple[Stage, Stage], list[str]] = {}
    for stage, row in TABLE.items():
        for event, rule in row.items():
            for to in rule.to:
                found.setdefault((stage, to), []).append(event.__name__)
    return found


def diagram() -> str:
    """The table as a state diagram in Mermaid."""
    lines = ["```mermaid", "stateDiagram-v2", f"    [*] --> {Stage.CONFIG.name}"]
    lines += [f"    {start.name} --> {to.name}: {', '.join(events)}" for (start, to), events in arrows().items()]
    lines += [f"    {stage.name} --> [*]" for stage, row in TABLE.items() if not row]
    return "\n".join([*lines, "```"])


def redrawn(text: str) -> str:
    """The document with the drawing as it should be.

    Raises:
        ValueError: a marker is missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{DOCUMENT.name} has lost a marker: {BEGIN} or {END}")
    return f"{before}{BEGIN}\n\n{diagram()}\n\n{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(redrawn(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
