"""aiohttp's client, which speaks HTTP/1.1, and its WebSocket."""

from __future__ import annotations

import asyncio
import contextlib
import io
import ssl
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.clients.site import LARGE
from tests.clients.ways import everywhere, websockets_everywhere

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator

    from pounce_testing import TestServer

CONNECTIONS = 10


@contextlib.asynccontextmanager
async def session(site: TestServer, authority: str) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(limit=CONNECTIONS, ssl=ssl.create_default_context(cafile=authority))
    timeout = aiohttp.ClientTimeout(total=50)
    async with aiohttp.ClientSession(f"{site.url}/", connector=connector, timeout=timeout) as made:
        yield made


@everywhere
def test_requests_at_once(site: TestServer, authority: str) -> None:
    async def get(client: aiohttp.ClientSession, size: int) -> bytes:
        async with client.get(f"bytes/{size}") as response:
            assert response.status == 200
            return await response.read()

    async def all_of_them() -> list[bytes]:
        async with session(site, authority) as client:
            return await asyncio.gather(*(get(client, 1000 + number) for number in range(100)))

    assert asyncio.run(all_of_them()) == [LARGE[: 1000 + number] for number in range(100)]


@everywhere
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_upload_comes_back(site: TestServer, authority: str, framing: str) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(LARGE), 50_000):
            yield LARGE[start : start + 50_000]

    async def upload() -> bytes:
        body = pieces() if framing == "chunked" else io.BytesIO(LARGE)
        async with session(site, authority) as client, client.post("echo", data=body) as response:
            return await response.read()

    assert asyncio.run(upload()) == LARGE


@websockets_everywhere
@pytest.mark.parametrize("compress", [0, 15])
def test_a_websocket(site: TestServer, authority: str, compress: int) -> None:
    sent: list[str | bytes] = ["grüße 🐈", "", b"\x00\xff", "x" * 200_000, LARGE[:300_000]]

    async def exchange() -> None:
        async with session(site, authority) as client, client.ws_connect("socket", compress=compress) as websocket:
            connection = websocket.get_extra_info("socket")
            assert bool(websocket.compress) is bool(compress), "with a window that the server may have made smaller"
            assert await websocket.receive_str(timeout=50) == "1.1"
            for message in sent:
                await (websocket.send_str(message) if isinstance(message, str) else websocket.send_bytes(message))
            assert [(await websocket.receive(timeout=50)).data for _ in sent] == sent
            assert await websocket.close(code=4321, message=b"enough")
            assert websocket.close_code == 4321
        await closed(connection)

    asyncio.run(exchange())


async def closed(connection: socket.socket) -> None:
    """Wait until the server has ended TLS, too: the client begins that, and leaves the rest to the loop."""
    async with asyncio.timeout(50):
        while connection.fileno() >= 0:  # noqa: ASYNC110 - nothing tells when it happens
            await asyncio.sleep(0.001)
