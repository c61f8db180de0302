"""What a message has to do with: the worker in whose thread, and the request in whose task it was logged.

Both are context variables, so tasks, ``asyncio.to_thread`` and whoever else copies the context know them, too.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pounce_asgi.types import AnyApplication, ASGIReceiveCallable, ASGISendCallable, Scope

__all__ = ["RequestIdContext", "current_request_id", "current_worker", "enter_worker", "worker_here"]

current_worker: Final[ContextVar[int | None]] = ContextVar("pounce_worker", default=None)
current_request_id: Final[ContextVar[str | None]] = ContextVar("pounce_request_id", default=None)

_process: Final[dict[str, int]] = {}
"""The worker that a whole process is. Set once, before it serves."""


def enter_worker(worker_id: int, *, whole_process: bool = False) -> None:
    """What this thread does from now on is done by that worker; ``whole_process``: and what any other thread does."""
    current_worker.set(worker_id)
    if whole_process:
        _process["worker"] = worker_id


def worker_here() -> int | None:
    """The worker whose thread or process this is; None in threads that belong to none."""
    here = current_worker.get()
    return here if here is not None else _process.get("worker")


class RequestIdContext:
    """ASGI middleware that lets every message logged within a request know the request's id, where it has one."""

    __slots__ = ("_app",)

    def __init__(self, app: AnyApplication) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """As the application's."""
        state: dict[str, Any] = scope.get("state") or {}
        request_id = state.get("request_id")
        if not isinstance(request_id, str):
            await self._app(scope, receive, send)
            return
        token = current_request_id.set(request_id)
        try:
            await self._app(scope, receive, send)
        finally:
            current_request_id.reset(token)
