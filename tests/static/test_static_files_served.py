"""Static files over every wire of Pounce, and under uvicorn: the same bytes and the same ends."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pounce_middleware.static import StaticFiles
from pounce_testing import RawClient, TestServer
from tests.end_to_end.http2_client import Http2Client

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGE = bytes(range(251)) * 4000  # about 1 MB, and no piece of it like another
DESCRIPTORS = Path("/proc/self/fd")
HUGE = 256 << 20
"""Bytes of a file with holes that fits into no buffer of a socket."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("static") / "root"
    root.mkdir()
    (root / "large.bin").write_bytes(LARGE)
    (root / "small.txt").write_bytes(b"small")
    (root / "index.html").write_bytes(b"home")
    (root.parent / "secret.txt").write_bytes(b"secret")
    (root / "link.txt").symlink_to("../secret.txt")
    return root


@contextlib.contextmanager
def under_uvicorn(app: Any) -> Iterator[tuple[str, int]]:
    """Another server in a thread; its address."""
    uvicorn = pytest.importorskip("uvicorn")
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False, loop="asyncio", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        yield listener.getsockname()
    finally:
        server.should_exit = True
        thread.join(20)
        listener.close()


@contextlib.contextmanager
def client_of(wire: str, app: Any) -> Iterator[httpx.Client]:
    """A client over one wire."""
    if wire == "uvicorn":
        with under_uvicorn(app) as (host, port), httpx.Client(base_url=f"http://{host}:{port}") as client:
            yield client
        return
    settings: dict[str, Any] = {"tls": wire in ("tls", "http2"), "workers": 2 if wire == "threads" else 1}
    if settings["tls"]:
        pytest.importorskip("cryptography")
    if wire == "threads":
        settings["worker_kind"] = "thread"
    with TestServer(app, **settings) as server:
        verify = server.client_context() or True
        with httpx.Client(base_url=server.url, verify=verify, http2=wire == "http2") as client:
            yield client


@pytest.fixture(scope="module", params=["http1", "threads", "tls", "http2", "uvicorn"])
def client(request: pytest.FixtureRequest, root: Path) -> Iterator[httpx.Client]:
    with client_of(request.param, StaticFiles(root)) as client:
        yield client


@pytest.mark.parametrize(("path", "content"), [("/large.bin", LARGE), ("/small.txt", b"small"), ("/", b"home")])
def test_whole_files_and_their_heads(client: httpx.Client, path: str, content: bytes) -> None:
    whole, head = client.get(path), client.head(path)
    assert (whole.status_code, whole.content) == (200, content)
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(content)))
    assert client.get(path, headers={"if-none-match": whole.headers["etag"]}).status_code == 304


def test_parts(client: httpx.Client) -> None:
    part = client.get("/large.bin", headers={"range": "bytes=500000-900000"})
    assert (part.status_code, part.content) == (206, LARGE[500000:900001])
    several = client.get("/large.bin", headers={"range": "bytes=0-9,300000-700000,-7"})
    assert several.status_code == 206
    assert len(several.content) == int(several.headers["content-length"])
    for start, stop in ((0, 10), (300000, 700001), (len(LARGE) - 7, len(LARGE))):
        assert b"\r\n\r\n" + LARGE[start:stop] + b"\r\n" in several.content
    beyond = client.get("/large.bin", headers={"range": f"bytes={len(LARGE)}-"})
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(LARGE)}")


@pytest.mark.parametrize(
    "target", ["/link.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/%5c..%5csecret.txt", "/a%00"]
)
def test_nothing_from_outside(client: httpx.Client, target: str) -> None:
    answer = client.get(target)
    assert answer.status_code in (400, 404)  # a server may refuse it before
    assert b"secret" not in answer.content


def test_targets_that_clients_would_mend(root: Path) -> None:
    with TestServer(StaticFiles(root)) as server, server.connect() as raw:
        for target in (
            b"/../secret.txt",
            b"/x/../../secret.txt",
            b"//127.0.0.1/",
            b"/..\\secret.txt",
            b"/%c0%ae%c0%ae/",
        ):
            raw.send(b"GET %b HTTP/1.1\r\nHost: x\r\n\r\n" % target)
            answer = raw.read_response()
            assert (answer.status, answer.header(b"location")) == (404, None)
    with TestServer(StaticFiles(root)) as server, Http2Client.to(server) as client:
        assert client.request("GET", "/../secret.txt")[0] == 404


def head_of(client: RawClient) -> bytes:
    """The head of the answer, and some of its body."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += client.read_some()
    return received


@pytest.mark.parametrize("wire", ["http1", "tls", "uvicorn"])
def test_a_file_that_becomes_shorter_cuts_the_response_off(wire: str, tmp_path: Path) -> None:
    file = tmp_path / "huge.bin"
    file.touch()
    os.truncate(file, HUGE)
    with contextlib.ExitStack() as stack:
        app = StaticFiles(tmp_path)
        if wire == "uvicorn":
            raw = stack.enter_context(RawClient(*stack.enter_context(under_uvicorn(app))))
        else:
            raw = stack.enter_context(stack.enter_context(TestServer(app, tls=wire == "tls")).connect())
        raw.send(b"GET /huge.bin HTTP/1.1\r\nHost: x\r\n\r\n")
        received = head_of(raw)
        assert b"content-length: %d\r\n" % HUGE in received
        os.truncate(file, 1000)
        size = len(received)
        while data := raw.read_some():
            size += len(data)
        assert size < HUGE


def descriptors_of(file: Path) -> int:
    """How many descriptors of this process are of that file."""
    if not DESCRIPTORS.is_dir():
        pytest.skip("looks for descriptors in /proc")
    found = 0
    for one in DESCRIPTORS.iterdir():
        with contextlib.suppress(OSError):
            found += one.readlink() == file
    return found


def test_a_client_that_leaves_in_the_middle_leaves_no_descriptor(tmp_path: Path) -> None:
    file = tmp_path / "huge.bin"
    file.touch()
    os.truncate(file, HUGE)
    ended = threading.Event()
    files = StaticFiles(tmp_path, cache_entries=0)  # otherwise it is kept open for a second

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await files(scope, receive, send)
        finally:
            if scope["type"] == "http":
                ended.set()

    with TestServer(app) as server:
        with server.connect() as raw:
            raw.send(b"GET /huge.bin HTTP/1.1\r\nHost: x\r\n\r\n")
            head_of(raw)
            assert not ended.is_set()
            assert descriptors_of(file) == 1
        assert ended.wait(20)
    assert descriptors_of(file) == 0
