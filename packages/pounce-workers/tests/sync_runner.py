"""A pool of blocking workers on real sockets, and applications for it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from running_target import HANGS_AFTER, Client, RunningTarget, bound, settings_of

from pounce_workers.serving.sync_worker_pool import SyncWorkerPool

if TYPE_CHECKING:
    import socket

    from pounce_asgi import Listeners
    from pounce_asgi.sync_app import SyncRequest, SyncSend


class RunningPool(RunningTarget):
    """A pool of blocking workers."""

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
        on = bound(([sock] if sock is not None else None) if accepts else [])
        super().__init__(
            lambda on_started: SyncWorkerPool(
                handler,
                on,
                threads=threads,
                settings=settings_of(exchange=exchange, limits=limits, **worker),
                listeners=listeners,
                on_started=on_started,
                **(options or {}),
            ),
            on,
        )

    @property
    def pool(self) -> SyncWorkerPool:
        pool: SyncWorkerPool = self.target
        return pool


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
