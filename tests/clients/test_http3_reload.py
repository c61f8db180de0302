"""A reload while clients ask over HTTP/3: nobody waits in vain, and who moves meanwhile keeps the connection."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from typing import TYPE_CHECKING, Any

import pytest

from pounce import fresh_import
from pounce_testing import TestServer, throw_away_certificate
from tests.clients.http3_client import LIBRARIES, connected
from tests.under_load.running import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

WORKERS = 2
CLIENTS = 2
"""Who ask side by side, each as soon as it has its answer: a busy machine has fewer answers, not a later end."""
SECONDS = 100.0
"""Longer than two reloads take on a busy machine."""

LIBRARY = next(iter(LIBRARIES), "")
pytestmark = [
    pytest.mark.skipif(not LIBRARY, reason="NEITHER AIOQUIC NOR QH3 IS INSTALLED: it has not run"),
    pytest.mark.usefixtures("reloadable"),
]
both_kinds = pytest.mark.parametrize("kind", ["thread", "process"])


@pytest.fixture
def reloadable(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Other tests have imported Django into this process, which the site has nothing to do with, and they find their
    own modules afterwards. What the server says of its reloads is kept.
    """
    monkeypatch.setattr(fresh_import, "obstacle", lambda: None)
    caplog.set_level(logging.INFO, logger="pounce")
    modules = sys.modules.copy()
    yield
    sys.modules.update(modules)


async def switched(said: pytest.LogCaptureFixture, generation: int) -> None:
    """Wait until the code of this generation serves."""
    line = f"generation {generation} of the code serves"
    await asyncio.to_thread(wait_until, lambda: line in said.text, line)


async def ask_meanwhile(
    server: TestServer, said: pytest.LogCaptureFixture, ask: Callable[[], Coroutine[Any, Any, int]]
) -> list[int]:
    """Go on asking while the server reloads, twice; the statuses of the answers."""
    over = False
    statuses: list[int] = []

    async def go_on() -> None:
        while not over:
            statuses.append(await ask())

    async with asyncio.timeout(SECONDS), asyncio.TaskGroup() as clients:
        for _ in range(CLIENTS):
            clients.create_task(go_on())
        for generation in (2, 3):
            server.request_reload()
            await switched(said, generation)
            enough = len(statuses) + 2 * CLIENTS  # each has asked the new code at least once
            await asyncio.to_thread(wait_until, lambda: len(statuses) >= enough, "the new code is asked")  # noqa: B023
        over = True
    return statuses


def served(kind: str) -> TestServer:
    return TestServer("tests.clients.site:app", http3=True, worker_kind=kind, workers=WORKERS)


@both_kinds
def test_new_connections_are_served_during_a_reload(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    authority = throw_away_certificate().certfile

    async def visit(server: TestServer) -> None:
        async def ask() -> int:
            async with connected(LIBRARY, server.quic_port, authority) as client:
                return int((await client.ask("/told")).status)

        assert set(await ask_meanwhile(server, caplog, ask)) == {200}

    with served(kind) as server:
        asyncio.run(visit(server))


@both_kinds
def test_a_download_goes_on_through_a_reload(kind: str, caplog: pytest.LogCaptureFixture) -> None:
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
        await switched(caplog, 2)
        async with connected(LIBRARY, server.quic_port, authority) as client:
            assert json.loads((await client.ask("/told")).body)["http_version"] == "3"

    with served(kind) as server:
        asyncio.run(visit(server))
