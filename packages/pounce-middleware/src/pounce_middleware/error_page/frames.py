"""The frames of a traceback: source around the line, where in the line it happened, and the variables."""

from __future__ import annotations

import linecache
import re
import sysconfig
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Final

from pounce_middleware.error_page.redaction import HIDDEN
from pounce_middleware.error_page.values import collect_secrets, is_hidden, show

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import CodeType, TracebackType

    from pounce_middleware.error_page.redaction import Redaction

__all__ = ["Frame", "SourceLine", "frames_of", "note_secrets"]

LINES_AROUND: Final = 6
LONGEST_LINE: Final = 300
FIRST_FRAMES, LAST_FRAMES = 10, 30
"""Of a traceback that has more: a recursion has a thousand, and the same is in all of them."""
MOST_VARIABLES: Final = 40
MOST_VARIABLE_TEXT: Final = 16_000
"""Characters for all variables of one call."""

_LIBRARIES: Final = re.compile(r"[/\\](?:site|dist)-packages[/\\]|^<frozen ")
_OURS: Final = re.compile(r"pounce(?:_(?:asgi|compression|h2|h3|http1|middleware|websocket|workers))?(?:\.|\Z)")
"""Modules of the server, also where they are not installed among the others."""
_STANDARD: Final = tuple({sysconfig.get_paths()[name] for name in ("stdlib", "platstdlib")})


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceLine:
    number: int
    text: str
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One call, as it is shown."""

    path: str
    shown_path: str
    """From the working directory, from where packages are installed, or from the standard library."""
    line: int
    function: str
    own: bool
    """It belongs to the application, not to a library."""
    source: tuple[SourceLine, ...]
    span: tuple[int, int] | None
    """The characters of the line at which it happened, where that is not all of it."""
    variables: tuple[tuple[str, str], ...]
    variables_left_out: int = 0
    frames_left_out: int = 0
    """Calls between this one and the one that it was called from."""


def note_secrets(traceback: TracebackType | None, redaction: Redaction) -> None:
    """Hide everywhere what is in variables with the name of a secret."""
    for one, _ in _selected(traceback):
        for name, value in list(one.tb_frame.f_locals.items())[:500]:
            collect_secrets(name, value, redaction)


def frames_of(traceback: TracebackType | None, redaction: Redaction) -> list[Frame]:
    """The frames, the oldest call first."""
    return [_frame(one, left_out, redaction) for one, left_out in _selected(traceback)]


def _selected(traceback: TracebackType | None) -> Iterator[tuple[TracebackType, int]]:
    """The links of a traceback, and how many were left out before each."""
    links: list[TracebackType] = []
    while traceback is not None:
        links.append(traceback)
        traceback = traceback.tb_next
    left_out = max(len(links) - FIRST_FRAMES - LAST_FRAMES, 0)
    for index, link in enumerate(links):
        if index < FIRST_FRAMES or index >= FIRST_FRAMES + left_out:
            yield link, left_out if left_out and index == FIRST_FRAMES + left_out else 0


def _frame(link: TracebackType, left_out: int, redaction: Redaction) -> Frame:
    frame = link.tb_frame
    code = frame.f_code
    variables, variables_left_out = _variables(frame.f_locals, redaction)
    lines = linecache.getlines(code.co_filename, frame.f_globals)
    first = max(link.tb_lineno - 1 - LINES_AROUND, 0)
    source = tuple(
        SourceLine(number=number, text=redaction.source(text.rstrip()[:LONGEST_LINE]), current=number == link.tb_lineno)
        for number, text in enumerate(lines[first : link.tb_lineno + LINES_AROUND], first + 1)
    )
    return Frame(
        path=code.co_filename,
        shown_path=_shown(code.co_filename),
        line=link.tb_lineno,
        function=getattr(code, "co_qualname", code.co_name),
        own=_is_own(code.co_filename, str(frame.f_globals.get("__name__", ""))),
        source=source,
        span=_span(code, link, lines),
        variables=variables,
        variables_left_out=variables_left_out,
        frames_left_out=left_out,
    )


def _is_own(path: str, module: str) -> bool:
    return not (_LIBRARIES.search(path) or path.startswith(_STANDARD) or _OURS.match(module))


def _variables(variables: object, redaction: Redaction) -> tuple[tuple[tuple[str, str], ...], int]:
    """Names and texts. Modules, functions and classes are left out: they fill modules, and say little."""
    shown: list[tuple[str, str]] = []
    left_out = size = 0
    for name, value in dict(variables).items():  # type: ignore[call-overload]
        if name.startswith("__") or isinstance(value, ModuleType | FunctionType | type):
            continue
        if len(shown) == MOST_VARIABLES or size > MOST_VARIABLE_TEXT:
            left_out += 1
        else:
            shown.append((name, HIDDEN if is_hidden(name, value) else show(value, redaction)))
            size += len(shown[-1][1])
    return tuple(shown), left_out


def _span(code: CodeType, link: TracebackType, lines: list[str]) -> tuple[int, int] | None:
    """Where in the line it happened (PEP 657). The columns of the compiler are bytes."""
    position = next(islice(code.co_positions(), link.tb_lasti // 2, None), None)
    if position is None or None in position or position[0] != position[1] or position[0] != link.tb_lineno:
        return None
    _, _, begin, end = position
    if link.tb_lineno > len(lines) or begin is None or end is None:
        return None
    line = lines[link.tb_lineno - 1].rstrip()
    raw = line.encode()
    span = len(raw[:begin].decode("utf-8", "replace")), len(raw[:end].decode("utf-8", "replace"))
    whole = span[0] <= len(line) - len(line.lstrip()) and span[1] >= len(line)
    return None if whole or span[1] > LONGEST_LINE else span


def _shown(path: str) -> str:
    parts = _LIBRARIES.split(path)
    if len(parts) > 1:
        return parts[-1]
    for folder in _STANDARD:
        if path.startswith(folder):
            return path[len(folder) :].lstrip("/\\")
    try:
        return str(Path(path).relative_to(Path.cwd()))
    except (ValueError, OSError):
        return path
