"""WebSockets of a foreign client (the ``websockets`` library) and of bytes, over every kind of worker with a loop."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pounce_testing import Variant
from pounce_testing.fixtures import over
from pounce_testing.matrix import WORKER_KINDS
from tests.end_to_end.websocket_application import APPLICATION, COUNT
from tests.end_to_end.websocket_client import WebSocketClient

if TYPE_CHECKING:
    from pounce_testing.fixtures import Serve
    from tests.end_to_end.signals import Signals

TLS = Variant(name="tls", settings={"tls": True})

PLAIN = [kind for kind in WORKER_KINDS if not kind.blocking]
KINDS = (*PLAIN, *(kind & TLS for kind in PLAIN))

everywhere = over(KINDS)

HANDSHAKE = (
    b"GET /%s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
KEY_ANSWER = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
"""The example of RFC 6455, 1.3."""

HELLO = b"\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58"
"""A masked text of RFC 6455, 5.7."""
HELLO_BACK = b"\x81\x05Hello"


@everywhere
def test_messages_come_back(serve_shared: Serve) -> None:
    with WebSocketClient(serve_shared(APPLICATION), "echo") as client:
        for message in (
            "Hello",
            "",
            "grüße 🐈",
            b"",
            b"\x00\xff" * 10,
            "x" * 125,
            "y" * 126,
            b"z" * 70_000,
            "w" * 300_000,
        ):
            client.send(message)
            assert client.recv() == message


@everywhere
@pytest.mark.parametrize("compression", ["deflate", None])
def test_fragments_and_compression(serve_shared: Serve, compression: str | None) -> None:
    with WebSocketClient(serve_shared(APPLICATION), "echo", compression=compression) as client:
        client.send(["frag", "men", "ts" * 5000])
        assert client.recv() == "fragmen" + "ts" * 5000


@everywhere
def test_what_the_handshake_carries(serve_shared: Serve) -> None:
    with WebSocketClient(serve_shared(APPLICATION), "echo", subprotocols=["first", "second"]) as client:
        assert client.subprotocol == "first"
        assert client.response.headers["x-chosen"] == "yes"
        assert client.response.headers["server"] == "pounce"


@everywhere
def test_scope(serve_shared: Serve) -> None:
    server = serve_shared(APPLICATION)
    with WebSocketClient(server, "describe/it", subprotocols=["one"]) as client:
        told = json.loads(client.recv())
        with pytest.raises(ConnectionClosed) as closed:
            client.recv()
    assert told["type"] == "websocket"
    assert told["scheme"] == ("wss" if server.config.tls.enabled else "ws")
    assert told["http_version"] == "1.1"
    assert (told["path"], told["subprotocols"]) == ("/describe/it", ["one"])
    assert "websocket.http.response" in told["extensions"]
    assert closed.value.rcvd is not None
    assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (4001, "told")


@everywhere
@pytest.mark.parametrize(("path", "status"), [("reject", 403), ("deny", 401), ("fail", 500)])
def test_refusals(serve_shared: Serve, path: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused:
        WebSocketClient(serve_shared(APPLICATION), path)
    assert refused.value.response.status_code == status
    if path == "deny":
        assert refused.value.response.body == b"not you"
        assert refused.value.response.headers["x-why"] == "tests"


@everywhere
def test_failure_after_accepting_is_1011(serve_shared: Serve) -> None:
    with WebSocketClient(serve_shared(APPLICATION), "fail_late") as client:
        with pytest.raises(ConnectionClosed) as closed:
            client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1011


@everywhere
def test_the_application_hears_how_the_client_left(serve_shared: Serve, signals: Signals) -> None:
    with WebSocketClient(serve_shared(APPLICATION), f"echo?{signals.query.decode()}") as client:
        client.close(4321, "enough")
    assert json.loads(signals.wait("left")) == [4321, "enough"]


@everywhere
def test_a_client_that_vanishes(serve_shared: Serve, signals: Signals) -> None:
    with WebSocketClient(serve_shared(APPLICATION), f"echo?{signals.query.decode()}") as client:
        client.vanish()
    assert json.loads(signals.wait("left"))[0] in (1005, 1006)


@everywhere
def test_many_messages_to_a_client_that_reads_late(serve_shared: Serve) -> None:
    with WebSocketClient(serve_shared(APPLICATION), "burst", max_queue=1) as client:
        received = [client.recv() for _ in range(COUNT)]
    assert received == [number.to_bytes(4, "big") * 4096 for number in range(COUNT)]


@everywhere
def test_all_that_came_before_the_goodbye_is_delivered(serve_shared: Serve, signals: Signals) -> None:
    with WebSocketClient(serve_shared(APPLICATION), f"slow?{signals.query.decode()}") as client:
        for number in range(500):
            client.send(str(number))
        signals.set("read")
    assert signals.wait("counted") == "500"


@everywhere
def test_bytes_that_come_with_the_handshake_are_kept(serve_shared: Serve) -> None:
    with serve_shared(APPLICATION).connect() as client:
        client.send(HANDSHAKE % b"echo" + HELLO)
        response = client.read_response("HEAD")  # without a body: frames follow
        assert response.status == 101
        assert response.header(b"sec-websocket-accept") == KEY_ANSWER
        received = client.read_some()
        while len(received) < len(HELLO_BACK):
            received += client.read_some()
        assert received == HELLO_BACK


@everywhere
@pytest.mark.parametrize(
    ("change", "status"),
    [
        ((b"Version: 13", b"Version: 12"), 426),
        ((b"GET", b"POST"), 400),
        ((b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", b"Sec-WebSocket-Key: short"), 400),
        ((b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", b""), 400),
        ((b"Host: x", b"Host: x\r\nSec-WebSocket-Protocol: \xe9"), 400),
    ],
)
def test_bad_handshakes(serve_shared: Serve, change: tuple[bytes, bytes], status: int) -> None:
    with serve_shared(APPLICATION).connect() as client:
        client.send((HANDSHAKE % b"echo").replace(*change))
        response = client.read_response()
        assert response.status == status
        assert (response.header(b"sec-websocket-version") == b"13") is (status == 426)
        assert client.at_end()


@everywhere
def test_a_connection_may_become_a_websocket_later(serve_shared: Serve) -> None:
    with serve_shared(APPLICATION).connect() as client:
        client.send(b"GET /plain HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.read_response().body == b"an ordinary answer"
        client.send(HANDSHAKE % b"echo")
        assert client.read_response("HEAD").status == 101
        client.send(HELLO)
        assert client.read_some() == HELLO_BACK


@everywhere
def test_a_stop_tells_the_client_to_come_back(serve: Serve) -> None:
    server = serve(APPLICATION)
    with WebSocketClient(server, "echo") as client:
        client.send("here")
        assert client.recv() == "here"
        server.request_stop()
        with pytest.raises(ConnectionClosed) as closed:
            client.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012
    server.wait_stopped()


def test_switched_off_it_is_an_ordinary_request(serve_shared: Serve) -> None:
    with serve_shared(APPLICATION, ws="none").connect() as client:
        client.send(HANDSHAKE % b"echo")
        assert client.read_response().status == 200
