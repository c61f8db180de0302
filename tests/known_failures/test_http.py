"""What servers of HTTP are known to have done wrong, in every kind of worker: each a row of docs/security/
known-failures.md. Those of which the same is proved elsewhere are not here; the table names their tests.
"""

from __future__ import annotations

import socket
import ssl
import struct
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from pounce_testing import ASGI_VARIANTS, VARIANTS
from pounce_testing.fixtures import everywhere, over
from tests.end_to_end.signals import WAIT_SECONDS
from tests.known_failures.applications import APPLICATION, PIECE, PIECES

if TYPE_CHECKING:
    from pounce_testing import Response, TestServer
    from pounce_testing.fixtures import Serve
    from tests.end_to_end.signals import Signals

POST: Final = b"POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
LIMIT: Final = 0.2
"""Seconds, shorter than the answer that goes on."""
BARE: Final[dict[str, Any]] = {
    "async_limit": 0.01,
    "timeout_keep_alive": 5.0,
    "timeout_write_stall": LIMIT,
    "timeout_body_stall": LIMIT,
    "timeout_request_head": 5.0,
    "max_request_body": 10_000,
    "limit_request_line": 200,
    "limit_request_fields": 8,
    "limit_request_field_size": 300,
    "sync_threads": 2,
}
FOLDER: Final = tempfile.TemporaryDirectory(prefix="pounce-known-failures-")  # it goes with the process
LOG: Final = Path(FOLDER.name, "access.log")
CHAIN: Final[dict[str, Any]] = {
    "compress": True,
    "compress_min_size": 100,
    "forwarded_allow_ips": ("127.0.0.1",),
    "access_log": True,
    "access_log_file": str(LOG),
}

over_tls = over([variant for variant in VARIANTS if variant.tls])


def ask(server: TestServer, path: str, *lines: str, method: str = "GET") -> Response:
    with server.connect() as client:
        client.send("\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *lines, "", ""]).encode())
        return client.read_response(method)


# A request reaches the application whole, and once.


@everywhere
def test_a_request_that_is_handed_on_is_served_once(serve_shared: Serve, signals: Signals) -> None:
    with serve_shared(APPLICATION, **BARE).connect() as client:
        client.send(POST % (b"once?" + signals.query, 10), b"01234")
        client.send(b"56789")
        assert client.read_response().body == b"0123456789"
        client.send(POST % (b"", 2), b"ok")
        assert client.read_response().body == b"ok"
    assert len(list(signals.folder.glob("called-*"))) == 1


@everywhere
@pytest.mark.parametrize("ahead", [True, False])
def test_who_watches_for_the_end_takes_nothing_of_the_next_request(serve_shared: Serve, ahead: bool) -> None:
    requests = [POST % (b"watching", 3) + b"one", POST % (b"watching", 3) + b"two", POST % (b"", 5) + b"three"]
    with serve_shared(APPLICATION, **BARE).connect() as client:
        if ahead:
            client.send(b"".join(requests))
        for request, body in zip(requests, (b"one", b"two", b"three"), strict=True):
            if not ahead:
                client.send(request)
            assert client.read_response().body == body


@over(ASGI_VARIANTS)
def test_receive_waits_after_the_body(serve_shared: Serve) -> None:
    with serve_shared(APPLICATION, **BARE).connect() as client:
        client.send(POST % (b"patient", 2), b"hi")
        assert client.read_response().body == b"0"


# Limits


TOO_MUCH: Final = {
    "line": (b"GET /" + b"x" * 200 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    "fields": (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 8 + b"\r\n", 431),
    "field": (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 300 + b"\r\n\r\n", 431),
    "length": (POST % (b"", 10_001) + b"x" * 10_001, 413),
    "chunks": (
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        + (b"3e8\r\n" + b"x" * 1000 + b"\r\n") * 11
        + b"0\r\n\r\n",
        413,
    ),
}


@everywhere
@pytest.mark.parametrize("what", TOO_MUCH)
def test_limits_hold(serve_shared: Serve, what: str) -> None:
    request, status = TOO_MUCH[what]
    with serve_shared(APPLICATION, **BARE).connect() as client:
        client.send_as_far_as_taken([request])
        assert client.read_response().status == status


@everywhere
def test_a_download_that_goes_on_may_take_its_time(serve_shared: Serve) -> None:
    with serve_shared(APPLICATION, **BARE).connect() as client:
        client.send(b"GET /steady HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.read_response().body == PIECE * PIECES


@everywhere
def test_idle_connections_own_no_worker(serve_shared: Serve) -> None:
    server = serve_shared(APPLICATION, **BARE)
    idle = [server.connect() for _ in range(8)]
    try:
        for client in idle[:4]:
            client.send(b"GET / HTTP/1.1\r\nHo")
        assert ask(server, "/served").json() == "/served"
    finally:
        for client in idle:
            client.close()


# TLS


@over_tls
def test_silent_clients_of_tls_stop_nobody(serve_shared: Serve) -> None:
    server = serve_shared(APPLICATION, **BARE)
    silent = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(8)]
    try:
        for sock in silent[:4]:
            sock.sendall(client_hello()[:20])
        assert ask(server, "/served").json() == "/served"
    finally:
        for sock in silent:
            sock.close()


@over_tls
def test_resets_within_the_handshake_stop_nobody(serve_shared: Serve) -> None:
    server = serve_shared(APPLICATION, **BARE)
    hello = client_hello()
    for number in range(12):
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            sock.sendall(hello[: number * 20])
    assert ask(server, "/served").json() == "/served"


def client_hello() -> bytes:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with pytest.raises(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname="localhost").do_handshake()
    return outgoing.read()


# Compression, with the middleware in front of every kind


@everywhere
@pytest.mark.parametrize("accept", ["gzip", "br, zstd, gzip"])
def test_nothing_is_compressed_where_there_is_no_body(serve_shared: Serve, accept: str) -> None:
    server = serve_shared(APPLICATION, **CHAIN)
    with server.connect() as client:
        for method, path in (("GET", "/status/204"), ("GET", "/status/304"), ("HEAD", "/long"), ("GET", "/long")):
            client.send(f"{method} {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: {accept}\r\n\r\n".encode())
            answer = client.read_response(method)
            coded = answer.header(b"content-encoding") is not None
            assert coded is ((method, path) == ("GET", "/long")), (method, path)
            assert answer.header(b"transfer-encoding") is None
        client.send(b"GET /next HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.read_response().json() == "/next", "no byte of those is taken for this answer"


@everywhere
def test_a_range_is_not_compressed(serve_shared: Serve) -> None:
    answer = ask(serve_shared(APPLICATION, **CHAIN), "/part", "Accept-Encoding: gzip", "Range: bytes=0-999")
    assert (answer.status, answer.header(b"content-encoding"), len(answer.body)) == (206, None, 1000)


@everywhere
@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("gzip;q=0, br;q=0, zstd;q=0, deflate;q=0, *", None),
        ("*, gzip;q=0, br;q=0, zstd;q=0", b"deflate"),
        ("gzip, *;q=0", b"gzip"),
    ],
)
def test_what_is_refused_beside_a_star_is_not_used(serve_shared: Serve, accept: str, coding: bytes | None) -> None:
    answer = ask(serve_shared(APPLICATION, **CHAIN), "/long", f"Accept-Encoding: {accept}")
    assert (answer.status, answer.header(b"content-encoding")) == (200, coding)


@everywhere
def test_repeated_forwarded_fields_are_one_list_read_from_the_right(serve_shared: Serve) -> None:
    """The last is what the proxy has seen; the first is what anybody can write."""
    answer = ask(
        serve_shared(APPLICATION, **CHAIN), "/client", "X-Forwarded-For: 6.6.6.6", "X-Forwarded-For: 192.0.2.7"
    )
    assert answer.body == b"192.0.2.7"


# Logs


@everywhere
def test_a_path_forges_no_line_of_the_log(serve_shared: Serve) -> None:
    paths = ["/a%0a127.0.0.1%20forged", "/b%0d%0aforged", "/c?%1b[2Jforged%0a", "/d%e2%80%a8forged%c2%85forged"]
    server = serve_shared(APPLICATION, **CHAIN)
    before = len(LOG.read_bytes())
    for path in paths:
        assert ask(server, path).status == 200
    give_up = time.monotonic() + WAIT_SECONDS
    while True:
        text = LOG.read_bytes()[before:].decode("utf-8")
        lines = [line for line in text.splitlines() if "forged" in line]  # at every end of line that Unicode knows
        if len(lines) >= len(paths) and text.endswith("\n"):
            break
        assert time.monotonic() < give_up, text
        time.sleep(0.002)
    assert len(lines) == len(paths)
    assert all(line.isprintable() and "GET /" in line and " 200 " in line for line in lines), lines
