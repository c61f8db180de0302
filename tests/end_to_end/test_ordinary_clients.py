"""Clients that people use: the library's, httpx and curl."""

from __future__ import annotations

import asyncio
import http.client
import json
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from pounce_testing import throw_away_certificate
from pounce_testing.fixtures import everywhere
from tests.end_to_end import applications

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pounce_testing import TestServer
    from pounce_testing.fixtures import Serve

LARGE = bytes(range(256)) * 8192  # 2 MiB


pytestmark = everywhere


def run_curl(curl: str, *arguments: str, stdin: bytes = b"") -> bytes:
    trusted = throw_away_certificate().certfile
    command = [curl, "--silent", "--show-error", "--fail", "--max-time", "20", "--noproxy", "*", "--cacert", trusted]
    command += ["--http1.1"] if not any(one.startswith("--http") for one in arguments) else []
    command += arguments
    return subprocess.run(command, input=stdin, capture_output=True, check=True, timeout=30).stdout


def library_client(server: TestServer) -> http.client.HTTPConnection:
    context = server.client_context()
    if context is None:
        return http.client.HTTPConnection(server.host, server.port, timeout=20)
    return http.client.HTTPSConnection(server.host, server.port, timeout=20, context=context)


def trusting() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=throw_away_certificate().certfile)


@pytest.fixture
def reporting(serve_shared: Serve) -> TestServer:
    return serve_shared(applications.REPORT)


@pytest.fixture
def echoing(serve_shared: Serve) -> TestServer:
    return serve_shared(applications.UPLOAD)


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=20, trust_env=False, verify=trusting()) as made:
        yield made


# http.client


def test_library_client_over_one_connection(reporting: TestServer) -> None:
    client = library_client(reporting)
    client.connect()
    used = client.sock
    for number, body in enumerate([b"", b"x", b"y" * 100_000]):
        client.request("POST", f"/items/{number}?q={number}", body, {"X-Number": str(number)})
        response = client.getresponse()
        seen = json.loads(response.read())
        assert response.status == 200
        assert (seen["method"], seen["raw_path"], seen["query_string"]) == ("POST", f"/items/{number}", f"q={number}")
        assert seen["body"] == body.decode()
        assert ["x-number", str(number)] in seen["headers"]
        assert client.sock is used, "the connection is kept"
    client.close()


def test_library_client_sends_chunks(echoing: TestServer) -> None:
    client = library_client(echoing)
    client.request(
        "PUT", "/", iter([b"one ", b"two ", b"three"]), {"Content-Type": "text/x-pieces"}, encode_chunked=True
    )
    response = client.getresponse()
    assert response.getheader("content-type") == "text/x-pieces"
    assert response.read() == b"one two three"
    client.close()


def test_library_client_head(reporting: TestServer) -> None:
    client = library_client(reporting)
    client.request("HEAD", "/")
    head = client.getresponse()
    assert head.read() == b""
    announced = head.getheader("content-length")
    client.request("HEAD", "/")  # the connection is in step
    assert client.getresponse().getheader("content-length") == announced
    client.close()


# httpx


def test_httpx_query_headers_and_json(reporting: TestServer, client: httpx.Client) -> None:
    response = client.post(f"{reporting.url}/a%20b", params={"q": "ü"}, json={"x": 1}, headers={"X-Empty": ""})
    seen: dict[str, Any] = response.json()
    assert response.http_version == "HTTP/1.1"
    assert (seen["raw_path"], seen["path"], seen["query_string"]) == ("/a%20b", "/a b", "q=%C3%BC")
    assert json.loads(seen["body"]) == {"x": 1}
    assert ["x-empty", ""] in seen["headers"]
    assert "date" in response.headers


def test_httpx_large_upload_comes_back(echoing: TestServer, client: httpx.Client) -> None:
    def pieces() -> Iterator[bytes]:
        yield from (LARGE[start : start + 10_000] for start in range(0, len(LARGE), 10_000))

    assert client.put(echoing.url, content=pieces()).content == LARGE


def test_httpx_streams_a_response(serve_shared: Serve, client: httpx.Client) -> None:
    server = serve_shared(applications.STREAM)
    with client.stream("GET", f"{server.url}/50") as response:
        lines = list(response.iter_lines())
    assert response.headers["transfer-encoding"] == "chunked"
    assert lines == [*(f"piece {number}" for number in range(50)), "end"]


def test_httpx_many_at_once(reporting: TestServer) -> None:
    async def all_of_them() -> list[str]:
        async with httpx.AsyncClient(timeout=20, trust_env=False, verify=trusting()) as client:
            answers = await asyncio.gather(*(client.get(f"{reporting.url}/{number}") for number in range(60)))
            return [answer.json()["path"] for answer in answers]

    assert asyncio.run(all_of_them()) == [f"/{number}" for number in range(60)]


# curl


def test_curl_keeps_its_connection(curl: str, reporting: TestServer) -> None:
    urls = [f"{reporting.url}/{number}" for number in range(3)]
    out = run_curl(curl, "--write-out", "\n%{num_connects} %{http_version}\n", *urls).decode().splitlines()
    assert [json.loads(line)["path"] for line in out[::2]] == ["/0", "/1", "/2"]
    assert out[1::2] == ["1 1.1", "0 1.1", "0 1.1"]


def test_curl_speaks_http_1_0(curl: str, serve_shared: Serve) -> None:
    server = serve_shared(applications.STREAM)
    out = run_curl(curl, "--http1.0", "--include", f"{server.url}/2")
    head, _, body = out.partition(b"\r\n\r\n")
    assert body == b"piece 0\npiece 1\nend\n"
    assert b"transfer-encoding" not in head.lower()


@pytest.mark.parametrize("framing", [(), ("--header", "Transfer-Encoding: chunked")], ids=["length", "chunked"])
@pytest.mark.parametrize("expect", ["Expect: 100-continue", "Expect:"], ids=["continue", "at-once"])
def test_curl_uploads_a_file(
    curl: str, echoing: TestServer, tmp_path: Path, framing: tuple[str, ...], expect: str
) -> None:
    file = tmp_path / "upload"
    file.write_bytes(LARGE)
    assert run_curl(curl, "--upload-file", str(file), "--header", expect, *framing, echoing.url) == LARGE


def test_curl_over_a_unix_socket(curl: str, serve: Serve, tmp_path: Path) -> None:
    path = tmp_path / "pounce.sock"
    server = serve(applications.REPORT, uds=str(path))
    scheme = "https" if server.config.tls.enabled else "http"
    seen = json.loads(run_curl(curl, "--unix-socket", str(path), f"{scheme}://localhost/over/unix"))
    assert seen["path"] == "/over/unix"
