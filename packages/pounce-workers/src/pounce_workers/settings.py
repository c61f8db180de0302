"""What can be set about workers and their connections, and the bundle of settings that a worker is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from pounce_asgi.settings import ExchangeSettings
from pounce_http1 import Limits

__all__ = ["ServingSettings", "WorkerSettings"]

LOOPS = ("auto", "asyncio", "uvloop")
HTTP_ENGINES = ("auto", "fast", "h11")

_AT_LEAST = (
    ("graceful_timeout", 0, " seconds"),
    ("drain_idle", 0, " seconds"),
    ("worker_stall_timeout", 0.1, " seconds"),
    ("workers_lifetime", 1, " seconds"),
    ("workers_lifetime_jitter", 0, " seconds"),
    ("limit_concurrency", 1, ""),
    ("limit_connection_requests", 1, ""),
    ("limit_queue", 1, ""),
    ("timeout_queue", 0.001, " seconds"),
    ("async_limit", 0.001, " seconds"),
    ("limit_pool_threads", 0, ""),
    ("limit_max_requests", 1, ""),
    ("limit_max_requests_jitter", 0, ""),
    ("workers_max_rss", 1, ""),
    ("backlog", 1, ""),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """Times, limits and choices of one worker.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    timeout_keep_alive: float = field(
        default=75.0,
        metadata={"help": "How long an idle connection is kept open.", "unit": "seconds", "minimum": 0.001},
    )
    timeout_request_head: float = field(
        default=10.0,
        metadata={"help": "Longest time in all for one request head; then 408.", "unit": "seconds", "minimum": 0.001},
    )
    timeout_body_stall: float = field(
        default=30.0,
        metadata={
            "help": "Longest pause inside a request body; then 408. While a blocking application's thread waits for a "
            "long body it is the time for every 1024 bytes.",
            "unit": "seconds",
            "minimum": 0.001,
        },
    )
    timeout_write_stall: float = field(
        default=30.0,
        metadata={
            "help": "Longest time in which a client takes no byte of a waiting response.",
            "unit": "seconds",
            "minimum": 0.001,
        },
    )
    limit_concurrency: int | None = field(
        default=None,
        metadata={"help": "Connections beyond this many are answered 503.", "unit": "connections", "minimum": 1},
    )
    limit_connection_requests: int | None = field(
        default=None,
        metadata={"help": "Requests served over one connection before it is closed.", "unit": "requests", "minimum": 1},
    )
    limit_queue: int = field(
        default=1024,
        metadata={
            "help": "Connections with a request that may wait for a free blocking worker; beyond it the answer is 503.",
            "unit": "connections",
            "minimum": 1,
        },
    )
    timeout_queue: float = field(
        default=30.0,
        metadata={
            "help": "Longest time that a request may wait for a free blocking worker; then 503.",
            "unit": "seconds",
            "minimum": 0.001,
        },
    )
    async_limit: float = field(
        default=0.1,
        metadata={
            "help": "With worker_mode sync and an async application: a request that waits for longer keeps its thread,"
            " and a fresh thread takes its place.",
            "unit": "seconds",
            "minimum": 0.001,
        },
    )
    limit_pool_threads: int = field(
        default=32,
        metadata={
            "help": "Threads that may be kept by such requests; beyond it a request holds up a worker's thread.",
            "unit": "threads",
            "minimum": 0,
        },
    )
    graceful_timeout: float = field(
        default=30.0,
        metadata={"help": "How long requests in flight may go on after a stop.", "unit": "seconds", "minimum": 0},
    )
    drain_idle: float = field(
        default=5.0,
        metadata={
            "help": "A worker process that makes way for new code closes connections that have been idle for longer;"
            " the others are told with their next answer.",
            "unit": "seconds",
            "minimum": 0,
        },
    )
    worker_stall_timeout: float = field(
        default=30.0,
        metadata={
            "help": "A worker whose loop has not turned for this long is reported, and a process is replaced.",
            "unit": "seconds",
            "minimum": 0.1,
        },
    )
    limit_max_requests: int | None = field(
        default=None,
        metadata={
            "help": "Requests after which a worker is replaced by a fresh one.",
            "unit": "requests",
            "minimum": 1,
        },
    )
    limit_max_requests_jitter: int = field(
        default=0,
        metadata={
            "help": "Up to this many more, at random, so that workers do not go all at once.",
            "unit": "requests",
            "minimum": 0,
        },
    )
    workers_lifetime: float | None = field(
        default=None,
        metadata={"help": "Age at which a worker is replaced by a fresh one.", "unit": "seconds", "minimum": 1},
    )
    workers_lifetime_jitter: float = field(
        default=0.0,
        metadata={
            "help": "Up to this much more, at random, so that workers do not go all at once.",
            "unit": "seconds",
            "minimum": 0,
        },
    )
    workers_max_rss: int | None = field(
        default=None,
        metadata={
            "help": "Resident memory at which a worker process is replaced by a fresh one.",
            "unit": "MiB",
            "minimum": 1,
        },
    )
    backlog: int = field(
        default=2048,
        metadata={"help": "Connections that wait to be accepted.", "unit": "connections", "minimum": 1},
    )
    loop: Literal["auto", "asyncio", "uvloop"] = field(
        default="auto",
        metadata={"help": "The event loop; auto is asyncio with HTTP served by its selector.", "choices": LOOPS},
    )
    http: Literal["auto", "fast", "h11"] = field(
        default="auto", metadata={"help": "The HTTP/1.1 parser; auto is the fast one.", "choices": HTTP_ENGINES}
    )

    def __post_init__(self) -> None:
        for name in ("timeout_keep_alive", "timeout_request_head", "timeout_body_stall", "timeout_write_stall"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name}: {getattr(self, name)!r} is not above 0 seconds")
        for name, least, unit in _AT_LEAST:
            value = getattr(self, name)
            if value is not None and not value >= least:
                raise ValueError(f"{name}: {value!r} is below {least:g}{unit}")
        if self.loop not in LOOPS:
            raise ValueError(f"loop: {self.loop!r} is not one of {', '.join(LOOPS)}")
        if self.http not in HTTP_ENGINES:
            raise ValueError(f"http: {self.http!r} is not one of {', '.join(HTTP_ENGINES)}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingSettings:
    """All that a worker is configured with: the settings of each package it joins."""

    http1: Limits = field(default_factory=Limits)
    exchange: ExchangeSettings = field(default_factory=ExchangeSettings)
    worker: WorkerSettings = field(default_factory=WorkerSettings)
