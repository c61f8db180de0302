"""Stateless resets with real engines: what becomes of clients whose server has forgotten them."""

from __future__ import annotations

import asyncio

import pytest
from endpoint_doubles import KEYS
from far_apps import Site
from far_end import FarEnd
from fixed_clock import run
from link import Network
from quic_clients import LIBRARIES, Http3Client

from pounce_h3.reset_tokens import ResetTokens
from pounce_h3.routing import ConnectionIds, destination_of

TOKENS = ResetTokens(KEYS.reset_tokens)


class Crash:
    """A server that was asked once and is replaced by one that has only its keys."""

    def __init__(self, library: str) -> None:
        self.library = library
        self.sent: list[bytes] = []
        """By the client, from then on."""
        self.heard: list[bytes] = []
        self.ended = False
        """The client took a reset for what it is."""

    async def play(self) -> None:
        network = Network()
        before = FarEnd(network, Site(), library=self.library, keys=KEYS)
        client = Http3Client(network, self.library)
        await client.ask("/")
        await asyncio.sleep(2)
        before.endpoint.give_up = None  # type: ignore[method-assign,assignment]  # it ends without a word
        before.send = lambda datagrams: None  # type: ignore[method-assign]
        before.host.stop()
        after = FarEnd(network, Site(), library=self.library, keys=KEYS)
        network.up.drop = self._left
        network.down.drop = self._came
        client.begin("/")
        await asyncio.sleep(2)
        self.ended = client.ended.is_set()
        assert after.endpoint.connections == 0
        client.vanish()
        await after.stopped()

    def _left(self, data: bytes) -> bool:
        self.sent.append(data)
        return False

    def _came(self, data: bytes) -> bool:
        self.heard.append(data)
        return False


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_server_that_lost_its_memory_says_so(library: str) -> None:
    """Each datagram is answered by a smaller one that ends in the token of the ID in it, which the client was told."""
    crash = Crash(library)
    run(crash.play())
    assert crash.heard
    called = {destination_of(data) for data in crash.sent}
    tokens = {TOKENS.token(one) for one in called}
    assert {data[-16:] for data in crash.heard} <= tokens
    assert max(map(len, crash.heard)) <= 43
    if library == "aioquic":
        assert all(ConnectionIds(KEYS.connection_ids).ours(one) for one in called)


@pytest.mark.skipif("qh3" not in LIBRARIES, reason="aioquic's client takes no notice of resets")
def test_a_client_takes_it_for_what_it_is() -> None:
    crash = Crash("qh3")
    run(crash.play())
    assert crash.ended
    assert len(crash.sent) <= 3
