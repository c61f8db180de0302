"""The client for tests that are functions: the application is served in a thread beside them."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import threading
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar, Unpack

from pounce_testing.memory.async_client import AsyncInMemoryClient

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    import pounce
    from pounce_asgi import Listeners, SyncApp
    from pounce_testing.client import Response
    from pounce_testing.memory.http1_exchange import StreamedResponse
    from pounce_testing.memory.link import MemoryConnection
    from pounce_testing.memory.options import RequestOptions
    from pounce_testing.memory.request_bytes import HeaderInput
    from pounce_testing.memory.websocket import AsyncMemoryWebSocket, WebSocketClosedError

__all__ = ["InMemoryClient", "MemoryStream", "MemoryWebSocket", "RawMemoryConnection"]

T = TypeVar("T")

TIMEOUT: Final = 20.0
"""Seconds that anything may take before it is a TimeoutError: a test that hangs says nothing."""


class InMemoryClient:
    """Serves an application without sockets while its block runs, and asks it: ``with InMemoryClient(app) as client``.

    The bytes go through the server's own parser, limits, exchange and middleware, as they do over a socket. In a
    coroutine use ``async with InMemoryClient(app) as client``: then ``client`` is an `AsyncInMemoryClient`, in the
    loop of the test. Settings have the names of the server's options. Any thread may use it.
    """

    def __init__(
        self,
        app: Callable[..., Any] | SyncApp | str | pounce.ServerConfig,
        *,
        listeners: Listeners | None = None,
        headers: HeaderInput = (),
        peer: tuple[str, int] = ("127.0.0.1", 50000),
        http2: bool = False,
        timeout: float = TIMEOUT,
        **settings: Any,
    ) -> None:
        """See `AsyncInMemoryClient`. Anything that takes longer than ``timeout`` seconds is a TimeoutError."""
        self._client = AsyncInMemoryClient(
            app, listeners=listeners, headers=headers, peer=peer, http2=http2, **settings
        )
        self._timeout = timeout
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._leave: asyncio.Event

    async def __aenter__(self) -> AsyncInMemoryClient:
        return await self._client.__aenter__()

    async def __aexit__(self, *exc_info: object) -> None:
        await self._client.__aexit__(*exc_info)

    def __enter__(self) -> Self:
        entered: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._ended: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._thread = threading.Thread(target=self._run, args=(entered,), name="InMemoryClient", daemon=True)
        self._thread.start()
        try:
            entered.result(self._timeout)
        except BaseException:
            self._thread.join(self._timeout)
            raise
        return self

    def __exit__(self, *exc_info: object) -> None:
        assert self._loop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._leave.set)
        limits = self._client.config.worker.graceful_timeout + self._client.config.exchange.timeout_lifespan_shutdown
        self._ended.result(limits + self._timeout)
        self._thread.join(self._timeout)

    def _run(self, entered: concurrent.futures.Future[None]) -> None:
        """The thread: an event loop from entering to leaving, whose errors belong to whoever waits for these."""
        try:
            asyncio.run(self._live(entered))
        except BaseException as error:  # noqa: BLE001 - see above
            (self._ended if entered.done() else entered).set_exception(error)
        else:
            self._ended.set_result(None)

    async def _live(self, entered: concurrent.futures.Future[None]) -> None:
        self._leave = asyncio.Event()
        async with self._client:
            self._loop = asyncio.get_running_loop()
            entered.set_result(None)
            await self._leave.wait()

    def call(self, work: Callable[[AsyncInMemoryClient], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine in the loop of the application, with its client, and wait: for what is not offered here.

        Raises:
            TimeoutError: it takes longer than ``timeout`` seconds.
            RuntimeError: this is not within the block.
        """
        return self._wait(work(self._client))

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        if self._loop is None or self._loop.is_closed():
            work.close()
            raise RuntimeError("the client is not open: with InMemoryClient(app) as client")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(self._timeout)
        except concurrent.futures.TimeoutError:
            if future.done():
                raise  # the work's own
            future.cancel()
            raise TimeoutError(f"no answer within {self._timeout:g} s") from None

    def request(self, method: str, path: str, **options: Unpack[RequestOptions]) -> Response:
        """Send a request and read the whole answer; see `RequestOptions`.

        Raises:
            ResponseError: what comes back is not a whole answer.
            TimeoutError: it takes too long.
        """
        return self._wait(self._client.request(method, path, **options))

    @contextlib.contextmanager
    def stream(self, method: str, path: str, **options: Unpack[RequestOptions]) -> Iterator[MemoryStream]:
        """Send a request; its answer is read piece by piece within the block, and who leaves early gives it up."""
        manager = self._client.stream(method, path, **options)
        response = self._wait(_entered(manager))
        try:
            yield MemoryStream(response, self._wait)
        except BaseException as error:
            self._wait(_failed(manager, error))
            raise
        self._wait(_left(manager))

    @contextlib.contextmanager
    def websocket(
        self, path: str, *, subprotocols: tuple[str, ...] = (), headers: HeaderInput = ()
    ) -> Iterator[MemoryWebSocket]:
        """Open a WebSocket; leaving closes it with 1000, unless that has been done.

        Raises:
            HandshakeError: the application, or the server, does not want it.
        """
        manager = self._client.websocket(path, subprotocols=subprotocols, headers=headers)
        websocket = self._wait(_entered(manager))
        try:
            yield MemoryWebSocket(websocket, self._wait)
        except BaseException as error:
            self._wait(_failed(manager, error))
            raise
        self._wait(_left(manager))

    @contextlib.contextmanager
    def connect(self) -> Iterator[RawMemoryConnection]:
        """A new connection for bytes as they are."""

        async def connected() -> MemoryConnection:
            return self._client.connect()

        connection = RawMemoryConnection(self._wait(connected()), self._wait)
        try:
            yield connection
        finally:
            connection.close()

    def get(self, path: str, **options: Unpack[RequestOptions]) -> Response:
        """GET."""
        return self.request("GET", path, **options)

    def head(self, path: str, **options: Unpack[RequestOptions]) -> Response:
        """HEAD."""
        return self.request("HEAD", path, **options)

    def post(self, path: str, **options: Unpack[RequestOptions]) -> Response:
        """POST."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Unpack[RequestOptions]) -> Response:
        """PUT."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Unpack[RequestOptions]) -> Response:
        """PATCH."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Unpack[RequestOptions]) -> Response:
        """DELETE."""
        return self.request("DELETE", path, **options)


class MemoryStream:
    """An answer whose body is read as it comes."""

    def __init__(self, response: StreamedResponse, wait: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._response = response
        self._wait = wait
        self.status = response.status
        self.head = response.head

    def header(self, name: bytes) -> bytes | None:
        """The value of the first header field with that name in lower case, or None."""
        return self.head.header(name)

    def __iter__(self) -> Iterator[bytes]:
        """The pieces of the body as they come."""
        while piece := self.next_piece():
            yield piece

    def next_piece(self) -> bytes:
        """The next piece, empty at the end."""
        piece: bytes = self._wait(self._response.next_piece())
        return piece

    def read(self) -> Response:
        """The whole answer."""
        response: Response = self._wait(self._response.read())
        return response


class MemoryWebSocket:
    """An open WebSocket."""

    def __init__(self, websocket: AsyncMemoryWebSocket, wait: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._websocket = websocket
        self._wait = wait
        self.response = websocket.response
        self.subprotocol = websocket.subprotocol

    @property
    def closed(self) -> WebSocketClosedError | None:
        """How it was closed; None while it is open."""
        return self._websocket.closed

    def send(self, message: str | bytes) -> None:
        """Send a message: text or bytes."""
        self._wait(self._websocket.send(message))

    def receive(self) -> str | bytes:
        """The next message.

        Raises:
            WebSocketClosedError: there is none any more.
        """
        message: str | bytes = self._wait(self._websocket.receive())
        return message

    def close(self, code: int = 1000, reason: str = "") -> WebSocketClosedError:
        """Close, and wait for the server's answer, which is returned."""
        closed: WebSocketClosedError = self._wait(self._websocket.close(code, reason))
        return closed


class RawMemoryConnection:
    """A connection for bytes as they are."""

    def __init__(self, connection: MemoryConnection, wait: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
        self._connection = connection
        self._wait = wait

    def send(self, *pieces: bytes) -> None:
        """Send the pieces, each by itself."""
        self._wait(self._connection.send(*pieces))

    def receive(self) -> bytes:
        """What is there, at least one byte; empty when the server has closed."""
        data: bytes = self._wait(self._connection.receive())
        return data

    def receive_all(self) -> bytes:
        """All until the server closes."""
        data: bytes = self._wait(self._connection.receive_all())
        return data

    def finish_sending(self) -> None:
        """Say that nothing more will be sent."""
        self._wait(_called(self._connection.finish_sending))

    def close(self, *, reset: bool = False) -> None:
        """Leave: orderly, or with a reset."""
        self._wait(_called(lambda: self._connection.close(reset=reset)))


async def _entered(manager: contextlib.AbstractAsyncContextManager[T]) -> T:
    return await manager.__aenter__()


async def _left(manager: contextlib.AbstractAsyncContextManager[Any]) -> None:
    await manager.__aexit__(None, None, None)


async def _failed(manager: contextlib.AbstractAsyncContextManager[Any], error: BaseException) -> None:
    """Leave for an error, which is raised again elsewhere."""
    with contextlib.suppress(type(error)):
        await manager.__aexit__(type(error), error, None)


async def _called(work: Callable[[], None]) -> None:
    work()
