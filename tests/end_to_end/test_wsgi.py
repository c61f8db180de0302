"""WSGI applications on whole servers: in blocking workers, several of them, processes, and beside an event loop."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pounce_testing import ResponseError, Variant
from pounce_testing.fixtures import over
from tests.end_to_end.signals import WAIT_SECONDS

if TYPE_CHECKING:
    from pounce_testing import RawClient
    from pounce_testing.fixtures import Serve
    from tests.end_to_end.signals import Signals

CASES: Final = "tests.end_to_end.wsgi_applications:cases"
FILES: Final = "tests.end_to_end.wsgi_applications:files"

GET: Final = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED: Final = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n"

KINDS: Final = (
    Variant(name="pool", settings={"interface": "wsgi"}),
    Variant(name="pool-h11", settings={"interface": "wsgi", "http": "h11"}, needs=("h11",)),
    Variant(name="threads", settings={"interface": "auto", "workers": 2, "worker_kind": "thread", "sync_threads": 4}),
    Variant(
        name="processes",
        settings={"interface": "auto", "workers": 2, "worker_kind": "process", "sync_threads": 4},
        processes=True,
    ),
    Variant(name="loop", settings={"interface": "wsgi", "worker_mode": "async"}),
)
pytestmark = over(KINDS)


def chunks(*pieces: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (*pieces, b""))


@pytest.fixture
def client(serve_shared: Serve) -> RawClient:
    return serve_shared(CASES).connect()


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        (b"stream", 200, b"".join(b"piece %d\n" % number for number in range(20))),
        (b"write", 200, b"written,returned"),
        (b"replaced", 503, b"replaced"),
        (b"loop", 200, b"in a loop of its own"),
    ],
)
def test_what_an_application_may_do(client: RawClient, path: bytes, status: int, body: bytes) -> None:
    with client:
        for _ in range(2):  # the connection is kept
            client.send(GET % path)
            response = client.read_response()
            assert (response.status, response.body) == (status, body)


def test_the_environ(client: RawClient) -> None:
    with client:
        client.send(b"GET /a%20b?c=d HTTP/1.1\r\nHost: example.org\r\nX-Y: 1\r\nX-Y: 2\r\n\r\n")
        environ = json.loads(client.read_response().body)
    assert environ["REQUEST_METHOD"] == "GET"
    assert (environ["PATH_INFO"], environ["QUERY_STRING"]) == ("/a b", "c=d")
    assert environ["HTTP_X_Y"] in ("1,2", "1, 2")
    assert environ["SERVER_PROTOCOL"] == "HTTP/1.1"
    assert environ["wsgi.run_once"] is False


def test_the_environ_tells_of_other_threads_and_processes(client: RawClient, variant: Variant) -> None:
    with client:
        client.send(GET % b"")
        environ = json.loads(client.read_response().body)
    assert (environ["wsgi.multithread"], environ["wsgi.multiprocess"]) == (True, variant.processes)


def test_head_has_no_body(client: RawClient) -> None:
    with client:
        client.send(b"HEAD /stream HTTP/1.1\r\nHost: x\r\n\r\n" + GET % b"write")
        assert client.read_response("HEAD").body == b""
        assert client.read_response().body == b"written,returned", "the connection is in step"


def test_an_exception_is_500(client: RawClient) -> None:
    with client:
        client.send(GET % b"fail")
        failed = client.read_response()
        assert (failed.status, b"as the test" in failed.body) == (500, False)


def test_an_exception_inside_the_response_cuts_it_off(client: RawClient) -> None:
    with client:
        client.send(GET % b"late")
        with pytest.raises(ResponseError):
            client.read_response()


@pytest.mark.parametrize("size", [0, 10, 3_000_000])
def test_uploads_in_chunks_and_of_known_length(client: RawClient, size: int) -> None:
    body = bytes(range(250)) * (size // 250) + b"x" * (size % 250)
    pieces = [body[start : start + 70_000] for start in range(0, size, 70_000)]
    with client:
        client.send(CHUNKED, chunks(*pieces))
        assert client.read_response().body == body
        client.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Type: a/b\r\nContent-Length: %d\r\n\r\n" % size, body)
        assert client.read_response().body == body


def test_pipelined_requests_are_answered_in_order(client: RawClient) -> None:
    with client:
        client.send(b"".join(GET % b"%d" % number for number in range(100)) + CHUNKED + chunks(b"last"))
        for number in range(100):
            assert json.loads(client.read_response().body)["PATH_INFO"] == f"/{number}"
        assert client.read_response().body == b"last"


def test_a_file_is_sent_whole(serve: Serve, signals: Signals) -> None:
    content = bytes(range(251)) * 20_000
    (signals.folder / "file").write_bytes(content)
    with serve(FILES).connect() as client:
        client.send(GET % (b"?" + signals.query) * 2)
        for _ in range(2):
            response = client.read_response()
            assert response.body == content
            assert response.header(b"content-length") == b"%d" % len(content)


def test_over_a_unix_socket(serve: Serve) -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = str(Path(folder) / "a")
        serve(CASES, uds=path)
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(20)
            sock.connect(path)
            sock.sendall(b"GET /write HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            received = b"".join(iter(lambda: sock.recv(65536), b""))
        assert b" 200 OK\r\n" in received
        assert b"written," in received


def test_a_request_past_the_queue_is_503(serve: Serve, signals: Signals) -> None:
    """One thread is busy and one request may wait for it: of three more, two are told at once."""
    server = serve(CASES, workers=1, sync_threads=1, limit_queue=1, limit_sync_queue=1)
    with server.connect() as busy, contextlib.ExitStack() as stack:
        busy.send(GET % (b"held?" + signals.query))
        signals.wait("entered")
        others = [stack.enter_context(server.connect()) for _ in range(3)]
        for other in others:
            other.send(GET % b"write")
        refused: set[RawClient] = set()
        while len(refused) < 2:
            readable, _, _ = select.select([one.socket for one in others if one not in refused], [], [], WAIT_SECONDS)
            assert readable, f"{len(refused)} were refused"
            refused |= {one for one in others if one.socket in readable}
        assert [one.read_response().status for one in refused] == [503, 503]
        signals.set("released")
        assert busy.read_response().body == b"held"
        (waited,) = set(others) - refused
        assert waited.read_response().body == b"written,returned"


def test_a_request_that_waits_too_long_is_503(serve: Serve, signals: Signals) -> None:
    server = serve(CASES, workers=1, sync_threads=1, timeout_queue=0.2, timeout_sync_queue=0.2)
    with server.connect() as busy, server.connect() as waiting:
        busy.send(GET % (b"held?" + signals.query))
        signals.wait("entered")
        waiting.send(GET % b"write")
        assert waiting.read_response().status == 503
        signals.set("released")
        assert busy.read_response().body == b"held"
