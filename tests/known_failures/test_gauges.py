"""Gauges that drift, in every kind of worker: however requests end, none is in flight and nobody connected after it."""

from __future__ import annotations

import socket
import struct
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pounce_testing import VARIANTS, RawClient
from pounce_testing.fixtures import over
from tests.end_to_end.http2_client import Http2Client
from tests.end_to_end.signals import WAIT_SECONDS, Signals
from tests.known_failures.applications import APPLICATION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_testing import TestServer
    from pounce_testing.fixtures import Serve

over_plain_kinds = over([one for one in VARIANTS if one.settings["http"] == "fast" and not one.tls])

RESET: Final = struct.pack("ii", 1, 0)
CANCEL: Final = struct.pack("!I", 8)
WHOLE: Final = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"

BEGINNINGS: Final = {
    "nothing": b"",
    "half a head": WHOLE[:20],
    "no head": b"no head at all\r\n\r\n",
    "half a body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
    "half a chunk": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha",
    "a whole request": WHOLE,
    "several at once": WHOLE * 5,
    "one whose answer takes long": b"GET /steady HTTP/1.1\r\nHost: x\r\n\r\n",
    "the beginning of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
}
"""What a client sends before it goes, with a goodbye or without."""


@pytest.fixture
def metrics() -> Iterator[Path]:
    """A socket of its own for them: on the server's they would be middleware, which workers that block serve lifted."""
    with tempfile.TemporaryDirectory(prefix="pounce-gauges-") as folder:
        yield Path(folder, "metrics")


def scrape(path: Path) -> dict[str, float]:
    """Requests in flight and open connections, of all workers and protocols."""
    with RawClient(str(path), None) as client:
        client.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        lines = client.read_response().text.splitlines()
    sums = dict.fromkeys(("pounce_http_requests_in_flight", "pounce_connections_open"), 0.0)
    for line in lines:
        name = line.partition("{")[0].partition(" ")[0]
        if name in sums:
            sums[name] += float(line.rpartition(" ")[2])
    return sums


def settled(path: Path, expected: tuple[float, float]) -> bool:
    """Whether these are the gauges, as soon as everything has ended that ends."""
    end = time.monotonic() + WAIT_SECONDS
    while tuple(scrape(path).values()) != expected:
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def leave(client: RawClient, *, reset: bool) -> None:
    if reset:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    client.close()


def held_and_given_up(server: TestServer, signals: Signals, metrics: Path) -> None:
    """Two whose clients go while the application is at work: the connection of the one, and the stream of the other."""
    one, other = Signals(signals.folder / "one"), Signals(signals.folder / "other")
    for each in (one, other):
        each.folder.mkdir()
    with server.connect() as over_http1, Http2Client.to(server) as over_http2:
        over_http1.send(b"GET /held?%s HTTP/1.1\r\nHost: x\r\n\r\n" % one.query)
        stream = over_http2.begin("GET", f"/held?{other.query.decode()}")
        assert settled(metrics, (2, 2)), scrape(metrics)
        leave(over_http1, reset=True)
        over_http2.client.send(b"\0\0\x04\x03\0" + struct.pack("!I", stream) + CANCEL)
        for each in (one, other):
            each.set("released")
        assert over_http2.request("GET", "/")[0] == 200
        assert settled(metrics, (0, 1)), scrape(metrics)


@over_plain_kinds
def test_nothing_is_in_flight_when_everybody_has_gone(serve: Serve, signals: Signals, metrics: Path) -> None:
    server = serve(APPLICATION, metrics=True, metrics_bind=f"unix:{metrics}", async_limit=0.01)
    held_and_given_up(server, signals, metrics)
    for beginning in BEGINNINGS.values():
        for reset in (False, True):
            client = server.connect()
            client.send_as_far_as_taken([beginning])
            leave(client, reset=reset)
    assert settled(metrics, (0, 0)), scrape(metrics)
