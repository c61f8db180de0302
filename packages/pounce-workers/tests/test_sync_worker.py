"""HTTP/1.1 through blocking workers, on real sockets."""

from __future__ import annotations

import pathlib
import socket
import tempfile
import threading
from typing import TYPE_CHECKING, Any

import pytest
from responses import parse_responses
from sync_runner import Gate, RunningPool, echo_body, echo_path, respond
from worker_runner import HANGS_AFTER

from pounce_asgi import ClientGone, Listeners
from pounce_workers import bind_unix

if TYPE_CHECKING:
    from pounce_asgi.sync_app import SyncRequest, SyncSend

BIG = bytes(range(256)) * 20_000
"""More than the buffers of a loopback connection take at once."""


def chunked(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


# -- requests and responses ------------------------------------------------------------------------------------------


def test_requests_of_one_connection_are_answered_by_threads_with_names() -> None:
    gate = Gate()
    gate.open.set()
    with RunningPool(gate) as running, running.connect() as client:
        for number in range(10):
            assert client.get(f"/{number}").body == b"/%d" % number
    assert set(gate.threads) <= {"pounce-sync-1", "pounce-sync-2"}
    assert running.pool.requests_served == 10


def test_pipelined_requests_are_answered_in_order() -> None:
    with RunningPool(echo_path, threads=3) as running, running.connect() as client:
        paths = [f"/{number}" for number in range(200)]
        client.send("".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n" for path in paths).encode())
        client.read_until(lambda data: data.endswith(b"/199"))
        assert [answer.body.decode() for answer in parse_responses(client.received)] == paths


def test_a_body_that_comes_in_one_piece() -> None:
    with RunningPool(echo_body) as running, running.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello")
        assert client.response().body == b"hello"
        assert client.get().body == b""


@pytest.mark.parametrize("wire", [b"Content-Length: %d\r\n\r\n%b" % (len(BIG), BIG), b""], ids=["length", "chunked"])
def test_a_large_body_is_read_as_it_comes(wire: bytes) -> None:
    if not wire:
        pieces = [BIG[start : start + 70_001] for start in range(0, len(BIG), 70_001)]
        wire = b"Transfer-Encoding: chunked\r\n\r\n" + chunked(*pieces)
    with RunningPool(echo_body) as running, running.connect() as client:
        for _ in range(2):
            client.send(b"POST / HTTP/1.1\r\nHost: x\r\n" + wire)
            client.received = client.read_until(lambda data: len(data) > len(BIG))
            assert client.response().body == BIG


def test_a_body_in_single_bytes_and_the_head_too() -> None:
    wire = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked(b"ab", b"c")
    with RunningPool(echo_body) as running, running.connect() as client:
        for index in range(len(wire)):
            client.send(wire[index : index + 1])
        assert client.response().body == b"abc"


def test_100_continue_is_sent_when_the_application_reads() -> None:
    with RunningPool(echo_body) as running, running.connect() as client:
        client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        client.read_until(lambda data: data == b"HTTP/1.1 100 Continue\r\n\r\n")
        client.received = b""
        client.send(b"abc")
        assert client.response().body == b"abc"


def test_a_body_that_nobody_reads_is_dropped_for_the_sake_of_the_connection() -> None:
    with RunningPool(echo_path) as running, running.connect() as client:
        client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n" + bytes(70_000))
        assert client.response().body == b"/a"
        client.send(bytes(30_000))
        assert client.get("/b").body == b"/b"


def test_a_body_that_is_too_long_to_be_dropped_ends_the_connection_and_the_answer_arrives() -> None:
    with RunningPool(echo_path) as running, running.connect() as client:
        client.send(b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 600000\r\n\r\n" + bytes(70_000))
        answer = client.response()
        assert (answer.body, answer.closes) == (b"/a", True)
        client.send(bytes(100_000))
        assert client.at_end()


def test_a_streaming_response_waits_for_its_client() -> None:
    pieces = 120
    sent: list[int] = []

    def stream(request: SyncRequest, send: SyncSend) -> None:
        send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(pieces):
            send({"type": "http.response.body", "body": bytes([number]) * 65536, "more_body": True})
            sent.append(number)
        send({"type": "http.response.body"})

    with RunningPool(stream, threads=1) as running, running.connect() as client:
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        client.read_until(lambda data: len(data) > 1000)
        assert len(sent) < pieces  # 8 MB are more than the system takes
        client.read_until(lambda data: data.endswith(b"0\r\n\r\n"))
        (answer,) = parse_responses(client.received)
        assert answer.body == b"".join(bytes([number]) * 65536 for number in range(pieces))
        client.received = b""
        assert len(sent) == pieces


def test_a_client_that_reads_a_finished_answer_slowly_holds_no_thread() -> None:
    huge = bytes(8_000_000)

    def app(request: SyncRequest, send: SyncSend) -> None:
        respond(send, huge if request.path == "/huge" else b"small")

    with RunningPool(app, threads=1) as running, running.connect() as slow, running.connect() as other:
        slow.send(b"GET /huge HTTP/1.1\r\nHost: x\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n")
        slow.read_until(lambda data: len(data) > 1000)
        assert other.get().body == b"small"
        slow.read_until(lambda data: data.endswith(b"small"))
        first, second = parse_responses(slow.received)
        assert (first.body, second.body) == (huge, b"small")


def test_head_and_http_1_0() -> None:
    with RunningPool(echo_path) as running:
        with running.connect() as client:
            client.send(b"HEAD /abc HTTP/1.1\r\nHost: x\r\n\r\n")
            client.read_until(lambda data: data.endswith(b"\r\n\r\n"))
            (answer,) = parse_responses(client.received, ["HEAD"])
            assert (answer.get(b"content-length"), answer.body) == (b"4", b"")
            client.received = b""
            assert client.get("/d").body == b"/d"
        with running.connect() as client:
            client.send(b"GET /e HTTP/1.0\r\n\r\n")
            assert client.response().body == b"/e"
            assert client.at_end()


def test_files_are_sent(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(BIG)

    def app(request: SyncRequest, send: SyncSend) -> None:
        send({"type": "http.response.start", "status": 200, "headers": []})
        with path.open("rb") as file:
            send({"type": "http.response.zerocopysend", "file": file, "offset": 10})

    with RunningPool(app) as running, running.connect() as client:
        for _ in range(2):
            client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            client.received = client.read_until(lambda data: len(data) > len(BIG))
            assert client.response().body == BIG[10:]


def test_the_contract_of_the_exchange_errors_and_limits(caplog: pytest.LogCaptureFixture) -> None:
    def app(request: SyncRequest, send: SyncSend) -> None:
        if request.path == "/fails":
            raise ValueError("on purpose")
        respond(send, request.body.read())

    with RunningPool(app, exchange={"max_request_body": 10}) as running:
        with running.connect() as client:
            assert client.get("/fails").status == 500
            assert client.get("/").status == 200
            client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n" + bytes(11))
            assert client.response().status == 413
            assert client.at_end()
        with running.connect() as client:
            client.send(b"GET / HTTP/9\r\n\r\n")
            assert client.response().status in (400, 505)
            assert client.at_end()
    assert "on purpose" in caplog.text


def test_a_unix_socket() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = str(pathlib.Path(folder) / "s")
        peers: list[Any] = []

        def app(request: SyncRequest, send: SyncSend) -> None:
            peers.append((request.client, request.server))
            respond(send)

        with RunningPool(app, sock=bind_unix(path, 16)), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(HANGS_AFTER)
            client.connect(path)
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            data = b""
            while part := client.recv(65536):
                data += part
            (answer,) = parse_responses(data)
            assert (answer.body, peers) == (b"ok", [(None, (path, None))])


# -- clients that leave ----------------------------------------------------------------------------------------------


def test_a_client_that_half_closes_is_answered() -> None:
    with RunningPool(echo_path) as running, running.connect() as client:
        client.send(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\n")
        client.socket.shutdown(socket.SHUT_WR)
        client.read_until(lambda data: data.endswith(b"/b"))
        assert client.at_end()


def test_a_body_that_is_cut_off_is_a_client_that_has_gone() -> None:
    seen: list[BaseException] = []
    told = threading.Event()

    def app(request: SyncRequest, send: SyncSend) -> None:
        try:
            request.body.read()
        except BaseException as error:
            seen.append(error)
            told.set()
            raise

    with RunningPool(app) as running:
        with running.connect() as client:
            client.send(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n\r\n" + bytes(69_999))
            client.socket.shutdown(socket.SHUT_WR)
            assert client.response().status == 400
        assert told.wait(HANGS_AFTER)
    assert isinstance(seen[0], ClientGone)


def test_a_response_to_nobody_raises() -> None:
    seen: list[BaseException] = []
    left, told = threading.Event(), threading.Event()

    def app(request: SyncRequest, send: SyncSend) -> None:
        assert left.wait(HANGS_AFTER)
        try:
            send({"type": "http.response.start", "status": 200, "headers": []})
            while True:
                send({"type": "http.response.body", "body": bytes(65536), "more_body": True})
        except BaseException as error:
            seen.append(error)
            told.set()
            raise

    with RunningPool(app) as running:
        with running.connect() as client:
            client.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        left.set()
        assert told.wait(HANGS_AFTER)
    assert isinstance(seen[0], ClientGone)


def test_events_of_connections_and_requests_add_up() -> None:
    seen: list[str] = []
    lock = threading.Lock()

    def note(event: Any) -> None:
        with lock:
            seen.append(type(event).__name__)

    listeners = Listeners(connection_opened=note, connection_closed=note, response_completed=note)
    with RunningPool(echo_path, listeners=listeners) as running:
        for _ in range(5):
            with running.connect() as client:
                client.get("/a")
                client.get("/b")
    assert sorted(seen) == ["ConnectionClosed"] * 5 + ["ConnectionOpened"] * 5 + ["ResponseCompleted"] * 10
