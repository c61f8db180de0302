"""How a middleware of the user's own is written in a setting: ``module:Class``, or in a file a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

__all__ = ["MIDDLEWARE_IN_WORDS", "MiddlewareUse", "middleware_of", "shown_middleware"]

MIDDLEWARE_IN_WORDS: Final = 'module:Class; in a file also a table {use = "module:Class", option = ...}'
"""What is allowed, for an error and for the reference."""


@dataclass(frozen=True, slots=True)
class MiddlewareUse:
    """One ASGI middleware and how it is made: ``use(app, **options)``."""

    use: str | Callable[..., Any]
    """``module:Class``, or from Python the class itself."""
    options: tuple[tuple[str, Any], ...] = field(default=(), repr=False)
    """Passed by name. They may hold secrets, so no message shows them."""

    @property
    def name(self) -> str:
        """For messages."""
        if isinstance(self.use, str):
            return self.use
        return f"{getattr(self.use, '__module__', '?')}:{getattr(self.use, '__qualname__', repr(self.use))}"

    def __str__(self) -> str:
        return self.name


def middleware_of(value: object) -> tuple[MiddlewareUse, ...]:
    """What a text, a class, a table, or several of them stand for; the first is the outermost.

    Raises:
        ValueError: they stand for none.
    """
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(map(_use, items))


def shown_middleware(value: object) -> str:
    """What was given, for an error; of a table its keys alone, because its values may be secrets."""
    items = value if isinstance(value, list | tuple) else [value]
    return ", ".join(
        f"a table of {', '.join(map(str, item)) or 'nothing'}" if isinstance(item, Mapping) else repr(item)
        for item in items
    )


def _use(item: object) -> MiddlewareUse:
    if isinstance(item, MiddlewareUse):
        return item
    if isinstance(item, Mapping):
        return _from_table(item)
    if isinstance(item, str):
        return MiddlewareUse(_named(item))
    if callable(item):
        return MiddlewareUse(item)
    raise ValueError(MIDDLEWARE_IN_WORDS)


def _from_table(table: Mapping[object, object]) -> MiddlewareUse:
    options = {str(key): value for key, value in table.items()}
    use = options.pop("use", None)
    if not isinstance(use, str):
        raise ValueError(f"{MIDDLEWARE_IN_WORDS}; a table has a text as 'use'")
    for key in options:
        if not key.isidentifier():
            raise ValueError(f"{MIDDLEWARE_IN_WORDS}; {key!r} cannot be the name of an option")
    return MiddlewareUse(_named(use), tuple(options.items()))


def _named(text: str) -> str:
    text = text.strip()
    module, colon, path = text.partition(":")
    if not (colon and all(part.isidentifier() for part in (*module.split("."), *path.split(".")))):
        raise ValueError(MIDDLEWARE_IN_WORDS)
    return text
