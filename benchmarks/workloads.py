"""What is asked of the servers: one table."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

__all__ = ["CLIENTS", "PAUSES", "WORKLOADS", "Workload"]

CLIENTS: Final = 32
"""Connections of an ordinary workload: enough to keep one worker busy, few enough that none has to queue for long."""

ORDER: Final = json.dumps(
    {
        "customer": "Ada",
        "lines": [{"name": "tea", "price": 2.5, "count": 2}, {"name": "milk", "price": 1.25, "count": 4}],
    }
).encode()
OCTETS: Final = (("Content-Type", "application/octet-stream"),)


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
