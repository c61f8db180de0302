"""Formats of gunicorn's atoms: ``%(h)s %({user-agent}i)s %(D)s``.

A format is read once into a template and the functions that get its values, so a line is one ``%`` of a tuple. What
comes from a client is escaped whatever the atom. The differences from gunicorn are few, and in ``docs/logging.md``.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from .escaping import safe, safe_bytes
from .line_formats import client_text, request_line
from .remembered import Remembered
from .request_fields import basic_user, field_of
from .timestamps import clf_time

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pounce_asgi import ResponseCompleted

__all__ = ["ATOMS", "AtomFormat", "AtomLines", "parsed"]

ATOMS: Final[dict[str, Callable[[ResponseCompleted], object]]] = {
    "h": lambda record: client_text(record.client),
    "l": lambda record: "-",  # noqa: ARG005 - every atom is given the record
    "u": lambda record: basic_user(record.request_headers),
    "t": lambda record: f"[{clf_time(int(record.wall))}]",
    "r": lambda record: request_line((record.method, record.raw_path, record.query_string, record.http_version)),
    "m": lambda record: safe(record.method),
    "U": lambda record: safe_bytes(record.raw_path),
    "q": lambda record: safe_bytes(record.query_string),
    "H": lambda record: f"HTTP/{safe(record.http_version)}",
    "s": lambda record: record.status,
    "B": lambda record: record.body_bytes_sent,
    "b": lambda record: record.body_bytes_sent or "-",
    "f": lambda record: _field(record.request_headers, b"referer"),
    "a": lambda record: _field(record.request_headers, b"user-agent"),
    "T": lambda record: int(record.duration),
    "D": lambda record: int(record.duration * 1_000_000),
    "M": lambda record: int(record.duration * 1000),
    "L": lambda record: f"{record.duration:.6f}",
    "p": lambda record: f"<{os.getpid()}>",  # noqa: ARG005 - as above
}
"""The atoms of one letter, as gunicorn has them."""

NUMBERS: Final = frozenset("sBTDM")
"""Those that may stand before ``d``."""

_TOKEN: Final = re.compile(
    r"%(?:(?P<percent>%)|\((?P<name>[^)]*)\)(?P<shape>[-+ #0]*[0-9]*(?:\.[0-9]+)?)(?P<conversion>[sd]))"
)
_VARIABLE: Final = re.compile(r"\{(?P<name>[^}]+)\}(?P<kind>[ioe])")

MOST_WIDTH: Final = 1000
"""Columns: a mistake in a format is not to make lines of megabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AtomFormat:
    """A format that was read."""

    template: str
    """For ``%``, with one place for each getter."""
    getters: tuple[Callable[[ResponseCompleted], object], ...]
    """What gets the values."""


def parsed(text: str) -> AtomFormat:
    """Read a format.

    Raises:
        ValueError: it is none; the message names the place.
    """
    if "%" not in text:
        raise ValueError(f"{text!r} is neither text, common, combined, json nor a format with atoms such as %(h)s")
    if "\n" in text or "\r" in text:
        raise ValueError(f"{text!r} has an end of line within, but a line of the log is one line")
    template, getters, at = "", [], 0
    while (found := text.find("%", at)) >= 0:
        token = _TOKEN.match(text, found)
        if token is None:
            raise ValueError(f"{text!r}, at {text[found : found + 12]!r}: expected an atom such as %(h)s, or %% for %")
        template += text[at:found]
        at = token.end()
        if token["percent"]:
            template += "%%"
            continue
        getter = _getter(token["name"], token["conversion"], text)
        if any(int(width) > MOST_WIDTH for width in re.findall(r"[0-9]+", token["shape"])):
            raise ValueError(f"{text!r}, at {token[0]!r}: wider than {MOST_WIDTH} columns")
        template += f"%{token['shape']}{token['conversion']}"
        getters.append(getter)
    return AtomFormat(template=template + text[at:], getters=tuple(getters))


class AtomLines:
    """Lines of such a format. An object belongs to one worker."""

    __slots__ = ("_getters", "_template")

    def __init__(self, form: AtomFormat) -> None:
        self._template = form.template
        self._getters = form.getters

    def line(self, record: ResponseCompleted) -> str:
        """The line of a request, without its end."""
        return self._template % tuple([get(record) for get in self._getters])


def _getter(name: str, conversion: str, text: str) -> Callable[[ResponseCompleted], object]:
    """What gets the value of an atom."""
    if conversion == "d" and name not in NUMBERS:
        raise ValueError(f"{text!r}, at '%({name})d': only {', '.join(sorted(NUMBERS))} are numbers; write %({name})s")
    one = ATOMS.get(name)
    if one is not None:
        return one
    variable = _VARIABLE.fullmatch(name)
    if variable is None:
        raise ValueError(
            f"{text!r}: there is no atom %({name})s; there are {', '.join([*ATOMS, '{field}i', '{variable}e'])}"
        )
    if variable["kind"] == "o":
        raise ValueError(
            f"{text!r}: %({name})s cannot be had, because the fields of a response are gone when it is logged"
        )
    if variable["kind"] == "e":
        value = safe(_environment(variable["name"]))
        return lambda record: value  # noqa: ARG005 - as above
    field = variable["name"].lower().encode("latin-1", "replace")
    return lambda record: _field(record.request_headers, field)


def _field(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> str:
    value = field_of(headers, name)
    return _shown.of(value) if value is not None else "-"


_shown: Final = Remembered(safe_bytes)


def _environment(name: str) -> str:
    """A variable of the process, as it is when the server starts; in any case, as gunicorn has it."""
    folded = name.lower()
    return next((value for key, value in os.environ.items() if key.lower() == folded), "-")
