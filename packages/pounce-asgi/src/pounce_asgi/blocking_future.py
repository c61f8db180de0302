"""A result that comes later, for code that blocks: a future that can be awaited without an event loop."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Generator

__all__ = ["BlockingFuture"]

Result = TypeVar("Result")


class BlockingFuture(Future[Result]):
    """What a blocking sink returns where an asynchronous one returns an ``asyncio.Future``.

    Awaiting one that is done suspends nothing. Callbacks are called at once when it is done already, in the thread that
    settles it.
    """

    @classmethod
    def settled(cls, result: Result) -> BlockingFuture[Result]:
        """One that is done, as after a write that blocked until everything was sent."""
        future = cls()
        future.set_result(result)
        return future

    @classmethod
    def failed(cls, error: BaseException) -> BlockingFuture[Result]:
        """One that has failed with ``error``."""
        future = cls()
        future.set_exception(error)
        return future

    def __await__(self) -> Generator[BlockingFuture[Result], None, Result]:
        """Yields itself once, unless it is done; whoever drives the coroutine waits until it is."""
        if not self.done():
            yield self
        return self.result(0)
