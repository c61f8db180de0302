"""The client for tests that are coroutines: it serves the application in the loop of the test."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
from typing import TYPE_CHECKING, Any, Final, Self, Unpack

import pounce
from pounce.unbound import UnboundServer, unbound
from pounce_testing.memory.http1_exchange import Http1Client, StreamedResponse
from pounce_testing.memory.link import MemoryConnection
from pounce_testing.memory.request_bytes import HeaderInput, RequestHeadBytes, body_pieces, target_of
from pounce_testing.memory.websocket import AsyncMemoryWebSocket, open_websocket

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from pounce_asgi import Listeners, SyncApp
    from pounce_testing.client import Response
    from pounce_testing.memory.http2_client import Http2Client, Http2Stream
    from pounce_testing.memory.options import RequestOptions

__all__ = ["DEFAULTS", "AsyncInMemoryClient"]

DEFAULTS: Final[dict[str, Any]] = {"access_log": False, "graceful_timeout": 5.0}
"""Settings of a server under test, unless the test says otherwise."""

HOST: Final = "testserver"


class AsyncInMemoryClient:
    """Serves an application while its block runs, and asks it: ``async with AsyncInMemoryClient(app) as client``.

    Entering runs the application's lifespan startup in the running loop and raises what fails; leaving finishes what is
    in flight and runs its shutdown. Settings have the names of the server's options. Connections are kept and used
    again, as clients do. Owned by the loop's thread.
    """

    def __init__(
        self,
        app: Callable[..., Any] | SyncApp | str | pounce.ServerConfig,
        *,
        listeners: Listeners | None = None,
        headers: HeaderInput = (),
        peer: tuple[str, int] = ("127.0.0.1", 50000),
        http2: bool = False,
        **settings: Any,
    ) -> None:
        """``headers`` are sent with every request; ``peer`` is who the server takes the client for. With ``http2``
        requests are streams of one HTTP/2 connection, which needs the extra ``h2``; WebSockets go over HTTP/1.1 still.
        """
        if http2 and importlib.util.find_spec("pounce_h2") is None:
            raise ImportError("http2=True needs a package: pip install 'pounce-testing[h2]'", name="pounce_h2")
        if isinstance(app, pounce.ServerConfig):
            if settings:
                raise TypeError(f"{', '.join(settings)}: settings belong into the ServerConfig that was given")
            self.config = app
        else:
            self.config = pounce.ServerConfig.of({**DEFAULTS, **settings, "app": app})
        self._listeners = listeners
        self._headers = list(headers.items() if hasattr(headers, "items") else headers)
        self._peer = peer
        self._stack = contextlib.AsyncExitStack()
        self._server: UnboundServer | None = None
        self._http2 = http2
        self._multiplexed: Http2Client | None = None
        self._idle: list[Http1Client] = []
        self._open: set[MemoryConnection] = set()

    async def __aenter__(self) -> Self:
        self._server = await self._stack.enter_async_context(unbound(self.config, listeners=self._listeners))
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        if self._multiplexed is not None:
            await self._multiplexed.close()
            self._multiplexed = None
        for connection in tuple(self._open):
            connection.close()
        self._open.clear()
        self._idle.clear()
        self._server = None
        await self._stack.aclose()

    # -- connections -------------------------------------------------------------------------------------------------

    def connect(self) -> MemoryConnection:
        """A new connection for bytes as they are.

        Raises:
            RuntimeError: this is not within the block.
        """
        if self._server is None:
            raise RuntimeError("the client is not open: async with AsyncInMemoryClient(app) as client")
        connection = MemoryConnection(self._server, peer=self._peer)
        self._open.add(connection)
        return connection

    async def _take(self) -> Http1Client | Http2Stream:
        """A connection that is free, or a new one; or a stream."""
        if self._http2:
            from pounce_testing.memory.http2_client import Http2Client

            if self._multiplexed is None or not self._multiplexed.usable:
                self._multiplexed = await Http2Client.on(self.connect())
            return self._multiplexed.stream()
        while self._idle:
            client = self._idle.pop()
            if not client.connection.transport.closing:
                return client
            self._drop(client)
        return Http1Client(self.connect())

    def _give_back(self, client: Http1Client | Http2Stream) -> None:
        if isinstance(client, Http1Client) and client.usable and not client.connection.transport.closing:
            self._idle.append(client)
        else:
            self._drop(client)

    def _drop(self, client: Http1Client | Http2Stream) -> None:
        if isinstance(client, Http1Client):
            client.connection.close()
            self._open.discard(client.connection)
        else:
            client.give_up()

    # -- requests ----------------------------------------------------------------------------------------------------

    async def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> Response:
        """Send a request and read the whole answer; see `RequestOptions`.

        Raises:
            ResponseError: what comes back is not a whole answer.
        """
        async with self.stream(method, path, **options) as response:
            return await response.read()

    @contextlib.asynccontextmanager
    async def stream(
        self, method: str, path: str, **options: Unpack[RequestOptions]
    ) -> AsyncIterator[StreamedResponse]:
        """Send a request; its answer is read piece by piece within the block, and who leaves early gives it up.

        A body that comes in pieces is sent meanwhile: the application may answer before it has all of it.
        """
        body, media_type = body_pieces(options.get("content"), options.get("json"))
        head = self._head(method, path, options)
        if media_type is not None:
            head.default("Content-Type", media_type)
        client = await self._take()
        sending = asyncio.ensure_future(client.send(head, body))
        response: StreamedResponse | None = None
        try:
            # What keeps the body from being sent, a generator that fails, is for whoever waits for the answer.
            reading = asyncio.ensure_future(client.read_head(method))
            try:
                await asyncio.wait((reading, sending), return_when=asyncio.FIRST_COMPLETED)
                if sending.done():
                    sending.result()
                response = StreamedResponse(client, await reading)
            finally:
                reading.cancel()
            yield response
        finally:
            if not sending.done():
                sending.cancel()
                client.usable = False
            if response is not None and response.complete:
                self._give_back(client)
            else:
                self._drop(client)

    def _head(self, method: str, path: str, options: RequestOptions) -> RequestHeadBytes:
        head = RequestHeadBytes(method, target_of(path, options.get("params")), options.get("headers", ()))
        for name, value in self._headers:
            head.default(name, value)
        head.default("Host", HOST)
        return head

    @contextlib.asynccontextmanager
    async def websocket(
        self, path: str, *, subprotocols: tuple[str, ...] = (), headers: HeaderInput = ()
    ) -> AsyncIterator[AsyncMemoryWebSocket]:
        """Open a WebSocket; leaving closes it with 1000, unless that has been done.

        Raises:
            HandshakeError: the application, or the server, does not want it.
        """
        client = Http1Client(self.connect())
        try:
            websocket = await open_websocket(client, self._head("GET", path, {"headers": headers}), subprotocols)
            yield websocket
            await websocket.close()
        finally:
            self._drop(client)

    async def get(self, path: str, **options: Unpack[RequestOptions]) -> Response:
        """GET."""
        return await self.request("GET", path, **options)

    async def head(self, path: str, **options: Unpack[RequestOptions]) -> Response:
        """HEAD."""
        return await self.request("HEAD", path, **options)

    async def post(self, path: str, **options: Unpack[RequestOptions]) -> Response:
        """POST."""
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Unpack[RequestOptions]) -> Response:
        """PUT."""
        return await self.request("PUT", path, **options)

    async def patch(self, path: str, **options: Unpack[RequestOptions]) -> Response:
        """PATCH."""
        return await self.request("PATCH", path, **options)

    async def delete(self, path: str, **options: Unpack[RequestOptions]) -> Response:
        """DELETE."""
        return await self.request("DELETE", path, **options)
