"""A flame graph that stands alone: no network, no fonts, no library; in a page of HTML it can be searched and entered.

The root is at the top. Width is how often a frame was seen; from left to right there is no time, frames are sorted by
name. Names come from the application's code and are escaped: none can become markup, and the script of the page holds
no data.
"""

from __future__ import annotations

import zlib
from html import escape
from typing import TYPE_CHECKING, Final

from .profile_files import label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .merged_profile import MergedProfile

__all__ = ["as_html", "as_svg"]

WIDTH: Final = 1200
ROW: Final = 18
MARGIN: Final = 10
TOP: Final = 46
NARROWEST: Final = 0.3
"""Pixels of a frame below which it is not drawn: what nobody can see need not fill the file."""
CHARACTER: Final = 6.6
"""Pixels of a character, at 11 pixels in a font of equal widths."""


class _Node:
    """A frame in its place in the tree."""

    __slots__ = ("children", "count")

    def __init__(self) -> None:
        self.count = 0
        self.children: dict[str, _Node] = {}


def _tree(profile: MergedProfile) -> _Node:
    root = _Node()
    for stack, count in profile.stacks:
        root.count += count
        node = root
        for frame in stack:
            node = node.children.setdefault(label(frame), _Node())
            node.count += count
    return root


def _boxes(root: _Node) -> Iterator[tuple[str, _Node, float, float, int]]:
    """Name, node, left edge and width in pixels, and depth of whatever is wide enough, without recursion."""
    scale = (WIDTH - 2 * MARGIN) / max(root.count, 1)
    waiting = [("all", root, float(MARGIN), 0)]
    while waiting:
        name, node, left, depth = waiting.pop()
        width = node.count * scale
        if width < NARROWEST:
            continue
        yield name, node, left, width, depth
        for child in sorted(node.children):
            waiting.append((child, node.children[child], left, depth + 1))
            left += node.children[child].count * scale


def _colour(name: str) -> str:
    """Warm, and for the same function always the same."""
    number = zlib.crc32(name.partition(" (")[0].encode("utf-8", "replace"))
    return f"hsl({number % 50} {65 + number // 50 % 25}% {62 + number // 1250 % 14}%)"


def _box(name: str, node: _Node, left: float, width: float, depth: int, total: int, interval: float) -> str:
    top = TOP + depth * ROW
    room = int((width - 6) / CHARACTER)
    shown = name if len(name) <= room else name[: max(room - 1, 0)] + "\u2026" if room > 3 else ""
    share = 100 * node.count / max(total, 1)
    title = f"{name}\n{node.count} samples, {node.count * interval:.2f} s, {share:.1f} %"
    return (
        f'<g class="f" data-n="{escape(name)}" data-x="{left:.2f}" data-w="{width:.2f}" data-d="{depth}">'
        f"<title>{escape(title)}</title>"
        f'<rect x="{left:.2f}" y="{top}" width="{width:.2f}" height="{ROW - 1}" fill="{_colour(name)}"/>'
        f'<text x="{left + 3:.2f}" y="{top + 12.5}">{escape(shown)}</text></g>'
    )


def as_svg(profile: MergedProfile, *, name: str) -> str:
    """A picture; pointing at a frame shows its whole name, samples, seconds and share."""
    root = _tree(profile)
    boxes = sorted(_boxes(root), key=lambda box: (box[4], box[2]))
    height = TOP + ROW * (max((box[4] for box in boxes), default=0) + 1) + MARGIN
    drawn = "\n".join(_box(*box, root.count, profile.interval) for box in boxes)
    told = f"{profile.samples} samples in {profile.seconds:.1f} s, one each {profile.interval * 1000:.1f} ms"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">\n'
        "<style>text{font:11px monospace;fill:#222;pointer-events:none}.h{font-size:15px}"
        ".f:hover rect{stroke:#222}.m rect{fill:#7b5cd6}.m text{fill:#fff}.o{opacity:.4}</style>\n"
        f'<rect width="{WIDTH}" height="{height}" fill="#fdfbf7"/>\n'
        f'<text class="h" x="{MARGIN}" y="20">{escape(name)}</text>\n'
        f'<text x="{MARGIN}" y="37">{escape(told)}</text>\n{drawn}\n</svg>\n'
    )


_SCRIPT: Final = """
const frames = [...document.querySelectorAll('.f')], all = frames[0], search = document.querySelector('input');
const number = (frame, key) => parseFloat(frame.dataset[key]);
function enter(chosen) {
  const x = number(chosen, 'x'), w = number(chosen, 'w'), d = number(chosen, 'd');
  const scale = number(all, 'w') / w, left = number(all, 'x');
  for (const frame of frames) {
    const fx = number(frame, 'x'), fw = number(frame, 'w'), above = number(frame, 'd') < d;
    const around = above && fx <= x + .02 && fx + fw >= x + w - .02;
    const within = !above && fx >= x - .02 && fx + fw <= x + w + .02;
    frame.style.display = around || within ? '' : 'none';
    frame.classList.toggle('o', around);
    const at = around ? left : left + (fx - x) * scale, wide = around ? number(all, 'w') : fw * scale;
    const [box, text] = [frame.querySelector('rect'), frame.querySelector('text')], name = frame.dataset.n;
    box.setAttribute('x', at); box.setAttribute('width', wide); text.setAttribute('x', at + 3);
    const room = Math.floor((wide - 6) / 6.6);
    text.textContent = name.length <= room ? name : room > 3 ? name.slice(0, room - 1) + '\\u2026' : '';
  }
}
for (const frame of frames) frame.addEventListener('click', () => enter(frame));
search.addEventListener('input', () => {
  const wanted = search.value.toLowerCase();
  for (const frame of frames)
    frame.classList.toggle('m', wanted !== '' && frame.dataset.n.toLowerCase().includes(wanted));
});
"""


def as_html(profile: MergedProfile, *, name: str) -> str:
    """A page with the picture. A click enters a frame, one on the first row leaves it; a field finds names."""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(name)}</title>\n'
        "<style>body{margin:0;background:#fdfbf7}svg{width:100%;height:auto}"
        "input{position:fixed;top:8px;right:12px;font:13px monospace;padding:3px 6px}"
        ".f{cursor:pointer}</style></head>\n"
        f'<body><input type="search" placeholder="find a function" aria-label="find a function">\n'
        f"{as_svg(profile, name=name)}<script>{_SCRIPT}</script></body></html>\n"
    )
