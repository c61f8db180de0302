"""Flask, a WSGI application: on blocking workers, in threads and in processes, and beside an event loop."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from pounce_testing import Variant
from pounce_testing.fixtures import over, running_servers, serve_shared
from tests.frameworks.idioms import form, get, request

if TYPE_CHECKING:
    from pounce_testing import TestServer
    from pounce_testing.fixtures import Serve

__all__ = ["running_servers", "serve_shared"]

pytest.importorskip("flask", reason="FLASK IS NOT INSTALLED: it has not been tested")

MIB: Final = 1 << 20
LARGE: Final = bytes(range(256)) * (50 * MIB // 256)

KINDS: Final = (
    Variant(name="pool"),
    Variant(name="threads", settings={"workers": 2, "worker_kind": "thread"}),
    Variant(name="processes", settings={"workers": 2, "worker_kind": "process"}, processes=True),
    Variant(name="loop", settings={"worker_mode": "async"}),
)
pytestmark = over(KINDS)


@pytest.fixture
def server(serve_shared: Serve) -> TestServer:
    return serve_shared("tests.frameworks.apps.flask_app:app")


def uploaded(body: bytes) -> tuple[int, str]:
    return len(body), hashlib.sha256(body).hexdigest()


def reported(answer: bytes) -> tuple[int, str]:
    report = json.loads(answer)
    return report["size"], report["sha256"]


def test_routes_over_one_connection(server: TestServer) -> None:
    with server.connect() as client:
        assert get(client, "/hello/M%C3%BCller").body.decode() == "hello M\u00fcller"
        assert get(client, "/nowhere").status == 404
        client.send(request("HEAD", "/hello/x"))
        head = client.read_response("HEAD")
        assert (head.status, head.body, head.header(b"content-length")) == (200, b"", b"7")
        assert get(client, "/hello/again").body == b"hello again"


def test_async_views_and_loops_of_their_own(server: TestServer) -> None:
    with server.connect() as client:
        assert json.loads(get(client, "/async").body) == {"in a loop": True}
        assert get(client, "/loop").body == b"done"


def test_streams_and_files(server: TestServer) -> None:
    with server.connect() as client:
        streamed = get(client, "/stream/500")
        assert streamed.header(b"transfer-encoding") == b"chunked"
        assert streamed.body.decode() == "".join(f"line {number}\n" for number in range(500))
        source = (Path(__file__).parent / "apps" / "flask_app.py").read_bytes()
        assert get(client, "/file").body == source


def test_an_error_is_500_and_the_connection_lives(server: TestServer) -> None:
    with server.connect() as client:
        failed = get(client, "/fail")
        assert (failed.status, b"as the test wants it" in failed.body) == (500, False)
        assert get(client, "/hello/x").body == b"hello x"


def test_a_form_of_50_mib(server: TestServer) -> None:
    headers, body = form(LARGE)
    with server.connect(timeout=60) as client:
        client.send(request("POST", "/upload", headers, body))
        assert reported(client.read_response().body) == uploaded(LARGE)


def test_a_body_in_chunks(server: TestServer) -> None:
    body = LARGE[: 5 * MIB]
    head = b"POST /upload HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = [body[start : start + 100_000] for start in range(0, len(body), 100_000)]
    with server.connect() as client:
        client.send(head, *(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n\r\n")
        assert reported(client.read_response().body) == uploaded(body)
        assert get(client, "/hello/x").body == b"hello x", "the connection is in step"
