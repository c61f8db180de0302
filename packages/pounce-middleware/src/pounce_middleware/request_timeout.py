"""The longest time that an application may take for a response.

At the deadline the application is cancelled, as by ``asyncio.timeout()``: in its own task, so that context variables,
task groups and timeouts inside of it work as always, and a cancellation that comes from elsewhere at the same time is
not mistaken for this one. Then the client gets 504; if the head has been sent already, `ResponseTimeout` is raised, so
that the server cuts the response off and the client can tell.

The time ends with the last message of the response: what an application does after it is its own affair. Code that
blocks cannot be cancelled: a thread that an application waits for goes on, and is only no longer waited for; one that
blocks the event loop keeps the deadline from being noticed. WebSockets have no such deadline.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Self

from pounce_middleware.path_set import PathSet
from pounce_middleware.refusal import refuse
from pounce_middleware.response_progress import ResponseProgress
from pounce_middleware.root_path import path_below_root

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_asgi.types import AnyApplication, ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_middleware.request_timeout_settings import RequestTimeoutSettings

__all__ = ["RequestTimeoutMiddleware", "ResponseTimeout"]

logger = logging.getLogger("pounce.error")


class ResponseTimeout(TimeoutError):  # noqa: N818 - as the built-in that it is one of
    """The application did not end its response in time, and it was cut off."""


class RequestTimeoutMiddleware:
    """Cancels what takes too long. It has no state: any number of loops may call it at once."""

    __slots__ = ("_app", "_exempt_paths", "_timeout")

    def __init__(self, app: AnyApplication, *, timeout: float, exempt_paths: Iterable[str] = ()) -> None:
        """``timeout`` is in seconds, above 0.

        Raises:
            ValueError: a path is none.
        """
        self._app = app
        self._timeout = timeout
        self._exempt_paths = PathSet(exempt_paths) or None

    @classmethod
    def from_settings(cls, app: AnyApplication, settings: RequestTimeoutSettings) -> Self:
        """As the settings say.

        Raises:
            ValueError: no time is set.
        """
        if settings.request_timeout is None:
            raise ValueError("request_timeout: no time is set")
        return cls(app, timeout=settings.request_timeout, exempt_paths=settings.request_timeout_exempt_path)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve a request.

        Raises:
            ResponseTimeout: the response had begun at the deadline.
        """
        if scope["type"] != "http" or (self._exempt_paths is not None and path_below_root(scope) in self._exempt_paths):
            await self._app(scope, receive, send)
            return
        deadline = _Deadline(send, self._timeout)
        try:
            await self._app(scope, receive, deadline.send)
        except asyncio.CancelledError:
            if not deadline.end():
                raise
        except BaseException:
            deadline.end()
            raise
        else:
            if not deadline.end():
                return
        await self._late(deadline, scope, receive, send)

    async def _late(
        self, deadline: _Deadline, scope: Any, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """The deadline ended the application, with or without an exception."""
        if deadline.complete:
            return
        late = f"the application took longer than {self._timeout:g} s"
        if deadline.started:
            raise ResponseTimeout(f"{late}, and its response was cut off")
        logger.warning("Answered %s %s with 504: %s", scope["method"], ascii(scope["path"])[1:-1], late)
        await refuse(scope, receive, send, 504, "the application took too long")


class _Deadline(ResponseProgress):
    """Cancels the task that it was made in, unless it has been ended or the response is complete."""

    __slots__ = ("_before", "_task", "_timer", "expired")

    def __init__(self, send: ASGISendCallable, timeout: float) -> None:
        super().__init__(send)
        task = asyncio.current_task()
        assert task is not None, "an application is called in a task"
        self._task = task
        self._before = task.cancelling()
        self.expired = False
        self._timer: asyncio.TimerHandle | None = task.get_loop().call_later(timeout, self._expire)

    def completed(self) -> None:
        """The response is complete: there is no deadline any more."""
        self._stop()

    async def send(self, message: Any) -> None:
        """Pass a message on, but not from what an application left behind when it was cancelled."""
        if self.expired and asyncio.current_task() is not self._task:
            raise ResponseTimeout("the request is over")
        await super().send(message)

    def end(self) -> bool:
        """The application has ended. True when that is due to the deadline alone, and nobody else cancelled it."""
        self._stop()
        return self.expired and self._task.uncancel() <= self._before

    def _stop(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _expire(self) -> None:
        self._timer = None
        self.expired = True
        self._task.cancel()
