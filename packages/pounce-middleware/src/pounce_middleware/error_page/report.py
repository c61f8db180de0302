"""Everything that a page says of an exception: it, those that it came from, those that it holds, and the request."""

from __future__ import annotations

import platform
import sys
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pounce_middleware.error_page.frames import frames_of, note_secrets
from pounce_middleware.error_page.request_data import RequestData, note_request_secrets, request_data

if TYPE_CHECKING:
    from types import TracebackType

    from pounce_middleware.error_page.frames import Frame
    from pounce_middleware.error_page.redaction import Redaction

__all__ = ["ErrorReport", "ExceptionNode", "make_report"]

MOST_EXCEPTIONS: Final = 20
MOST_FRAMES: Final = 100
"""Calls of all exceptions together, after which exceptions are shown without theirs."""
LONGEST_MESSAGE: Final = 4000
LONGEST_TEXT: Final = 100_000

_MIDDLEWARE: Final = f"{__package__}.middleware"

CAUSE: Final = "The above was raised because of this one:"
CONTEXT: Final = "The above was raised while this one was being handled:"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExceptionNode:
    """One exception."""

    type_name: str
    message: str
    notes: tuple[str, ...]
    frames: tuple[Frame, ...]
    """The latest call first."""
    relation: str
    """How it is related to the one before it; empty for the first."""
    members: tuple[tuple[ExceptionNode, ...], ...] = ()
    """Of a group: each of its exceptions, with those that it came from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReport:
    """What is shown, and nothing that may not be."""

    chain: tuple[ExceptionNode, ...]
    """The exception, and those that it came from."""
    request: RequestData
    text: str
    """As Python writes it."""
    python: str

    @property
    def error(self) -> ExceptionNode:
        """The exception itself."""
        return self.chain[0]


def make_report(error: BaseException, scope: Any, body: bytes, redaction: Redaction) -> ErrorReport:
    """``body`` is as much of the body as the application has read, or its beginning."""
    note_request_secrets(scope, body, redaction)
    _note_all(error, redaction, set())
    text = "".join(traceback.format_exception(type(error), error, _below_us(error.__traceback__)))
    return ErrorReport(
        chain=_Reader(redaction).chain(error),
        request=request_data(scope, body, redaction),
        text=redaction.text(text[:LONGEST_TEXT]),
        python=f"{platform.python_implementation()} {platform.python_version()}, {sys.platform}",
    )


def _below_us(link: TracebackType | None) -> TracebackType | None:
    """Without the call of the middleware that shows it, which is the same in all of them."""
    while link is not None and link.tb_frame.f_globals.get("__name__") == _MIDDLEWARE:
        link = link.tb_next
    return link


def _related(error: BaseException) -> tuple[BaseException | None, str]:
    if error.__cause__ is not None:
        return error.__cause__, CAUSE
    if error.__suppress_context__:
        return None, ""
    return error.__context__, CONTEXT


def _members(error: BaseException) -> tuple[BaseException, ...]:
    return error.exceptions if isinstance(error, BaseExceptionGroup) else ()


def _note_all(error: BaseException | None, redaction: Redaction, seen: set[int]) -> None:
    """Secrets first: one that is known from an outer call may stand in the message of an inner one."""
    while error is not None and id(error) not in seen and len(seen) < MOST_EXCEPTIONS:
        seen.add(id(error))
        note_secrets(error.__traceback__, redaction)
        for member in _members(error):
            _note_all(member, redaction, seen)
        error = _related(error)[0]


class _Reader:
    """Reads exceptions, each once, and not more than a page has room for."""

    def __init__(self, redaction: Redaction) -> None:
        self._redaction = redaction
        self._seen: set[int] = set()
        self._frames = 0

    def chain(self, error: BaseException) -> tuple[ExceptionNode, ...]:
        nodes: list[ExceptionNode] = []
        one: BaseException | None = error
        relation = ""
        while one is not None and id(one) not in self._seen and len(self._seen) < MOST_EXCEPTIONS:
            self._seen.add(id(one))
            nodes.append(self._node(one, relation))
            one, relation = _related(one)
        return tuple(nodes)

    def _node(self, error: BaseException, relation: str) -> ExceptionNode:
        kind = type(error)
        module = "" if kind.__module__ in ("builtins", "__main__") else f"{kind.__module__}."
        frames = frames_of(_below_us(error.__traceback__), self._redaction) if self._frames < MOST_FRAMES else []
        self._frames += len(frames)
        notes = getattr(error, "__notes__", ())
        return ExceptionNode(
            type_name=module + kind.__qualname__,
            message=self._message(error),
            notes=tuple(self._redaction.text(str(note)[:LONGEST_MESSAGE]) for note in notes if isinstance(note, str)),
            frames=tuple(reversed(frames)),
            relation=relation,
            members=tuple(chain for member in _members(error) if (chain := self.chain(member))),
        )

    def _message(self, error: BaseException) -> str:
        try:
            text = str(error)
        except Exception as failure:  # noqa: BLE001 - whatever the exception's own code does
            return f"(its message cannot be had: __str__ raised {type(failure).__name__})"
        if len(text) > LONGEST_MESSAGE:
            text = f"{text[:LONGEST_MESSAGE]}\u2026 ({len(text):,} characters)"
        return self._redaction.text(text)
