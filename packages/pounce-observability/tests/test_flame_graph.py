"""Flame graphs as a parser of XML and of HTML sees them: widths that add up, and names that stay names."""

from __future__ import annotations

import html.parser
import re
import xml.etree.ElementTree as ET

from profile_example import PROFILE

from pounce_observability.profiling.flame_graph import NARROWEST, as_html, as_svg
from pounce_observability.profiling.merged_profile import MergedProfile
from pounce_observability.profiling.stack_readers import Frame

SVG = "{http://www.w3.org/2000/svg}"


def boxes(text: str) -> dict[str, tuple[float, float, float]]:
    """Left edge, width and top of each frame, by its name."""
    found = {}
    for group in ET.fromstring(text).iter(f"{SVG}g"):
        rect = group.find(f"{SVG}rect")
        assert rect is not None
        found[group.attrib["data-n"]] = tuple(float(rect.attrib[key]) for key in ("x", "width", "y"))
    return found  # type: ignore[return-value]


def test_widths_are_shares_and_a_frame_lies_within_its_caller() -> None:
    found = boxes(as_svg(PROFILE, name="n"))
    _, whole, top = found["all"]
    x0, w0, y0 = found["worker 0"]
    x1, w1, _ = found["worker 1"]
    assert w0 == w1 == whole / 2
    assert x1 == x0 + w0
    assert y0 > top
    x, width, _ = found["query (app/db.py:9)"]
    assert width == whole * 60 / 200
    assert x0 <= x
    assert x + width <= x0 + w0 + 0.01


def test_a_frame_tells_its_whole_name_and_how_much_it_is() -> None:
    assert "query (app/db.py:9)\n60 samples, 0.60 s, 30.0 %" in as_svg(PROFILE, name="n")


class Page(html.parser.HTMLParser):
    """Notes the elements of a page, and what is in its scripts."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.script = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.lasttag == "script":
            self.script += data


def test_no_name_becomes_markup_or_script() -> None:
    text = as_html(PROFILE, name='<b onload="x">')
    page = Page()
    page.feed(text)
    tags = [tag for tag, _ in page.elements]
    assert tags.count("script") == 1
    assert tags.count("svg") == 1
    assert "b" not in tags
    assert "alert" not in page.script
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    assert any('<script>alert("1")' in (attributes.get("data-n") or "") for _, attributes in page.elements)


def test_nothing_is_fetched() -> None:
    text = as_html(PROFILE, name="n").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|//|\bsrc=|\bhref=|@import|url\(", text.replace("</", "<"))


def test_what_nobody_could_see_is_not_drawn() -> None:
    stacks = [((Frame(f"f{number}", "", 0),), 1) for number in range(50_000)]
    text = as_svg(MergedProfile(stacks, 0.01, 1.0, 100, []), name="n")
    assert len(text) < 5000
    assert NARROWEST > 1180 / 50_000


def test_a_deep_recursion_is_drawn() -> None:
    stack = tuple(Frame("f", "/f.py", line) for line in range(5000))
    assert len(boxes(as_svg(MergedProfile([(stack, 1)], 0.01, 1.0, 1, []), name="n"))) == 5001
