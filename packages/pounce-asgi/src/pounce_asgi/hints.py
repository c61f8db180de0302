"""What to say beside an application's error when the server knows the likely reason, and the way out.

The one reason known here: with several worker threads an application has several event loops, and what was made on one
of them - a pool, a client, a lock - is used on another. Libraries say so in words that do not lead to the cause.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CURES", "CURES_OF_FRAMEWORKS", "hint_for"]

CURES: Final = (
    "yield it from the lifespan as state, so that each worker has its own (request.state in Starlette and FastAPI), "
    "or let a factory make the application for each worker (--factory), or use --worker-kind process"
)
"""What helps an application that keeps something bound to an event loop in a place that several workers share."""

CURES_OF_FRAMEWORKS: Final = (
    "let a factory make the application for each worker (--factory), or use --worker-kind process or "
    "--lifespan-scope server"
)
"""The same where it is the framework that keeps it, so that nobody can move it elsewhere."""

ANOTHER_LOOP: Final = (
    "Something made on the event loop of one worker was used on that of another: a pool, a client or a lock that is "
    f"kept in app.state or in a module. What helps: {CURES}"
)

_OTHER_LOOP_MESSAGES: Final = re.compile(
    "|".join(
        (
            r"attached to a different loop",  # asyncio tasks: and with them asyncpg, redis, motor, grpc
            r"is bound to a different event loop",  # asyncio locks, queues, events
            r"future belongs to a different loop",  # asyncio.gather(), wait_for()
            r"on an event loop other than the current one",  # asyncio in debug mode
            r"Timeout context manager should be used inside a task",  # aiohttp: no task on the session's own loop
            r"Cannot use \w+ in different event loop",  # pymongo
            r"create objects with the same loop as running with",  # aiokafka
        )
    )
)

_KINDS: Final = (RuntimeError, ValueError, AssertionError)
"""The built-in errors that these messages come with; libraries have errors of their own."""

_LINKS: Final = 20
"""How many errors of a chain are looked at; a chain may be as long as an application likes, or a circle."""


def hint_for(error: BaseException) -> str | None:
    """One line on the likely reason for an application's error, and what helps; None when there is nothing to add.

    Causes, contexts and the members of exception groups are looked at too: libraries wrap what asyncio raises.
    """
    for one in _chain(error):
        tells = isinstance(one, _KINDS) or type(one).__module__ != "builtins"  # not a KeyError: its text is a key
        if tells and _OTHER_LOOP_MESSAGES.search(_text(one)):
            return ANOTHER_LOOP
    return None


def _text(error: BaseException) -> str:
    """Its words, as far as they may tell something. They are made by foreign code, which may fail in turn."""
    try:
        return str(error)[:10_000]
    except Exception:  # noqa: BLE001 - another error is being reported
        return ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and those that led to it, nearest first; each once, and only so many."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting and len(seen) < _LINKS:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        members = one.exceptions if isinstance(one, BaseExceptionGroup) else ()
        waiting += [linked for linked in (one.__cause__, one.__context__, *members) if linked is not None]
