"""The client's end of a connection in memory: bytes in, bytes out, and what can happen besides."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final, Self

from pounce_testing.memory.transport import MemoryTransport

if TYPE_CHECKING:
    from pounce.unbound import UnboundServer

__all__ = ["MemoryConnection"]

AHEAD: Final = 65536
"""Bytes that may be on their way to the server before ``send()`` waits for it to read."""


class MemoryConnection:
    """Sends bytes as they are and reads what comes back. Owned by the loop's thread."""

    def __init__(self, server: UnboundServer, *, peer: tuple[str, int] = ("127.0.0.1", 50000)) -> None:
        self._news = asyncio.Event()
        self.transport = MemoryTransport(
            peer=peer, context=server.context, on_news=self._news.set, on_lost=server.forget
        )
        self.transport.start(server.context.run(server.connect, self.transport))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self.close()

    async def send(self, *pieces: bytes) -> None:
        """Send the pieces, each by itself; waits while the server reads slowly.

        Raises:
            BrokenPipeError: the server has closed the connection.
        """
        for piece in pieces:
            while self.transport.unread > AHEAD and not self.transport.closing:
                await self._next_news()
            if self.transport.closing:  # who is answered and sent away need not go on
                raise BrokenPipeError("the server has closed the connection")
            self.transport.client_sends(piece)
            if len(pieces) > 1:
                await asyncio.sleep(0)

    def finish_sending(self) -> None:
        """Say that nothing more will be sent; the connection stays open for reading."""
        self.transport.client_finishes()

    async def receive(self, most: int = 65536) -> bytes:
        """What is there, at least one byte; empty when the server has closed.

        Raises:
            ConnectionResetError: the server has reset the connection.
        """
        while True:
            data = self.transport.client_read(most)
            if data or self.transport.finished:
                return data
            await self._next_news()

    async def receive_all(self) -> bytes:
        """All until the server closes.

        Raises:
            ConnectionResetError: it has reset the connection instead.
        """
        pieces = []
        while piece := await self.receive():
            pieces.append(piece)
        return b"".join(pieces)

    def close(self, *, reset: bool = False) -> None:
        """Leave: orderly, or with a reset. Safe to call twice."""
        self.transport.client_leaves(reset=reset)

    async def _next_news(self) -> None:
        self._news.clear()
        if not self.transport.waiting and not self.transport.finished:
            await self._news.wait()
