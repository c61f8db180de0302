"""An `AsyncWorkerPool` on a real socket, and applications for it."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from running_target import HANGS_AFTER, RunningTarget, bound, settings_of

from pounce_workers import AsyncWorkerPool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pounce_asgi import Listeners

Scope = dict[str, Any]
App = Any


class RunningAsyncPool(RunningTarget):
    """A pool of threads that serve an ASGI application."""

    def __init__(
        self,
        app: App,
        threads: int = 2,
        *,
        accepts: bool = True,
        listeners: Listeners | None = None,
        state: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
        **worker: Any,
    ) -> None:
        """``options`` are more arguments of `AsyncWorkerPool`."""
        on = bound(None if accepts else [])
        super().__init__(
            lambda on_started: AsyncWorkerPool(
                app,
                on,
                threads=threads,
                settings=settings_of(**worker),
                state=state,
                listeners=listeners,
                on_started=on_started,
                **(options or {}),
            ),
            on,
        )

    @property
    def pool(self) -> AsyncWorkerPool:
        pool: AsyncWorkerPool = self.target
        return pool

    def threads_are(self, count: int) -> None:
        """Wait until the pool has so many threads."""
        self.comes_true(lambda: len(self.pool.threads) == count, lambda: f"{len(self.pool.threads)} threads")


async def respond(send: Any, body: bytes = b"ok", *headers: tuple[bytes, bytes], status: int = 200) -> None:
    """A whole answer."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})


def by_path(**handlers: Callable[..., Awaitable[None]]) -> App:
    """Calls the handler whose name is the first part of the path; ``/`` answers with the thread's name."""

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        name = scope["path"].strip("/").split("/")[0]
        if name in handlers:
            await handlers[name](scope, receive, send)
        else:
            await respond(send, threading.current_thread().name.encode())

    return app


class Gates:
    """Handlers that wait, in their thread or in their task, until they are let go."""

    def __init__(self) -> None:
        self.entered = threading.Semaphore(0)
        self.calls: list[str] = []
        self.open = threading.Event()
        self._lock = threading.Lock()

    def _enter(self, scope: Scope) -> None:
        with self._lock:
            self.calls.append(scope["path"])
        self.entered.release()

    async def block(self, scope: Scope, receive: Any, send: Any) -> None:
        """Holds up its loop."""
        self._enter(scope)
        assert self.open.wait(HANGS_AFTER)
        await respond(send, threading.current_thread().name.encode())

    async def wait(self, scope: Scope, receive: Any, send: Any) -> None:
        """Waits in its task."""
        self._enter(scope)
        before = threading.current_thread()
        while not self.open.is_set():  # noqa: ASYNC110 - it is opened from another thread
            await asyncio.sleep(0.005)
        assert threading.current_thread() is before
        await respond(send, before.name.encode())

    def await_entries(self, count: int) -> None:
        for _ in range(count):
            assert self.entered.acquire(timeout=HANGS_AFTER)


async def stream(scope: Scope, receive: Any, send: Any) -> None:
    """A piece, then another whenever the loop turns, until the client leaves."""
    name = threading.current_thread().name.encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]})
    gone = asyncio.ensure_future(_disconnected(receive))
    while not gone.done():
        await send({"type": "http.response.body", "body": b"data: " + name + b"\n\n", "more_body": True})
        await asyncio.wait((gone,), timeout=0.02)
    await send({"type": "http.response.body"})


async def _disconnected(receive: Any) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
