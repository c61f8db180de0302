"""A little SVG: boxes, arrows and words in the colours of the page they stand on, or of the reader's system."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Final

__all__ = ["Drawing"]

STYLE: Final = """\
.pounce-drawing { --ink: #1f2328; --soft: #59636e; --paper: #ffffff; --fill: #eef0fb; --edge: #5c6bc0;
  --other: #b0b8c4; --accent: #e64a19; font: 15px system-ui, sans-serif }
@media (prefers-color-scheme: dark) { .pounce-drawing { --ink: #e6e8eb; --soft: #9aa4b0; --paper: #0d1117;
  --fill: #2b3050; --edge: #8c9eff; --other: #7d8899; --accent: #ff7043 } }
.pounce-drawing text { fill: var(--ink) }
.pounce-drawing .soft { fill: var(--soft); font-size: 13px }
.pounce-drawing .strong { font-weight: 600 }
.pounce-drawing .box { fill: var(--fill); stroke: var(--edge); stroke-width: 1.5 }
.pounce-drawing .hull { fill: none; stroke: var(--soft); stroke-dasharray: 5 4 }
.pounce-drawing .line { fill: none; stroke: var(--ink); stroke-width: 1.5 }
.pounce-drawing .head { fill: var(--ink) }
.pounce-drawing .ours { fill: var(--accent) }
.pounce-drawing .theirs { fill: var(--other) }
.pounce-drawing .second { fill: var(--edge) }"""
"""The site's own style sheet, which knows the colours that were chosen on the page, comes before these."""

HEAD: Final = 7
"""Length of an arrow's head."""


@dataclass(slots=True, kw_only=True)
class Drawing:
    """Parts that are added one after another, and the text of the file."""

    title: str
    description: str
    width: int
    height: int
    parts: list[str] = field(default_factory=list)

    def text(self, x: float, y: float, words: str, *, kind: str = "", anchor: str = "middle") -> None:
        """One line of words, with its middle (or start, or end) at x and its baseline at y."""
        names = f' class="{kind}"' if kind else ""
        place = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}"'
        self.parts.append(f"<text {place}{names}>{escape(words)}</text>")

    def rectangle(self, x: float, y: float, width: float, height: float, *, kind: str, round_by: float = 6) -> None:
        """A rectangle with its upper left corner at x and y."""
        place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="{round_by:g}"'
        self.parts.append(f'<rect {place} class="{kind}"/>')

    def box(self, x: float, y: float, width: float, height: float, *lines: str) -> None:
        """A box with lines in its middle: the first is what it is, the others say more."""
        self.rectangle(x, y, width, height, kind="box")
        below = y + height / 2 + 5 - (len(lines) - 1) * 9
        for number, line in enumerate(lines):
            self.text(x + width / 2, below + number * 18, line, kind="soft" if number else "strong")

    def line(self, points: list[tuple[float, float]], *, both: bool = False) -> None:
        """An arrow along points; its last stretch, and with `both` its first, is horizontal or vertical."""
        path = "M" + " L".join(f"{x:g} {y:g}" for x, y in points)
        self.parts.append(f'<path d="{path}" class="line"/>')
        self._head(points[-2], points[-1])
        if both:
            self._head(points[1], points[0])

    def _head(self, before: tuple[float, float], at: tuple[float, float]) -> None:
        (x, y), half = at, HEAD / 2
        if before[0] == x:
            back = y - HEAD if before[1] < y else y + HEAD
            corners = f"{x:g},{y:g} {x - half:g},{back:g} {x + half:g},{back:g}"
        else:
            back = x - HEAD if before[0] < x else x + HEAD
            corners = f"{x:g},{y:g} {back:g},{y - half:g} {back:g},{y + half:g}"
        self.parts.append(f'<polygon points="{corners}" class="head"/>')

    def __str__(self) -> str:
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="pounce-drawing" width="{self.width}"'
            f' viewBox="0 0 {self.width} {self.height}" role="img">'
        )
        words = [f"<title>{escape(self.title)}</title>", f"<desc>{escape(self.description)}</desc>"]
        return "\n".join([head, *words, f"<style>{STYLE}</style>", *self.parts, "</svg>"]) + "\n"
