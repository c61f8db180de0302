"""HTTP/2 and changes of protocol over every kind of worker, with TLS and without: how they begin, and how they end."""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed as WebSocketClosed

from pounce import fresh_import
from pounce_asgi import ConnectionClosed, ConnectionOpened, Listeners, Subscriber
from pounce_testing import VARIANTS, TestServer, Variant
from pounce_testing.fixtures import over
from tests.end_to_end import applications
from tests.end_to_end.http2_client import GOAWAY, Http2Client
from tests.end_to_end.test_websocket import HANDSHAKE, KINDS
from tests.end_to_end.websocket_application import APPLICATION
from tests.end_to_end.websocket_client import WebSocketClient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_testing.fixtures import Serve

over_one_parser = over([variant for variant in VARIANTS if variant.settings["http"] == "fast"])
over_one_parser_in_the_clear = over(
    [variant for variant in VARIANTS if variant.settings["http"] == "fast" and not variant.tls]
)

UPGRADE = (
    b"GET /a HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: %s\r\n\r\n"
)
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
NO_SETTINGS = bytes.fromhex("000000040000000000")
RESET = struct.pack("ii", 1, 0)


@over_one_parser
def test_requests_over_http2(serve_shared: Serve) -> None:
    with Http2Client.to(serve_shared(applications.UPLOAD)) as client:
        for body in (b"", b"x", b"y" * 60_000):
            assert client.request("POST", "/", body) == (200, body)


@over_one_parser
@pytest.mark.parametrize("piece", [1, 7, 24])
def test_the_preface_may_come_in_pieces(serve_shared: Serve, piece: int) -> None:
    with Http2Client.to(serve_shared(applications.UPLOAD), piece=piece) as client:
        assert client.request("POST", "/", b"hello") == (200, b"hello")


@over_one_parser_in_the_clear
def test_what_only_begins_like_the_preface(serve_shared: Serve) -> None:
    for start in range(1, 16):
        with serve_shared(applications.REPORT).connect() as client:
            client.send(PREFACE[:start], b" / HTTP/1.1\r\n\r\n")
            assert client.read_response().status >= 400
            assert client.at_end()


@over_one_parser_in_the_clear
def test_the_preface_after_a_request_is_none(serve_shared: Serve) -> None:
    with serve_shared(applications.UPLOAD).connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nhi")
        assert client.read_response().body == b"hi"
        client.send(PREFACE + NO_SETTINGS)
        assert client.read_response().status == 505
        assert client.at_end()


@over_one_parser
@pytest.mark.parametrize("wanted", [b"h2c", b"foo", b"foo, h2c"])
def test_a_body_is_served_whatever_else_is_asked_for(serve_shared: Serve, wanted: bytes) -> None:
    with serve_shared(applications.UPLOAD).connect() as client:
        for _ in range(2):
            client.send(
                b"POST / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: %s\r\n"
                b"HTTP2-Settings: AAMAAABk\r\nContent-Length: 5\r\n\r\nhello" % wanted
            )
            response = client.read_response()
            assert (response.status, response.body) == (200, b"hello")


@over_one_parser
def test_upgrade_to_h2c_is_not_followed(serve_shared: Serve) -> None:
    """RFC 9113, 3.1 has given it up. It is an ordinary request, and so is the next (RFC 9110, 7.8)."""
    with serve_shared(applications.REPORT).connect() as client:
        for _ in range(2):
            client.send(UPGRADE % b"AAMAAABk")
            response = client.read_response()
            assert response.status == 200
            assert response.header(b"upgrade") is None
        client.send(PREFACE + NO_SETTINGS)
        assert client.read_response().status == 505, "nor does HTTP/2 follow without it"


def test_upgrade_to_h2c_where_it_is_wanted() -> None:
    with TestServer(applications.REPORT.asgi, h2_upgrade=True) as server, server.connect() as client:
        client.send(UPGRADE % b"AAMAAABk")
        assert client.read_response("HEAD").status == 101
        client.send(PREFACE + NO_SETTINGS)
        assert client.read_some()[3:4] == b"\x04", "a SETTINGS frame"


@pytest.mark.parametrize("settings", [{"http2": "off"}, {"tls": True}, {"worker_mode": "sync"}])
def test_upgrade_to_h2c_where_it_cannot_be_followed(settings: dict[str, Any]) -> None:
    with TestServer(applications.REPORT.asgi, h2_upgrade=True, **settings) as server, server.connect() as client:
        client.send(UPGRADE % b"AAMAAABk")
        assert client.read_response().status == 200


PROXIED = (
    (b"Upgrade, HTTP2-Settings", b"Upgrade"),
    (b"Host: x", b"Host: x\r\nX-Forwarded-For: 192.0.2.7"),
    (b"Host: x", b"Host: x\r\nx-forwarded-proto: https"),
    (b"Host: x", b"Host: x\r\nVia: 1.1 x"),
    (b"Host: x", b"Host: x\r\nForwarded: for=x"),
)


def test_upgrade_to_h2c_that_a_proxy_has_passed_on() -> None:
    """A tunnel to its client is what the proxy would take it for, and look at nothing of what goes through it."""
    with TestServer(applications.REPORT.asgi, h2_upgrade=True) as server:
        for found, passed_on in PROXIED:
            with server.connect() as client:
                client.send((UPGRADE % b"AAMAAABk").replace(found, passed_on))
                assert client.read_response().status == 200, passed_on


# Ends


class Doors:
    """Counts who comes and who goes."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.opened = self.closed = 0
        self.listeners = Listeners.of(
            Subscriber[Any](self.come, ConnectionOpened), Subscriber[Any](self.go, ConnectionClosed)
        )

    def come(self, _: ConnectionOpened) -> None:
        with self.changed:
            self.opened += 1
            self.changed.notify_all()

    def go(self, _: ConnectionClosed) -> None:
        with self.changed:
            self.closed += 1
            self.changed.notify_all()

    def await_everybody(self, count: int) -> bool:
        """Whether so many have come, and all of them have gone."""
        with self.changed:
            return self.changed.wait_for(lambda: self.opened >= count and self.opened == self.closed, 20)


BEGINNINGS = {
    "h2c": UPGRADE % b"AAMAAABk",
    "h2c with settings that are wrong": UPGRADE % b"AAUAAAAB",
    "websocket": HANDSHAKE % b"echo",
    "preface": PREFACE + NO_SETTINGS,
    "a piece of the preface": PREFACE[:10],
}

WAYS = {
    "async": {},
    "pool": {"worker_mode": "sync"},
    "blocking": {"interface": "sync"},
    "uvloop": {"loop": "uvloop"},
}


@pytest.mark.parametrize("tls", [False, True], ids=["clear", "tls"])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("beginning", BEGINNINGS)
def test_who_resets_in_a_change_of_protocol_is_forgotten(beginning: str, way: str, tls: bool) -> None:
    if way == "uvloop":
        pytest.importorskip("uvloop")
    doors = Doors()
    app = applications.REPORT.sync if way == "blocking" else APPLICATION
    settings: dict[str, Any] = {"h2_upgrade": beginning.startswith("h2c"), **WAYS[way]}
    with TestServer(app, listeners=doors.listeners, tls=tls, **settings) as server:
        for _ in range(20):
            alpn = ("h2",) if tls and beginning == "preface" else ()
            client = server.connect(alpn=alpn)
            client.send_as_far_as_taken([BEGINNINGS[beginning]])
            client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            client.close()
        assert doors.await_everybody(20), f"{doors.opened} came, {doors.closed} have gone"


# Stops and reloads


@pytest.fixture
def reloadable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Other tests have imported Django into this process, which the application here has nothing to do with; and they
    find their own modules afterwards, which are in the same folder as the application and so count as its code.
    """
    monkeypatch.setattr(fresh_import, "obstacle", lambda: None)
    modules = sys.modules.copy()
    yield
    sys.modules.update(modules)


@pytest.mark.usefixtures("reloadable")
@over(KINDS)
def test_a_reload_tells_websockets_to_come_back(serve: Serve, variant: Variant) -> None:
    server = serve(APPLICATION)
    with WebSocketClient(server, "echo") as client:
        client.send("here")
        assert client.recv() == "here"
        server.request_reload()
        with pytest.raises(WebSocketClosed) as closed:
            client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
    assert any(comes_back(server) for _ in range(20)), "a second old worker may still have accepted the first who came"


def comes_back(server: TestServer) -> bool:
    """Whether a client that was told to connect anew is served."""
    with contextlib.suppress(WebSocketClosed), WebSocketClient(server, "echo") as client:
        client.send("again")
        assert client.recv() == "again"
        return True
    return False


@pytest.mark.usefixtures("reloadable")
@over_one_parser_in_the_clear
@pytest.mark.parametrize("sent", [1, 3])
def test_what_may_be_the_preface_is_not_lost_at_a_reload(serve: Serve, variant: Variant, sent: int) -> None:
    server = serve(applications.UPLOAD, timeout_request_head=600)  # a reload may take longer than the 10 s of a head
    wire = b"PRI-ORITY / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
    with server.connect() as client, Http2Client.to(server) as other:
        client.send(wire[:sent])
        assert other.request("POST", "/", b"here") == (
            200,
            b"here",
        )  # by then the others' bytes are read, or waited for
        server.request_reload()
        other.frames_to_the_end()  # the old code says goodbye
        client.send(wire[sent:])
        assert client.read_response().body == b"hello"


@over_one_parser
def test_a_stop_says_goodbye_over_http2(serve: Serve) -> None:
    server = serve(applications.UPLOAD)
    with Http2Client.to(server) as client:
        assert client.request("POST", "/", b"hello") == (200, b"hello")
        server.request_stop()
        goodbyes = [content for kind, content in client.frames_to_the_end() if kind == GOAWAY]
        assert [int.from_bytes(content[4:8], "big") for content in goodbyes] == [0, 0], "NO_ERROR, twice"
        assert [int.from_bytes(content[:4], "big") for content in goodbyes] == [2**31 - 1, 1]
    server.wait_stopped()
