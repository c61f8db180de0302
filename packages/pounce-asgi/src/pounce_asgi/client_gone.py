"""Whether an application ended because nobody was there any more to be answered."""

from __future__ import annotations

import asyncio

from pounce_asgi.errors import ClientGone

__all__ = ["is_client_gone"]


def is_client_gone(error: BaseException) -> bool:
    """Whether an application ended because its client left, also from within a task group."""
    if isinstance(error, BaseExceptionGroup):
        return all(is_client_gone(one) for one in error.exceptions)
    if isinstance(error, (ClientGone, asyncio.CancelledError)):
        return True
    cause = error.__cause__ or error.__context__
    return cause is not None and isinstance(error, OSError) and is_client_gone(cause)
