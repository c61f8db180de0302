"""How long a request has waited for its place in the application, in its trace.

Two pieces of ASGI middleware around whatever lets requests wait: one notes when a request comes to the queue, the other
when it leaves it. A request that did not wait is left as it is.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from pounce_observability.tracing.middleware import STATE_KEY

if TYPE_CHECKING:
    from pounce_asgi.types import AnyApplication, ASGIReceiveCallable, ASGISendCallable, Scope

__all__ = ["QueueEntryMiddleware", "QueueExitMiddleware"]

_ENTERED: Final = "pounce.tracing.queued"
_SHORTEST: Final = 1_000_000
"""Nanoseconds. What takes less is the way through the queue, not a wait."""

SPAN_NAME: Final = "pounce.queue"


class QueueEntryMiddleware:
    """Directly outside of the queue. No state of its own."""

    def __init__(self, app: AnyApplication) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Note the time, and go on."""
        state: Any = scope.get("state")
        if state and STATE_KEY in state:
            state[_ENTERED] = time.monotonic_ns()
        await self.app(scope, receive, send)


class QueueExitMiddleware:
    """Directly inside of the queue. No state of its own."""

    def __init__(self, app: AnyApplication) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Tell the trace how long it took, and go on."""
        state: Any = scope.get("state")
        entered = state.pop(_ENTERED, None) if state else None
        if entered is not None:
            waited = time.monotonic_ns() - entered
            if waited >= _SHORTEST:
                telemetry, span = state[STATE_KEY]
                telemetry.record_wait(span, SPAN_NAME, waited)
        await self.app(scope, receive, send)
