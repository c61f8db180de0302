"""What a connection has still to do, where no event loop runs it: the callbacks of one connection, in order.

It stands where the wire expects a loop, and offers the two things that are asked of one there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_asgi.blocking_future import BlockingFuture

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context

__all__ = ["Turns"]


class Turns:
    """Callbacks that wait. They go with their connection, and belong to the thread that has it."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        # Seldom more than two, and thousands of connections have none: a list, which is small.
        self._waiting: list[tuple[Callable[..., Any], tuple[Any, ...]]] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def call_soon(self, callback: Callable[..., Any], *args: Any, context: Context | None = None) -> None:  # noqa: ARG002
        """Call it in the next turn. Every request gets a context of its own from its exchange, so none is needed."""
        self._waiting.append((callback, args))

    def create_future(self) -> BlockingFuture[Any]:
        """A result that may be there later. Its callbacks are called at once when it is."""
        return BlockingFuture()

    def run(self) -> None:
        """One turn: what waits now. What that adds waits for the next one."""
        for _ in range(len(self._waiting)):
            callback, args = self._waiting.pop(0)
            callback(*args)
