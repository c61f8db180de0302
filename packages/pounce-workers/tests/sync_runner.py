"""A pool of blocking workers on real sockets, and applications for it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Self

from worker_runner import HANGS_AFTER, Client

from pounce_asgi import ExchangeSettings
from pounce_http1 import Limits
from pounce_workers import ServingSettings, WorkerSettings, bind_tcp
from pounce_workers.serving.sync_worker_pool import SyncWorkerPool

if TYPE_CHECKING:
    import socket

    from pounce_asgi import Listeners
    from pounce_asgi.sync_app import SyncRequest, SyncSend


class RunningPool:
    """Serves while its block runs. What ``run()`` raised is raised on leaving, unless it was looked at."""

    def __init__(
        self,
        handler: Any,
        threads: int = 2,
        *,
        sock: socket.socket | None = None,
        accepts: bool = True,
        listeners: Listeners | None = None,
        exchange: dict[str, Any] | None = None,
        limits: dict[str, Any] | None = None,
        options: dict[str, Any] | None = None,
        **worker: Any,
    ) -> None:
        """``options`` are more arguments of `SyncWorkerPool`."""
        sockets = [sock or bind_tcp("127.0.0.1", 0, 1024)] if accepts else []
        self.address: Any = sockets[0].getsockname() if sockets else None
        self._started = threading.Event()
        self._error: BaseException | None = None
        settings = ServingSettings(
            http1=Limits(**(limits or {})),
            exchange=ExchangeSettings(**(exchange or {})),
            worker=WorkerSettings(**{"graceful_timeout": 5.0, **worker}),
        )
        self.pool = SyncWorkerPool(
            handler,
            sockets,
            threads=threads,
            settings=settings,
            listeners=listeners,
            on_started=self._started.set,
            **(options or {}),
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

    def empties(self) -> None:
        """Wait until the pool has no connection: a client sees the end of its own a moment before the pool is done."""
        end = time.monotonic() + HANGS_AFTER
        while self.pool.load:
            assert time.monotonic() < end, f"{self.pool.load} connections are left"
            time.sleep(0.001)

    def connect(self) -> Client:
        return Client(self.address)


def read_to_end(client: Client) -> None:
    """Drop all that comes. Raises ConnectionResetError for a reset."""
    while client.socket.recv(1 << 20):
        pass


def respond(send: SyncSend, body: bytes = b"ok", *headers: tuple[bytes, bytes], status: int = 200) -> None:
    """A whole answer."""
    send({"type": "http.response.start", "status": status, "headers": headers})
    send({"type": "http.response.body", "body": body})


def echo_path(request: SyncRequest, send: SyncSend) -> None:
    """Answers with the path."""
    respond(send, request.path.encode())


def echo_body(request: SyncRequest, send: SyncSend) -> None:
    """Answers with the body, once it has all of it."""
    respond(send, request.body.read())


class Gate:
    """Answers with the path when it is allowed to; ``entered`` counts the requests that are inside."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.entered = threading.Semaphore(0)
        self.threads: list[str] = []

    def __call__(self, request: SyncRequest, send: SyncSend) -> None:
        self.threads.append(threading.current_thread().name)
        if request.path != "/free":
            self.entered.release()
            assert self.open.wait(HANGS_AFTER)
        respond(send, request.path.encode())

    def await_entries(self, count: int) -> None:
        for _ in range(count):
            assert self.entered.acquire(timeout=HANGS_AFTER)
