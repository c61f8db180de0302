"""How attackers are sent away: with which code, and under the name of which limit.

Each case is written until the server ends the connection; what it has said by then is looked at. That others are
served meanwhile is in `test_attacks`, what a lonely protocol object does in the tests of its package.
"""

from __future__ import annotations

import contextlib
import select
import shutil
import socket
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import pytest

from benchmarks.attacks import http2_attacks, websocket_attacks
from benchmarks.attacks.app import app
from benchmarks.attacks.http1_attacks import CHUNKED, GET, POST
from benchmarks.attacks.http2_attacks import PREFACE, frame
from benchmarks.attacks.pressure import repeated
from benchmarks.attacks.websocket_attacks import handshake, masked
from pounce_asgi.lifecycle import ClientTimedOut, ConnectionRefused, LimitHit
from pounce_asgi.listeners import Listeners, Subscriber
from pounce_testing import TestServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pounce_asgi import LifecycleRecord

PATIENCE = 30.0
CALM = 0xB
"""ENHANCE_YOUR_CALM (RFC 9113, 7)."""
SHORT = 0.3
"""Seconds of the limits of time here."""


class Seen:
    """Records of what attackers did; a worker's thread writes them down."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._changed = threading.Condition()

    def note(self, record: LifecycleRecord) -> None:
        name = next(getattr(record, field) for field in ("limit", "timeout", "reason") if hasattr(record, field))
        with self._changed:
            self._names.add(name)
            self._changed.notify_all()

    def clear(self) -> None:
        with self._changed:
            self._names.clear()

    def wait_for(self, name: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: name in self._names, PATIENCE), f"{name}: not in {self._names}"


@pytest.fixture(scope="module")
def seen() -> Seen:
    return Seen()


@pytest.fixture(scope="module")
def server(seen: Seen) -> Iterator[TestServer]:
    listeners = Listeners.of(Subscriber(seen.note, LimitHit, ClientTimedOut, ConnectionRefused))
    with TestServer(app, listeners=listeners, timeout_request_head=SHORT, timeout_body_stall=SHORT) as server:
        yield server


@pytest.fixture(scope="module")
def secure(seen: Seen) -> Iterator[TestServer]:
    listeners = Listeners.of(Subscriber(seen.note, LimitHit, ClientTimedOut, ConnectionRefused))
    with TestServer(app, listeners=listeners, tls=True, ssl_handshake_timeout=SHORT) as server:
        yield server


def said_until_the_end(server: TestServer, wire: Callable[[], Iterator[bytes]]) -> bytes:
    """Write until the server ends the connection, and read meanwhile."""
    deadline = time.monotonic() + PATIENCE
    said = bytearray()
    pieces, piece = wire(), b""
    with (
        contextlib.suppress(ConnectionResetError),
        socket.create_connection((server.host, server.port), PATIENCE) as sock,
    ):
        sock.setblocking(False)
        while time.monotonic() < deadline:
            piece = piece or next(pieces, b"")
            readable, writable, _ = select.select([sock], [sock] if piece else [], [], 1.0)
            if readable:
                data = sock.recv(65536)
                if not data:
                    break
                said += data
            if writable:
                try:
                    piece = piece[sock.send(piece) :]
                except ConnectionError:  # it was still written to when it was ended; what was said is to be read yet
                    pieces, piece = iter(()), b""
        else:
            raise AssertionError(f"the connection goes on after {len(said)} bytes: {bytes(said[-80:])!r}")
    return bytes(said)


def once(wire: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter([wire])


def status_of(said: bytes) -> int:
    """Of the last answer over HTTP/1.1."""
    return int(said[said.rindex(b"HTTP/1.1 ") + 9 :][:3])


def goaway_of(said: bytes) -> int:
    """The error code of the last frame, which is GOAWAY (RFC 9113, 6.8)."""
    kind, code = None, 0
    while said:
        size, kind = int.from_bytes(said[:3], "big"), said[3]
        code = int.from_bytes(said[13:17], "big")
        said = said[9 + size :]
    assert kind == 7, f"the last frame is of type {kind}"
    return code


# -- HTTP/1.1 -------------------------------------------------------------------------------------------------------

LINE = b"X-a: %s\r\n" % (b"v" * 600)
HTTP1: list[tuple[str, bytes, int, str]] = [
    ("request line", b"GET /%s HTTP/1.1\r\n" % (b"x" * 9000), 414, "limit_request_line"),
    ("a cookie of 20 KB", GET + b"Cookie: " + b"a=b; " * 4000, 431, "limit_request_field_size"),
    ("many codings", GET + b"Accept-Encoding: " + b"gzip;q=0.1," * 2000, 431, "limit_request_field_size"),
    ("many ranges", GET + b"Range: bytes=" + b"0-0," * 5000, 431, "limit_request_field_size"),
    ("a head of 70 KB", GET + (b"X-a: %s\r\n" % (b"v" * 7000)) * 10, 431, "limit_request_header_size"),
    ("101 fields", GET + b"X-a: b\r\n" * 101 + b"\r\n", 431, "limit_request_fields"),
    ("chunk extensions", CHUNKED + b"1;x=y\r\nx\r\n" * 5000, 400, "limit_chunk_extension"),
    ("an extension of 5 KB", CHUNKED + b"1;x=" + b"y" * 5000, 400, "limit_chunk_extension"),
    ("trailers", CHUNKED + b"0\r\n" + LINE * 40, 431, "limit_trailer_size"),
    ("slow head", GET + b"X-a", 408, "timeout_request_head"),
    ("slow body", POST + b"Content-Length: 9\r\n\r\nx", 408, "timeout_body_stall"),
    ("Expect held", POST + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n", 408, "timeout_body_stall"),
]  # fmt: skip


@pytest.mark.parametrize(("wire", "status", "limit"), [row[1:] for row in HTTP1], ids=[row[0] for row in HTTP1])
def test_http1(server: TestServer, seen: Seen, wire: bytes, status: int, limit: str) -> None:
    seen.clear()
    said = said_until_the_end(server, once(wire))
    seen.wait_for(limit)
    assert status_of(said) == status
    if b"Expect" in wire:
        assert said.startswith(b"HTTP/1.1 100 ")


# -- HTTP/2 ---------------------------------------------------------------------------------------------------------

HTTP2: list[tuple[str, Callable[[], Iterator[bytes]], str]] = [
    ("rapid reset", http2_attacks.rapid_resets, "flood:resets"),
    ("CONTINUATION", http2_attacks.continuations, "flood:header_block"),
    ("SETTINGS", repeated(frame(4, 0, 0), PREFACE), "flood:chores"),
    ("SETTINGS churn", http2_attacks.settings_churn, "flood:chores"),
    ("PING", repeated(frame(6, 0, 0, bytes(8)), PREFACE), "flood:chores"),
    ("empty DATA", repeated(frame(0, 0, 1), PREFACE + frame(1, 4, 1, http2_attacks.POST_BLOCK)), "flood:chores"),
    ("priorities", http2_attacks.priority_churn, "flood:chores"),
    ("windows of a byte", http2_attacks.window_dribble, "flood:chores"),
    ("unknown frames", http2_attacks.unknown_frames, "flood:chores"),
    ("HPACK bomb", http2_attacks.hpack_bomb, "flood:header_fields"),
]


@pytest.mark.parametrize(("wire", "limit"), [row[1:] for row in HTTP2], ids=[row[0] for row in HTTP2])
def test_http2(server: TestServer, seen: Seen, wire: Callable[[], Iterator[bytes]], limit: str) -> None:
    seen.clear()
    said = said_until_the_end(server, wire)
    seen.wait_for(limit)
    assert goaway_of(said) == CALM


# -- WebSocket ------------------------------------------------------------------------------------------------------

DEFLATE = handshake(extensions=b"Sec-WebSocket-Extensions: permessage-deflate\r\n")
WEBSOCKET: list[tuple[str, Callable[[], Iterator[bytes]], int, str]] = [
    ("bomb", lambda: iter([DEFLATE, websocket_attacks.bomb()]), 1009, "ws_max_size"),
    ("endless message", repeated(masked(0, bytes(60000)), handshake() + masked(0x02)), 1009, "ws_max_size"),
    ("empty fragments", repeated(masked(0), handshake() + masked(0x02)), 1008, "flood:empty_fragments"),
]  # fmt: skip


@pytest.mark.parametrize(("wire", "code", "limit"), [row[1:] for row in WEBSOCKET], ids=[row[0] for row in WEBSOCKET])
def test_websocket(server: TestServer, seen: Seen, wire: Callable[[], Iterator[bytes]], code: int, limit: str) -> None:
    seen.clear()
    said = said_until_the_end(server, wire)
    seen.wait_for(limit)
    frames = said[said.index(b"\r\n\r\n") + 4 :]
    assert frames[0] == 0x88
    assert int.from_bytes(frames[2:4], "big") == code


# -- TLS ------------------------------------------------------------------------------------------------------------


def test_half_a_handshake(secure: TestServer, seen: Seen) -> None:
    seen.clear()
    assert said_until_the_end(secure, once(bytes.fromhex("16030100c8010000c40303"))) == b""
    seen.wait_for("ssl_handshake_timeout")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_client_does_not_negotiate_again(secure: TestServer) -> None:
    """CVE-2011-1473: a new handshake within a connection costs the client little and the server much."""
    client = subprocess.run(
        ["openssl", "s_client", "-connect", f"{secure.host}:{secure.port}", "-tls1_2"],
        input=b"R\n",
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert b"no renegotiation" in client.stderr
    assert client.returncode != 0
