"""Whether a function of the user's would have to be awaited, where it is only called."""

from __future__ import annotations

import functools
import inspect

__all__ = ["is_coroutine_function"]


def is_coroutine_function(found: object) -> bool:
    """Whether calling it makes something to be awaited: an async function or generator, an object whose ``__call__``
    is one, and what `functools.partial` makes of these.
    """
    while isinstance(found, functools.partial):
        found = found.func
    return any(
        inspect.iscoroutinefunction(one) or inspect.isasyncgenfunction(one) for one in (found, type(found).__call__)
    )
