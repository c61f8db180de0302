"""What can be set about exchanges and the lifespan. The server derives flags, variables and documentation from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

__all__ = ["ExchangeSettings", "Http2Settings", "Http3Settings", "LiftSettings", "WebSocketSettings"]

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


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketSettings:
    """WebSocket connections, over whichever version of HTTP.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    ws: Literal["auto", "wsproto", "none"] = field(
        default="auto",
        metadata={
            "help": "Whether WebSockets are served; auto if the extra ws is installed, none treats their handshakes as"
            " ordinary requests.",
            "choices": ("auto", "wsproto", "none"),
        },
    )
    ws_max_size: int = field(
        default=16 * 1024 * 1024,
        metadata={"help": "Largest message, also after decompression; then 1009.", "unit": "bytes", "minimum": 1},
    )
    ws_max_queue: int = field(
        default=32,
        metadata={"help": "Messages that wait for the application before reading pauses.", "unit": "messages"}
        | {"minimum": 1},
    )
    ws_ping_interval: float | None = field(
        default=20.0,
        metadata={"help": "Time between pings to the client.", "unit": "seconds", "minimum": 0.001},
    )
    ws_ping_timeout: float | None = field(
        default=20.0,
        metadata={"help": "Longest time for the answer to a ping; then 1011.", "unit": "seconds", "minimum": 0.001},
    )
    ws_per_message_deflate: bool = field(
        default=True, metadata={"help": "Offer compression of messages (permessage-deflate)."}
    )

    def __post_init__(self) -> None:
        for name in ("ws_max_size", "ws_max_queue"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}: {getattr(self, name)!r} is below 1")
        for name in ("ws_ping_interval", "ws_ping_timeout"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ValueError(f"{name}: {value!r} is not above 0 seconds")


_H2_RANGES = (
    ("h2_max_concurrent_streams", 1, 2**31 - 1),
    ("h2_stream_window", 65_535, 2**31 - 1),
    ("h2_connection_window", 65_535, 2**31 - 1),
    ("h2_max_frame_size", 16_384, 2**24 - 1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Http2Settings:
    """HTTP/2 connections (RFC 9113). The limits of request heads are those of HTTP/1.1.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    http2: Literal["auto", "on", "off"] = field(
        default="auto",
        metadata={
            "help": "Whether HTTP/2 is served; auto if the extra h2 is installed, on insists.",
            "choices": ("auto", "on", "off"),
        },
    )
    h2_upgrade: bool = field(
        default=False,
        metadata={
            "help": "Follow Upgrade: h2c in the clear. Not behind a proxy: one that passes it on sees nothing of what "
            "goes through from then on."
        },
    )
    h2_max_concurrent_streams: int = field(
        default=100,
        metadata={"help": "Requests at once on one connection.", "unit": "streams", "minimum": 1}
        | {"maximum": 2**31 - 1},
    )
    h2_stream_window: int = field(
        default=262_144,
        metadata={"help": "Bytes of one request body that may wait for the application.", "unit": "bytes"}
        | {"minimum": 65_535, "maximum": 2**31 - 1},
    )
    h2_connection_window: int = field(
        default=1_048_576,
        metadata={"help": "Bytes of all request bodies of a connection that may wait.", "unit": "bytes"}
        | {"minimum": 65_535, "maximum": 2**31 - 1},
    )
    h2_max_frame_size: int = field(
        default=16_384,
        metadata={"help": "Largest frame that a client may send.", "unit": "bytes", "minimum": 16_384}
        | {"maximum": 2**24 - 1},
    )

    def __post_init__(self) -> None:
        if self.http2 not in ("auto", "on", "off"):
            raise ValueError(f"http2: {self.http2!r} is not one of auto, on, off")
        for name, least, most in _H2_RANGES:
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name}: {getattr(self, name)!r} is not within {least} and {most}")


_H3_RANGES = (
    ("h3_max_concurrent_streams", 1, 2**31 - 1),
    ("h3_stream_window", 65_535, 2**31 - 1),
    ("h3_connection_window", 65_535, 2**31 - 1),
    ("quic_max_connections", 1, 2**31 - 1),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Http3Settings:
    """HTTP/3 connections (RFC 9114) over QUIC (RFC 9000). The limits of request heads are those of HTTP/1.1.

    Raises:
        ValueError: a value is out of its range; the message names the field.
    """

    quic_retry: Literal["auto", "always", "never"] = field(
        default="auto",
        metadata={
            "help": "Let clients prove their address before anything is kept for them (RFC 9000, 8.1.2); auto does so"
            " while many handshakes are open, or many begin.",
            "choices": ("auto", "always", "never"),
        },
    )
    quic_idle_timeout: float = field(
        default=75.0,
        metadata={"help": "Longest time in which nothing arrives on a QUIC connection.", "unit": "seconds"}
        | {"minimum": 0.001},
    )
    quic_max_connections: int = field(
        default=10_000, metadata={"help": "QUIC connections of each worker.", "unit": "connections", "minimum": 1}
    )
    quic_early_data: bool = field(
        default=False,
        metadata={
            "help": "Accept requests in the first flight of a client that comes again (0-RTT), which an attacker can"
            " repeat; methods that are not safe are answered 425 (RFC 8470)."
        },
    )
    h3_max_concurrent_streams: int = field(
        default=100,
        metadata={"help": "Requests at once on one connection.", "unit": "streams", "minimum": 1}
        | {"maximum": 2**31 - 1},
    )
    h3_stream_window: int = field(
        default=262_144,
        metadata={"help": "Bytes of one request body that may wait for the application.", "unit": "bytes"}
        | {"minimum": 65_535, "maximum": 2**31 - 1},
    )
    h3_connection_window: int = field(
        default=1_048_576,
        metadata={"help": "Bytes of all request bodies of a connection that may wait.", "unit": "bytes"}
        | {"minimum": 65_535, "maximum": 2**31 - 1},
    )

    def __post_init__(self) -> None:
        if self.quic_retry not in ("auto", "always", "never"):
            raise ValueError(f"quic_retry: {self.quic_retry!r} is not one of auto, always, never")
        if not self.quic_idle_timeout > 0:
            raise ValueError(f"quic_idle_timeout: {self.quic_idle_timeout!r} is not above 0 seconds")
        for name, least, most in _H3_RANGES:
            if not least <= getattr(self, name) <= most:
                raise ValueError(f"{name}: {getattr(self, name)!r} is not within {least} and {most}")
