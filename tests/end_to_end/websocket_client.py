"""A foreign WebSocket client, the ``websockets`` library, for tests that are not coroutines.

It is the library's asyncio client: the one for threads reads and writes the same TLS connection in two of them, which
CPython's ssl cannot do before 3.13 nor without a GIL.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, Self

from websockets.asyncio.client import connect

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from websockets.asyncio.client import ClientConnection
    from websockets.http11 import Response

    from pounce_testing import TestServer

__all__ = ["WebSocketClient"]

PATIENCE: Final = 20.0
"""Seconds that anything may take."""


class WebSocketClient:
    """One connection, with an event loop of its own that turns while it is asked for something."""

    def __init__(self, server: TestServer, path: str, **options: Any) -> None:
        """Shake hands. Raises what the library raises where that fails."""
        url = f"{server.url.replace('http', 'ws', 1)}/{path}"
        self._runner = asyncio.Runner()
        try:
            self._connection: ClientConnection = self._run(
                _open(url, ssl=server.client_context(), open_timeout=PATIENCE, close_timeout=PATIENCE, **options)
            )
        except BaseException:
            self._runner.close()
            raise

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Say goodbye, if nobody has."""
        self.close()
        self._runner.close()

    @property
    def subprotocol(self) -> str | None:
        """What the server chose."""
        return self._connection.subprotocol

    @property
    def response(self) -> Response:
        """The answer to the handshake."""
        response = self._connection.response
        assert response is not None
        return response

    def send(self, message: str | bytes | Sequence[str]) -> None:
        """Send a message; a list is one message in fragments."""
        self._run(self._connection.send(message))

    def recv(self) -> str | bytes:
        """The next message."""
        message: str | bytes = self._run(asyncio.wait_for(self._connection.recv(), PATIENCE))
        return message

    def ping(self) -> None:
        """Ask for a sign of life, and wait for it."""
        self._run(asyncio.wait_for(self._ping(), PATIENCE))

    def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye and wait for the answer."""
        self._run(self._connection.close(code, reason))

    def vanish(self) -> None:
        """Go without a word."""
        self._connection.transport.abort()

    async def _ping(self) -> None:
        await (await self._connection.ping())

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self._runner.run(work)


async def _open(url: str, **options: Any) -> ClientConnection:
    return await connect(url, proxy=None, **options)
