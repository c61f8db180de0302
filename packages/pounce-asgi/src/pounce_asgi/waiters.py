"""Futures that wait for the same news: several ``receive()`` or ``send()`` of one application at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio

__all__ = ["and_waiter", "wake"]


def and_waiter(others: list[asyncio.Future[None]] | None, waiter: asyncio.Future[None]) -> list[asyncio.Future[None]]:
    """All that wait. Who gave up is forgotten: an application may look for a disconnect any number of times."""
    return [waiter] if others is None else [*(other for other in others if not other.done()), waiter]


def wake(waiters: list[asyncio.Future[None]] | None, error: BaseException | None = None) -> None:
    """Let all go on, or fail with ``error``."""
    for future in waiters or ():
        if not future.done():
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
