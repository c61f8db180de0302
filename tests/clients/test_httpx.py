"""httpx over HTTP/2, by ALPN and by prior knowledge."""

from __future__ import annotations

import asyncio
import hashlib
import ssl
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.clients.site import LARGE
from tests.clients.ways import everywhere

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_testing import TestServer

STREAMS = 100


@pytest.fixture(scope="module")
def trusting(authority: str) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=authority)


def options(site: TestServer, trusting: ssl.SSLContext) -> dict[str, Any]:
    """Of a client with one connection. Over TLS it offers HTTP/1.1, too."""
    return {
        "base_url": site.url,
        "http1": site.config.tls.enabled,
        "http2": True,
        "limits": httpx.Limits(max_connections=1),
        "timeout": 50,
        "trust_env": False,
        "verify": trusting,
    }


@everywhere
def test_requests_of_one_connection(site: TestServer, trusting: ssl.SSLContext) -> None:
    def pieces() -> Iterator[bytes]:
        yield from (LARGE[start : start + 10_000] for start in range(0, len(LARGE), 10_000))

    with httpx.Client(**options(site, trusting)) as client:
        told = client.get("/told")
        uploads = [client.post("/digest", content=body) for body in (LARGE, pieces(), b"")]
        download = client.get(f"/bytes/{len(LARGE)}")
        missing = client.get("/nowhere")
    assert told.json() == {"method": "GET", "path": "/told", "http_version": "2"}
    assert [answer.text for answer in uploads] == [hashlib.sha256(body).hexdigest() for body in (LARGE, LARGE, b"")]
    assert download.content == LARGE
    assert missing.status_code == 404
    assert {one.http_version for one in (told, *uploads, download, missing)} == {"HTTP/2"}


@everywhere
def test_a_response_that_is_left_unread(site: TestServer, trusting: ssl.SSLContext) -> None:
    """Its stream is reset, and the connection goes on."""
    with httpx.Client(**options(site, trusting)) as client:
        with client.stream("GET", f"/bytes/{len(LARGE)}") as response:
            assert response.status_code == 200
        assert client.get("/bytes/100000").content == LARGE[:100_000]


@everywhere
def test_a_hundred_streams_of_one_connection(site: TestServer, trusting: ssl.SSLContext) -> None:
    async def all_of_them() -> list[bytes]:
        async with httpx.AsyncClient(**options(site, trusting)) as client:
            answers = await asyncio.gather(*(client.get(f"/bytes/{1000 + number}") for number in range(STREAMS)))
            return [answer.content for answer in answers]

    assert asyncio.run(all_of_them()) == [LARGE[: 1000 + number] for number in range(STREAMS)]
