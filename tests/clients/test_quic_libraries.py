"""The clients of aioquic and qh3 over HTTP/3."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.clients.http3_client import LIBRARIES, connected
from tests.clients.site import LARGE
from tests.clients.ways import over_http3

if TYPE_CHECKING:
    from pounce_testing import TestServer

STREAMS = 100

every_library = pytest.mark.parametrize("library", LIBRARIES)


@every_library
@over_http3
def test_requests_of_one_connection(site: TestServer, authority: str, library: str) -> None:
    async def visit() -> None:
        async with connected(library, site.quic_port, authority) as client:
            told = await client.ask("/told")
            assert json.loads(told.body) == {"method": "GET", "path": "/told", "http_version": "3"}
            for body in (LARGE, b""):
                assert (await client.ask("/digest", body=body)).body.decode() == hashlib.sha256(body).hexdigest()
            assert (await client.ask(f"/bytes/{len(LARGE)}")).body == LARGE
            assert (await client.ask("/echo", body=LARGE[:300_000])).body == LARGE[:300_000]
            assert (await client.ask("/nowhere")).status == 404

    asyncio.run(visit())


@every_library
@over_http3
def test_a_hundred_streams_of_one_connection(site: TestServer, authority: str, library: str) -> None:
    async def visit() -> list[bytes]:
        async with connected(library, site.quic_port, authority) as client:
            answers = await asyncio.gather(*(client.ask(f"/bytes/{1000 + number}") for number in range(STREAMS)))
            return [answer.body for answer in answers]

    assert asyncio.run(visit()) == [LARGE[: 1000 + number] for number in range(STREAMS)]


@pytest.mark.skipif("aioquic" not in LIBRARIES, reason="AIOQUIC IS NOT HERE: it has not run")
@over_http3
@pytest.mark.parametrize("new_id", [True, False], ids=["migration", "a NAT forgot it"])
def test_a_client_that_moves_keeps_its_connection(site: TestServer, authority: str, new_id: bool) -> None:
    """Each port may be another worker's by the system's choice; the connection stays with its own. The sockets of qh3's
    client cannot be exchanged: see `test_ngtcp2` where that is all there is.
    """

    async def visit() -> None:
        async with connected("aioquic", site.quic_port, authority) as client:
            await client.ask("/told")
            for _ in range(6):
                await client.move(new_id=new_id)
                assert json.loads((await client.ask("/told")).body)["http_version"] == "3"
            answer: Any = client.begin(f"/bytes/{len(LARGE)}")
            await answer.grew.wait()
            await client.move(new_id=new_id)
            await asyncio.wait_for(answer.over.wait(), 50)
            assert answer.body == LARGE

    asyncio.run(visit())
