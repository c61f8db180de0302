"""The middleware over every version of HTTP, under Pounce and under another server, with clients that exist."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import TYPE_CHECKING

import pytest
from websockets.sync.client import connect

from tests.clients.programs import find_program, run_program
from tests.compression.application import ITEMS, SMALL
from tests.compression.conftest import CODINGS

if TYPE_CHECKING:
    from tests.compression.conftest import Site

each_coding = pytest.mark.parametrize("coding", CODINGS)


@each_coding
@pytest.mark.parametrize(("path", "content"), [("/small", SMALL), ("/large", ITEMS), ("/script", SMALL * 10)])
def test_bodies(site: Site, coding: str, path: str, content: bytes) -> None:
    with site.client() as client:
        answer = client.get(path, headers={"accept-encoding": coding})
        plain = client.get(path, headers={"accept-encoding": "identity"})
        head = client.head(path, headers={"accept-encoding": coding})
    assert answer.content == plain.content == content
    assert answer.headers["content-encoding"] == coding
    assert answer.headers["etag"] == 'W/"1"'
    assert int(answer.headers["content-length"]) == answer.num_bytes_downloaded < len(content) / 2
    assert "content-encoding" not in plain.headers
    assert plain.headers["etag"] == '"1"'
    assert answer.headers["vary"] == plain.headers["vary"] == head.headers["vary"]
    assert answer.headers["vary"].startswith("Accept-Encoding")
    assert head.content == b""


@each_coding
def test_events_arrive_one_by_one(site: Site, coding: str) -> None:
    """The next event is sent only once this one was decoded: a coder that kept anything back would stop here."""
    site.application.sent_at.clear()
    delays, received = [], b""
    with site.client() as client, client.stream("GET", "/events", headers={"accept-encoding": coding}) as answer:
        assert answer.headers["content-encoding"] == coding
        pieces = answer.iter_bytes()
        for number in range(5):
            site.application.more.put(None)
            while not received.endswith(b"data: %d\n\n" % number):
                received += next(pieces)
            delays.append(time.monotonic() - site.application.sent_at[-1])
        assert b"".join(pieces) == b""
    assert received == b"".join(b"data: %d\n\n" % number for number in range(5))
    assert sorted(delays)[2] < 0.5, "it takes milliseconds; this is a machine that is very busy"


@pytest.mark.parametrize("server", ["pounce", "uvicorn"])
def test_web_sockets_are_left_alone(server: str, request: pytest.FixtureRequest) -> None:
    with connect(f"ws://127.0.0.1:{request.getfixturevalue(f'{server}_port')}/", proxy=None) as socket:
        socket.send("hello " * 500)
        assert socket.recv() == "hello " * 500


def test_a_dictionary_that_the_client_has(site: Site) -> None:
    digest = hashlib.sha256(SMALL * 10).digest()
    known = f":{base64.b64encode(digest).decode()}:"
    with site.client() as client:
        first = client.get("/script", headers={"accept-encoding": "gzip"})
        assert first.headers["use-as-dictionary"] == 'match="/script"'
        headers = {"accept-encoding": "gzip, dcz", "available-dictionary": known}
        with client.stream("GET", "/script", headers=headers) as answer:
            body = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "dcz"
    assert answer.headers["vary"] == "Accept-Encoding, Available-Dictionary"
    assert body[:44] == b"\x5e\x2a\x4d\x18\x20\0\0\0" + digest + b"\x28\xb5\x2f\xfd"
    assert len(body) < 100


@pytest.mark.parametrize("version", ["--http1.1", "--http2-prior-knowledge"])
@pytest.mark.parametrize("path", ["/large", "/script"])
def test_curl(pounce_port: int, version: str, path: str) -> None:
    curl = (find_program("curl"), "-q", "--silent", "--show-error", "--fail", "--max-time", "50", "--noproxy", "*")
    url = f"http://127.0.0.1:{pounce_port}{path}"
    plain = run_program(*curl, version, url)
    decoded = run_program(*curl, version, "--compressed", "--write-out", "%{size_download} %{http_version}", url)
    content, size = decoded[: len(plain)], decoded[len(plain) :].split()[0]
    assert hashlib.sha256(content).digest() == hashlib.sha256(plain).digest()
    assert int(size) < len(plain) / 2
