"""Clients that speak what there is over TLS: HTTP/2, WebSockets, HTTP/3. All wait for their answers."""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any, Final

from websockets.asyncio.client import connect

from pounce_testing import RawClient
from tests.clients.http3_client import LIBRARIES, connected
from tests.end_to_end.http2_client import Http2Client
from tests.under_load.clients import PATIENCE, Clients, Tally

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Coroutine

__all__ = ["ProtocolClients"]

LIBRARY: Final = next(iter(LIBRARIES), "")


class ProtocolClients(Clients[Tally]):
    """Of ``tests.clients.site``, in a thread of their own."""

    def __init__(self, port: int, quic_port: int, authority: str, *, seed: int) -> None:
        super().__init__(12, Tally(), think=0.02, seed=seed)
        self._port = port
        self._quic_port = quic_port
        self._authority = authority
        self._ways = (self._http2, self._websocket, self._http3) if LIBRARY else (self._http2, self._websocket)

    def way_of(self, number: int, dice: random.Random) -> Callable[..., Coroutine[None, None, None]]:
        """Always the same for one client, so that every protocol is spoken all the time."""
        return self._ways[number % len(self._ways)]

    async def go(self, way: Callable[..., Coroutine[None, None, None]], dice: random.Random) -> None:
        """Do it on a connection of its own."""
        async with asyncio.timeout(PATIENCE):
            await way(dice)

    def _context(self, *alpn: str) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=self._authority)
        if alpn:
            context.set_alpn_protocols(list(alpn))
        return context

    async def _http2(self, dice: random.Random) -> None:
        bodies = [bytes(dice.randint(1, 20_000)) for _ in range(dice.randint(1, 6))]
        await asyncio.to_thread(self._ask_over_http2, bodies)
        self.tally.answered += len(bodies)

    def _ask_over_http2(self, bodies: list[bytes]) -> None:
        tls = self._context("h2")
        with Http2Client(RawClient("127.0.0.1", self._port, timeout=PATIENCE, tls=tls)) as client:
            for body in bodies:
                assert client.request("POST", "/echo", body) == (200, body)

    async def _websocket(self, dice: random.Random) -> None:
        uri = f"wss://127.0.0.1:{self._port}/"
        async with connect(uri, ssl=self._context(), proxy=None) as client:
            await client.recv()
            for _ in range(dice.randint(1, 5)):
                message = "x" * dice.randint(1, 5000)
                await client.send(message)
                assert await client.recv() == message
                self.tally.answered += 1

    async def _http3(self, dice: random.Random) -> None:
        client: Any
        async with connected(LIBRARY, self._quic_port, self._authority) as client:
            for _ in range(dice.randint(1, 4)):
                body = bytes(dice.randint(1, 20_000))
                answer = await client.ask("/echo", body=body)
                assert (answer.status, bytes(answer.body)) == (200, body)
                self.tally.answered += 1
