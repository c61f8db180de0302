"""HTTP/2 and WebSockets, in every kind of worker: rows of docs/security/known-failures.md."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import pytest
from websockets.exceptions import ConnectionClosed

from pounce_testing import VARIANTS
from pounce_testing.fixtures import over
from tests.end_to_end.http2_client import Http2Client
from tests.end_to_end.test_websocket import HANDSHAKE, KINDS
from tests.end_to_end.websocket_application import APPLICATION as WEBSOCKETS
from tests.end_to_end.websocket_client import WebSocketClient
from tests.known_failures.applications import APPLICATION

if TYPE_CHECKING:
    from pounce_testing.fixtures import Serve
    from tests.end_to_end.signals import Signals

over_http2 = over([variant for variant in VARIANTS if variant.settings["http"] == "fast"])

GOAWAY: Final = bytes.fromhex("000008070000000000") + bytes(8)
"""No stream of the server's was taken, no error (RFC 9113, 6.8)."""

SMALL: Final = 10_000


@over_http2
def test_an_idle_stream_holds_up_no_other(serve_shared: Serve) -> None:
    with Http2Client.to(serve_shared(APPLICATION)) as client:
        idle = client.begin("POST", "/idle", body=True)
        for _ in range(3):
            assert client.request("POST", "/", b"x" * 30_000) == (200, b"x" * 30_000)
        client.send_body(idle, b"at last")
        assert client.answer(idle) == (200, b"at last")


@over_http2
def test_the_goaway_of_a_client_ends_no_stream(serve_shared: Serve, signals: Signals) -> None:
    with Http2Client.to(serve_shared(APPLICATION)) as client:
        stream = client.begin("GET", f"/held?{signals.query.decode()}")
        signals.wait("entered")
        client.client.send(GOAWAY)
        signals.set("released")
        assert client.answer(stream) == (200, b"held")


@over(KINDS)
def test_a_bomb_in_a_message_meets_the_limit_before_it_is_inflated(serve_shared: Serve) -> None:
    with WebSocketClient(serve_shared(WEBSOCKETS, ws_max_size=SMALL), "echo", compression="deflate") as client:
        client.send("x" * SMALL)
        assert len(client.recv()) == SMALL
        client.send("x" * (SMALL * 100))  # a kilobyte on the wire
        with pytest.raises(ConnectionClosed) as closed:
            client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


@over(KINDS)
def test_a_close_frame_is_answered_by_one(serve_shared: Serve) -> None:
    with serve_shared(WEBSOCKETS, ws_max_size=SMALL).connect() as client:
        client.send(HANDSHAKE % b"echo")
        assert client.read_response("HEAD").status == 101
        client.send(b"\x88\x82" + bytes(4) + struct.pack("!H", 1000))
        assert client.read_to_end() == b"\x88\x02" + struct.pack("!H", 1000)
