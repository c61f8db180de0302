"""A report as a page: no script, nothing fetched, every value escaped by the template engine."""

from __future__ import annotations

import base64
import functools
import hashlib
import importlib
import re
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from pounce_middleware.error_page.plain import copyable_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_middleware.error_page.frames import Frame
    from pounce_middleware.error_page.report import ErrorReport

__all__ = ["HtmlPage", "load_page"]

_FOLDER: Final = "templates"

SHORTEST_RUN: Final = 3
"""Calls of libraries in a row that are shown as one line, to be opened."""


@dataclass(frozen=True, slots=True)
class ShownLine:
    """One line of source, highlighted."""

    number: int
    current: bool
    html: Any
    marks: str
    """Blanks and carets for the line below; empty without them."""


class HtmlPage:
    """The template, ready to be filled. Immutable; any number of threads may use it at once."""

    def __init__(self, template: Any, style: str, highlight: Any) -> None:
        self._template = template
        self._style = style
        self._highlight = highlight
        digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
        self.policy: Final = (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none';"
            " frame-ancestors 'none'"
        )
        """The Content-Security-Policy of the page: nothing counts but its own style sheet."""

    def render(self, report: ErrorReport) -> str:
        """The page."""
        page: str = self._template.render(
            report=report,
            request=report.request,
            style=self._style,
            copyable=copyable_text(report),
            lines_of=self._lines_of,
            opens=_opens,
            runs_of=_runs_of,
        )
        return page

    def _lines_of(self, frame: Frame) -> Iterator[ShownLine]:
        html = self._highlight([line.text for line in frame.source])
        for line, text in zip(frame.source, html, strict=True):
            yield ShownLine(line.number, line.current, text, _marks(frame, line.text) if line.current else "")


def _marks(frame: Frame, text: str) -> str:
    if frame.span is None:
        return ""
    begin, end = frame.span
    before = "".join("\t" if letter == "\t" else " " for letter in text[:begin])
    return before + "^" * max(end - begin, 1)


def _opens(frames: tuple[Frame, ...]) -> Frame | None:
    """The frame that is shown at first: the latest of the application itself."""
    return next((frame for frame in frames if frame.own), frames[0] if frames else None)


def _runs_of(frames: tuple[Frame, ...], shown: Frame | None) -> Iterator[tuple[str, list[Frame]]]:
    """The frames in order; those of libraries that follow each other together, under the names of the libraries."""
    for plain, run in groupby(frames, key=lambda frame: frame.own or frame is shown):
        group = list(run)
        if plain or len(group) < SHORTEST_RUN:
            yield "", group
        else:
            names = dict.fromkeys(re.split(r"[/\\.]", frame.shown_path)[0] or frame.shown_path for frame in group)
            yield ", ".join(names), group


@functools.cache
def load_page() -> HtmlPage | None:
    """The page; None without the template engine (extra ``debug``). Without Pygments the source has one colour."""
    try:
        import jinja2
        from markupsafe import Markup, escape
    except ImportError:
        return None
    folder = files(__package__) / _FOLDER
    style = (folder / "page.css").read_text("utf-8")
    # Whatever the name of a template ends with.
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string((folder / "page.html.jinja").read_text("utf-8"))
    return HtmlPage(template, Markup(style), _highlighter(Markup, escape))  # noqa: S704 - a file of ours


def _highlighter(markup: Any, escape: Any) -> Any:
    """A function that makes HTML of lines of Python, one for one."""
    try:
        pygments: Any = importlib.import_module("pygments")  # it has no types
        formatter = importlib.import_module("pygments.formatters").HtmlFormatter(nowrap=True)
        lexer = importlib.import_module("pygments.lexers").PythonLexer(stripnl=False, ensurenl=False)
    except ImportError:
        return lambda lines: [escape(line) for line in lines]

    def highlighted(lines: list[str]) -> list[Any]:
        # Some characters end a line for Pygments and not for Python's files (form feed, U+2028): what does not fit
        # together is shown without colours.
        html = pygments.highlight("\n".join(lines), lexer, formatter).split("\n") if lines else []
        if len(html) == len(lines) + 1 and not html[-1]:
            html.pop()
        if len(html) != len(lines):
            return [escape(line) for line in lines]
        return [markup(one) for one in html]

    return highlighted
