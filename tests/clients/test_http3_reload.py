"""A reload while clients ask over HTTP/3: nobody waits in vain, and who moves meanwhile keeps the connection."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from pounce_testing import TestServer, throw_away_certificate
from tests.clients.http3_client import LIBRARIES, connected

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

SECONDS = 4.0
"""Longer than a reload takes."""

LIBRARY = next(iter(LIBRARIES), "")
pytestmark = pytest.mark.skipif(not LIBRARY, reason="NEITHER AIOQUIC NOR QH3 IS INSTALLED: it has not run")
both_kinds = pytest.mark.parametrize("kind", ["thread", "process"])


async def ask_meanwhile(server: TestServer, ask: Callable[[], Coroutine[Any, Any, int]]) -> list[int]:
    """Go on asking while the server reloads, twice; the statuses of the answers."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    reloads = [begun + 0.3, begun + SECONDS / 2]
    asked = []
    while loop.time() < begun + SECONDS:
        if reloads and loop.time() >= reloads[0]:
            reloads.pop(0)
            server.request_reload()
        asked.append(asyncio.ensure_future(ask()))
        await asyncio.sleep(0.1)
    return await asyncio.gather(*asked)


def served(kind: str) -> TestServer:
    return TestServer("tests.clients.site:app", http3=True, worker_kind=kind, workers=4)


@both_kinds
def test_new_connections_are_served_during_a_reload(kind: str) -> None:
    authority = throw_away_certificate().certfile

    async def visit(server: TestServer) -> None:
        async def ask() -> int:
            async with connected(LIBRARY, server.quic_port, authority) as client:
                return int((await client.ask("/told")).status)

        statuses = await ask_meanwhile(server, ask)
        assert len(statuses) > 10
        assert set(statuses) == {200}

    with served(kind) as server:
        asyncio.run(visit(server))


@both_kinds
def test_a_download_goes_on_through_a_reload(kind: str) -> None:
    """It is begun before, its client moves while others are served by the new workers, and it is whole in the end."""
    authority = throw_away_certificate().certfile

    async def visit(server: TestServer) -> None:
        async with connected(LIBRARY, server.quic_port, authority) as client:
            answer: Any = client.begin("/slow/20")
            await answer.grew.wait()
            server.request_reload()
            while not answer.over.is_set():
                if LIBRARY == "aioquic":  # the sockets of qh3's client cannot be exchanged
                    await client.move()
                await asyncio.sleep(0.3)
            assert answer.status == 200
            assert answer.body == b"piece\n" * 20
        async with connected(LIBRARY, server.quic_port, authority) as client:
            assert json.loads((await client.ask("/told")).body)["http_version"] == "3"

    with served(kind) as server:
        asyncio.run(visit(server))
