"""What is asked of the servers: one table."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import Final

from benchmarks.wires import Wire

__all__ = ["CLIENTS", "PAUSES", "WORKLOADS", "Load", "Workload"]

CLIENTS: Final = 32
"""Connections of an ordinary workload: enough to keep one worker busy, few enough that none has to queue for long."""

ORDER: Final = json.dumps(
    {
        "customer": "Ada",
        "lines": [{"name": "tea", "price": 2.5, "count": 2}, {"name": "milk", "price": 1.25, "count": 4}],
    }
).encode()
OCTETS: Final = (("Content-Type", "application/octet-stream"),)
MESSAGE: Final = bytes(ord("a") + number % 26 for number in range(64))


class Load(enum.Enum):
    """Who sends the requests."""

    WRK = "wrk"
    H2LOAD = "h2load"
    HANDSHAKES = "handshake_load"
    """Ours: wrk takes up the TLS session of the connection before, which spares both sides most of a handshake."""
    MESSAGES = "websocket_load"
    """Ours: WebSocket messages."""
    QUIC = "quic_load"
    """Ours: HTTP/3, which h2load speaks only where it was built for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One request, sent again and again, and the answer that every server has to give."""

    name: str
    title: str
    app: str
    """``module:attribute`` of the application."""
    answer: bytes
    """The body of the answer, whose status is 200."""
    method: str = "GET"
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    connections: int = CLIENTS
    script: str = ""
    """File in ``wrk/`` that makes each request, when they are not all the same."""
    needs: str = ""
    """Distribution that the application imports."""
    static: bool = False
    """A server that runs no application can answer it (nginx)."""
    wire: Wire = Wire.HTTP
    load: Load = Load.WRK
    streams: int = 1
    """Requests at once on one connection (HTTP/2 and HTTP/3)."""
    reference: str = "uvicorn"
    """The server that the figures of the others are divided by."""


HELLO: Final = b"Hello, world!"

_ALL: Final = (
    Workload(name="hello", title="13 bytes, keep-alive", app="benchmarks.apps:hello", answer=HELLO, static=True),
    Workload(
        name="differing",
        title="heads that differ in every request (path, cookie, request id)",
        app="benchmarks.apps:hello",
        answer=HELLO,
        script="differing.lua",
    ),
    Workload(
        name="close",
        title="a connection for each request (Connection: close)",
        app="benchmarks.apps:hello",
        answer=HELLO,
        headers=(("Connection", "close"),),
    ),
    Workload(
        name="post-1k",
        title="POST of 1 KiB, echoed",
        app="benchmarks.apps:echo",
        method="POST",
        headers=OCTETS,
        body=b"x" * 1024,
        answer=b"x" * 1024,
    ),
    Workload(
        name="post-64k",
        title="POST of 64 KiB, echoed",
        app="benchmarks.apps:echo",
        method="POST",
        headers=OCTETS,
        body=b"x" * 65536,
        answer=b"x" * 65536,
    ),
    Workload(name="large", title="response of 64 KiB", app="benchmarks.apps:large", answer=b"x" * 65536),
    Workload(name="stream", title="ten chunks of 1 KiB", app="benchmarks.apps:stream", answer=b"x" * 10240),
    Workload(
        name="sleep", title="10 ms sleep, 256 clients", app="benchmarks.apps:sleep", answer=HELLO, connections=256
    ),
    Workload(name="many", title="512 connections", app="benchmarks.apps:hello", answer=HELLO, connections=512),
    Workload(
        name="one", title="one client on one connection", app="benchmarks.apps:hello", answer=HELLO, connections=1
    ),
    Workload(
        name="fastapi",
        title="FastAPI, JSON",
        app="benchmarks.fastapi_app:app",
        answer=b'{"hello":"world"}',
        needs="fastapi",
    ),
    Workload(
        name="fastapi-post",
        title="FastAPI, POST with validation",
        app="benchmarks.fastapi_app:app",
        method="POST",
        path="/orders",
        headers=(("Content-Type", "application/json"),),
        body=ORDER,
        answer=b'{"customer":"Ada","total":10.0}',
        needs="fastapi",
    ),
    Workload(
        name="fastapi-thread",
        title="FastAPI, threaded route (def)",
        app="benchmarks.fastapi_app:app",
        path="/thread",
        answer=b'{"hello":"thread"}',
        needs="fastapi",
    ),
    Workload(
        name="tls",
        title="13 bytes, keep-alive, over TLS",
        app="benchmarks.apps:hello",
        answer=HELLO,
        static=True,
        wire=Wire.TLS,
    ),
    Workload(
        name="tls-close",
        title="a connection with a full TLS handshake for each request",
        app="benchmarks.apps:hello",
        answer=HELLO,
        headers=(("Connection", "close"),),
        connections=8,
        static=True,
        wire=Wire.TLS,
        load=Load.HANDSHAKES,
    ),
    Workload(
        name="websocket",
        title="WebSocket messages of 64 bytes, echoed; 16 connections, one message in flight on each",
        app="benchmarks.apps:echo_messages",
        answer=MESSAGE,
        connections=16,
        wire=Wire.WEBSOCKET,
        load=Load.MESSAGES,
    ),
    Workload(
        name="h2c",
        title="13 bytes, HTTP/2 by prior knowledge, 16 connections of 10 streams",
        app="benchmarks.apps:hello",
        answer=HELLO,
        connections=16,
        static=True,
        wire=Wire.H2C,
        load=Load.H2LOAD,
        streams=10,
        reference="hypercorn",
    ),
    Workload(
        name="h2",
        title="13 bytes, HTTP/2 over TLS, 16 connections of 10 streams",
        app="benchmarks.apps:hello",
        answer=HELLO,
        connections=16,
        static=True,
        wire=Wire.H2,
        load=Load.H2LOAD,
        streams=10,
        reference="hypercorn",
    ),
    Workload(
        name="h3",
        title="13 bytes, HTTP/3, 16 connections of 10 streams",
        app="benchmarks.apps:hello",
        answer=HELLO,
        connections=16,
        wire=Wire.H3,
        load=Load.QUIC,
        streams=10,
        reference="hypercorn-h3",
    ),
)

PAUSES: Final = (
    Workload(
        name="pauses",
        title="garbage collections: 60,000 objects held, a cycle left behind by each request",
        app="benchmarks.pause_apps:littering",
        answer=HELLO,
    ),
    Workload(
        name="pauses-fastapi",
        title="garbage collections: FastAPI, JSON",
        app="benchmarks.pause_fastapi_app:app",
        answer=b'{"hello":"world"}',
        needs="fastapi",
    ),
)
"""Not compared like the others: their applications tell how long garbage collections stopped them."""

WORKLOADS: Final = {workload.name: workload for workload in _ALL}
