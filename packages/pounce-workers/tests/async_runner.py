"""An `AsyncWorkerPool` on a real socket, and applications for it."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from worker_runner import HANGS_AFTER, Client

from pounce_asgi import ExchangeSettings
from pounce_workers import AsyncWorkerPool, ServingSettings, WorkerSettings, bind_tcp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pounce_asgi import Listeners

Scope = dict[str, Any]
App = Any


class RunningAsyncPool:
    """Serves while its block runs. What ``run()`` raised is raised on leaving, unless it was looked at."""

    def __init__(
        self,
        app: App,
        threads: int = 2,
        *,
        listeners: Listeners | None = None,
        state: dict[str, Any] | None = None,
        **worker: Any,
    ) -> None:
        sock = bind_tcp("127.0.0.1", 0, 1024)
        self.address = sock.getsockname()
        self._started = threading.Event()
        self._error: BaseException | None = None
        settings = ServingSettings(
            exchange=ExchangeSettings(), worker=WorkerSettings(**{"graceful_timeout": 5.0, **worker})
        )
        self.pool = AsyncWorkerPool(
            app,
            [sock],
            threads=threads,
            settings=settings,
            state=state,
            listeners=listeners,
            on_started=self._started.set,
        )
        self._thread = threading.Thread(target=self._run, name="pool under test", daemon=True)

    def _run(self) -> None:
        try:
            self.pool.run()
        except BaseException as error:  # noqa: BLE001 - it belongs to the test
            self._error = error
        finally:
            self._started.set()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._started.wait(HANGS_AFTER)
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.request_stop()
        if not self.join():
            self.pool.request_stop()
            assert self.join(), "the pool does not end"
        error, self._error = self._error, None
        if error is not None:
            raise error

    def join(self, timeout: float = HANGS_AFTER) -> bool:
        """Wait for the end of ``run()``."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def take_error(self) -> BaseException | None:
        """What ``run()`` raised; wait for its end first."""
        assert self.join(), "the pool does not end"
        error, self._error = self._error, None
        return error

    def connect(self) -> Client:
        return Client(self.address)

    def threads_are(self, count: int) -> None:
        """Wait until the pool has so many threads."""
        self.comes_true(lambda: len(self.pool.threads) == count, lambda: f"{len(self.pool.threads)} threads")

    def empties(self) -> None:
        """Wait until the pool has no connection."""
        self.comes_true(lambda: not self.pool.load, lambda: f"{self.pool.load} connections")

    @staticmethod
    def comes_true(what: Callable[[], bool], shown: Callable[[], str]) -> None:
        end = time.monotonic() + HANGS_AFTER
        while not what():
            assert time.monotonic() < end, shown()
            time.sleep(0.001)


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
