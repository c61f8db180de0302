"""The memory of a connection that has had an answer and waits for its client."""

from __future__ import annotations

import resource
import socket
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.attacks.good_client import GoodClient
from benchmarks.attacks.http2_attacks import PREFACE, get
from benchmarks.attacks.target import attacked_server
from benchmarks.attacks.tls_attacks import trusting
from benchmarks.servers import HOST

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MOST_IDLE", "WIRES", "idle"]

MOST_IDLE: Final = 6 * 1024
"""Bytes of the server over HTTP/1.1 in the clear; the others have what their libraries take."""
PATIENCE: Final = 30.0
REQUEST: Final = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


def connect(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), PATIENCE)


def over_http1(port: int) -> socket.socket:
    return answered(connect(port), REQUEST, b"\r\n\r\nok")


def over_tls() -> Callable[[int], socket.socket]:
    context = trusting()
    return lambda port: answered(context.wrap_socket(connect(port)), REQUEST, b"\r\n\r\nok")


def over_http2(port: int) -> socket.socket:
    return answered(connect(port), PREFACE + get(1), b"ok")


def over_http2_tls() -> Callable[[int], socket.socket]:
    context = trusting()
    context.set_alpn_protocols(["h2"])
    return lambda port: answered(context.wrap_socket(connect(port)), PREFACE + get(1), b"ok")


WIRES: Final[dict[str, tuple[bool, Callable[[], Callable[[int], socket.socket]]]]] = {
    "HTTP/1.1": (False, lambda: over_http1),
    "HTTP/1.1 over TLS": (True, over_tls),
    "HTTP/2": (False, lambda: over_http2),
    "HTTP/2 over TLS": (True, over_http2_tls),
}


def answered(sock: socket.socket, request: bytes, end: bytes) -> socket.socket:
    sock.sendall(request)
    seen = b""
    while end not in seen:
        data = sock.recv(4096)
        if not data:
            raise ConnectionError("closed instead of an answer")
        seen += data
    return sock


def idle(wire: str, count: int) -> float:
    """Bytes of the server for each of so many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, count + 1000)), hard))
    secure, way = WIRES[wire]
    with tempfile.TemporaryDirectory() as folder, attacked_server(Path(folder), secure=secure) as target:
        port = target.ports.tls or target.ports.clear
        open_one = way()
        connections: list[socket.socket] = []
        marks = []
        for most in (count // 10, count):  # what the first of them cost belongs to the server
            while len(connections) < most:
                connections.append(open_one(port))
            time.sleep(0.5)
            marks.append(target.held().memory)
        with GoodClient(port, target.pid, secure=secure) as client:
            turn = client.ask(1.0)
        for sock in connections:
            sock.close()
        each = (marks[1] - marks[0]) / (count - count // 10)
    bar = f", at most {MOST_IDLE:,}" if wire == "HTTP/1.1" else ""
    print(
        f"{count:,} idle connections, {wire}: {each:,.0f} bytes each{bar};"
        f" p99 of another client {turn.wall * 1000:.2f} ms, work {turn.work * 1000:.2f} ms",
        flush=True,
    )
    return each
