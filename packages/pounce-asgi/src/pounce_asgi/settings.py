"""What can be set about exchanges and the lifespan. The server derives flags, variables and documentation from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["ExchangeSettings", "LiftSettings"]

LIFESPAN_MODES = ("auto", "on", "off")
LIFESPAN_SCOPES = ("worker", "server")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeSettings:
    """How requests become ASGI and answers become responses.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    lifespan: Literal["auto", "on", "off"] = field(
        default="auto",
        metadata={"help": "Run the application's lifespan: auto goes on without it when it is not supported."}
        | {"choices": LIFESPAN_MODES},
    )
    lifespan_scope: Literal["worker", "server"] = field(
        default="worker",
        metadata={
            "help": "worker runs the lifespan in every worker, on its loop; server runs it once for all worker threads,"
            " on a loop of its own (each process still has its own).",
            "choices": LIFESPAN_SCOPES,
        },
    )
    timeout_lifespan_startup: float = field(
        default=60.0,
        metadata={"help": "Longest time for the application's startup.", "unit": "seconds", "minimum": 0.001},
    )
    timeout_lifespan_shutdown: float = field(
        default=30.0,
        metadata={"help": "Longest time for the application's shutdown.", "unit": "seconds", "minimum": 0.001},
    )
    root_path: str = field(
        default="", metadata={"help": "Path under which a proxy mounts the application, such as /api."}
    )
    server_header: bool = field(default=True, metadata={"help": "Add a Server field to responses."})
    date_header: bool = field(default=True, metadata={"help": "Add a Date field to responses."})
    header: tuple[tuple[str, str], ...] = field(
        default=(), metadata={"help": "A field for every response, written name:value. Repeatable."}
    )
    max_request_body: int | None = field(
        default=None,
        metadata={"help": "Largest request body; above it the answer is 413.", "unit": "bytes", "minimum": 0},
    )
    early_head: bool = field(
        default=True,
        metadata={"help": "Send the response head alone when the application waits before its first body chunk."},
    )
    request_id: bool = field(
        default=False, metadata={"help": "Give each request an id (UUIDv7) in scope state, events and logs."}
    )

    def __post_init__(self) -> None:
        if self.lifespan not in LIFESPAN_MODES:
            raise ValueError(f"lifespan: {self.lifespan!r} is not one of {', '.join(LIFESPAN_MODES)}")
        if self.lifespan_scope not in LIFESPAN_SCOPES:
            raise ValueError(f"lifespan_scope: {self.lifespan_scope!r} is not one of {', '.join(LIFESPAN_SCOPES)}")
        for name in ("timeout_lifespan_startup", "timeout_lifespan_shutdown"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: {getattr(self, name)!r} is not above 0 seconds")
        if self.max_request_body is not None and self.max_request_body < 0:
            raise ValueError(f"max_request_body: {self.max_request_body!r} is below 0 bytes")
        if self.root_path and not self.root_path.startswith("/"):
            raise ValueError(f"root_path: {self.root_path!r} does not begin with a slash")


@dataclass(frozen=True, slots=True, kw_only=True)
class LiftSettings:
    """Threads for applications that block (WSGI, SyncApp), and the queue before them.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    sync_threads: int = field(
        default=16,
        metadata={
            "help": "Threads of each worker for applications that block: WSGI and SyncApp.",
            "unit": "threads",
            "minimum": 1,
        },
    )
    limit_sync_queue: int = field(
        default=1000,
        metadata={"help": "Requests that may wait for a thread; then 503.", "unit": "requests", "minimum": 0},
    )
    timeout_sync_queue: float = field(
        default=30.0,
        metadata={"help": "Longest time that a request waits for a thread; then 503.", "unit": "seconds"}
        | {"minimum": 0.001},
    )

    def __post_init__(self) -> None:
        if self.sync_threads < 1:
            raise ValueError(f"sync_threads: {self.sync_threads!r} is below 1")
        if self.limit_sync_queue < 0:
            raise ValueError(f"limit_sync_queue: {self.limit_sync_queue!r} is below 0")
        if not self.timeout_sync_queue > 0:
            raise ValueError(f"timeout_sync_queue: {self.timeout_sync_queue!r} is not above 0 seconds")
