"""TestProxy: who is asked in turn, and every harm that it does."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from pounce_testing import Fault, RawClient, ResponseError, TestProxy, TestServer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope

GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
BODY = b"0123456789" * 100


async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    assert scope["type"] == "http"
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": BODY})


@pytest.fixture(scope="module")
def server() -> Iterator[TestServer]:
    with TestServer(app) as started:
        yield started


@pytest.fixture
def proxy(server: TestServer) -> Iterator[TestProxy]:
    with TestProxy(server) as started:
        yield started


def ask(client: RawClient) -> bytes:
    client.send(GET)
    return client.read_response().body


def test_bytes_go_through(proxy: TestProxy) -> None:
    with proxy.connect() as client:
        assert ask(client) == BODY
        assert ask(client) == BODY
        client.finish_sending()
        assert client.read_to_end() == b""
    proxy.wait_for(lambda records: records[0].ended)
    (record,) = proxy.connections
    assert record.server == 0
    assert record.to_server == 2 * len(GET)
    assert record.to_client > 2 * len(BODY)
    assert proxy.url == f"http://127.0.0.1:{proxy.port}"


def test_an_address_of_ipv6_is_in_brackets(server: TestServer) -> None:
    try:
        proxy = TestProxy(server, host="::1").__enter__()
    except OSError:
        pytest.skip("there is no IPv6 here")
    with contextlib.ExitStack() as stack:
        stack.push(proxy)
        assert proxy.url == f"http://[::1]:{proxy.port}"
        with proxy.connect() as client:
            assert ask(client) == BODY


def test_servers_are_asked_in_turn_and_who_does_not_answer_is_passed_over(server: TestServer) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with TestProxy(server, nobody.getsockname(), server.address) as proxy:
            for _ in range(4):
                with proxy.connect() as client:
                    assert ask(client) == BODY
            assert [record.server for record in proxy.connections] == [0, 2, 0, 2]


def test_nobody_answers() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        with TestProxy(nobody.getsockname()) as proxy:
            with pytest.raises(ConnectionError), proxy.connect() as client:
                client.socket.recv(1)
            proxy.wait_for(lambda records: records[0].ended)
            assert proxy.connections[0].server is None


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="there are no UNIX sockets")
def test_a_server_on_a_unix_socket() -> None:
    with TestServer(app, unix=True) as server, TestProxy(server) as proxy, proxy.connect() as client:
        assert ask(client) == BODY


def test_tls_goes_through() -> None:
    with TestServer(app, tls=True) as server, TestProxy(server) as proxy:
        assert proxy.url.startswith("https://")
        with proxy.connect() as client:
            assert ask(client) == BODY


def test_a_delay(proxy: TestProxy) -> None:
    proxy.always(Fault(delay=0.1))
    with proxy.connect() as client:
        began = time.monotonic()
        assert ask(client) == BODY
        assert time.monotonic() - began >= 0.2, "there and back"


def test_bytes_are_split(server: TestServer) -> None:
    pieces: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listener, TestProxy(listener.getsockname()) as proxy:
        proxy.always(Fault(split=1, delay=0.001, direction="to_server"))
        with proxy.connect() as client:
            client.send(GET)
            sock, _ = listener.accept()
            with sock:
                while len(b"".join(pieces)) < len(GET):
                    pieces.append(sock.recv(1000))
    assert b"".join(pieces) == GET
    assert len(pieces) > 3


def test_an_answer_in_single_bytes_is_whole(proxy: TestProxy) -> None:
    proxy.always(Fault(split=1))
    with proxy.connect() as client:
        assert ask(client) == BODY


def test_a_throttle(proxy: TestProxy) -> None:
    proxy.always(Fault(throttle=5000, split=200, direction="to_client"))
    with proxy.connect() as client:
        began = time.monotonic()
        assert ask(client) == BODY
        assert time.monotonic() - began >= 0.2


def test_a_cut(proxy: TestProxy) -> None:
    proxy.once(Fault(cut_after=50, direction="to_client"))
    with proxy.connect() as client:
        client.send(GET)
        assert len(client.read_to_end()) == 50
    with proxy.connect() as client:
        assert ask(client) == BODY, "the next one is well"


def test_a_cut_on_the_way_to_the_server(proxy: TestProxy) -> None:
    proxy.once(Fault(cut_after=5, direction="to_server"))
    with proxy.connect() as client:
        client.send(GET)
        with pytest.raises(ResponseError):
            client.read_response()
    assert proxy.connections[0].to_server == 5


@pytest.mark.parametrize("fault", [Fault(reset_after=50, direction="to_client"), Fault(refuse=True)])
def test_a_reset(proxy: TestProxy, fault: Fault) -> None:
    proxy.once(fault)
    with pytest.raises(ConnectionError), proxy.connect() as client:  # noqa: PT012 - it may come at any of these
        client.socket.sendall(GET)
        while client.socket.recv(1000):
            pass
    assert proxy.connections[0].server == (None if fault.refuse else 0)


def test_whatever_comes_first(proxy: TestProxy) -> None:
    assert Fault(cut_after=5, reset_after=9).resets is False
    assert Fault(cut_after=9, reset_after=5).resets is True
    assert Fault().end is None


def test_holding_and_releasing(proxy: TestProxy) -> None:
    with proxy.connect() as client:
        assert ask(client) == BODY
        proxy.hold()
        client.send(GET)
        answers: list[bytes] = []
        reader = threading.Thread(target=lambda: answers.append(client.read_response().body))
        reader.start()
        reader.join(0.1)
        assert answers == []
        assert proxy.connections[0].to_server == len(GET)
        proxy.release()
        reader.join(20)
        assert answers == [BODY]


def test_resetting_what_is_open(proxy: TestProxy) -> None:
    with proxy.connect() as client:
        assert ask(client) == BODY
        proxy.reset_all()
        with pytest.raises(ConnectionResetError):
            client.socket.recv(1)


def test_healing(proxy: TestProxy) -> None:
    proxy.always(Fault(refuse=True))
    proxy.once(Fault(refuse=True))
    proxy.heal()
    with proxy.connect() as client:
        assert ask(client) == BODY


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda: Fault(delay=-1), "delay"),
        (lambda: Fault(split=0), "split"),
        (lambda: Fault(throttle=0), "throttle"),
        (lambda: Fault(cut_after=-1), "cut_after"),
    ],
)
def test_faults_that_cannot_be(make: Callable[[], Fault], expected: str) -> None:
    with pytest.raises(ValueError, match=expected):
        make()


def test_outside_of_its_block(server: TestServer) -> None:
    proxy = TestProxy(server)
    with pytest.raises(RuntimeError, match="not been started"):
        _ = proxy.port
    with pytest.raises(RuntimeError, match="not been started"):
        proxy.heal()
    with pytest.raises(TypeError, match="needs a server"):
        TestProxy()
    with pytest.raises(TimeoutError), TestProxy(server) as started:
        started.wait_for(lambda records: bool(records), timeout=0.01)
