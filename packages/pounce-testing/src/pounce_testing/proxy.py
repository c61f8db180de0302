"""A proxy between a client and servers under test, that hands bytes on in turn and does harm to them when told to.

It knows nothing of what the bytes mean: TLS, WebSockets and HTTP/2 go through it as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Final, Self

from pounce_testing.client import RawClient
from pounce_testing.faults import NONE, Fault
from pounce_testing.proxied_connection import ConnectionRecord, ProxiedConnection, reset
from pounce_testing.server import TestServer

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

__all__ = ["TestProxy"]

SECONDS: Final = 20.0
"""Longest wait for anything that has to happen at once."""

Target = TestServer | tuple[str, int] | str


class TestProxy:
    """A context manager: ``with TestProxy(one, other) as proxy`` listens on a free port and connects to both in turn.

    Servers are `TestServer`s, pairs of host and port, or paths of UNIX sockets. One that does not answer is passed over
    for that connection. Methods may be called from any thread; what they change holds when they return.
    """

    __test__ = False  # the name begins with Test, but this is no test class

    def __init__(self, *servers: Target, host: str = "127.0.0.1") -> None:
        if not servers:
            raise TypeError("a proxy needs a server to hand on to")
        self._servers = servers
        self._host = host
        self._port: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="TestProxy", daemon=True)
        self._started = threading.Event()
        self._error: BaseException | None = None
        self._changed = threading.Condition()  # guards the records, of which only the proxy's thread writes
        self._records: list[ConnectionRecord] = []
        # The rest belongs to the proxy's thread.
        self._stop: asyncio.Event
        self._gate: asyncio.Event
        self._fault = NONE
        self._next_faults: list[Fault] = []
        self._turn = 0
        self._running: set[asyncio.Task[None]] = set()

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._started.wait(SECONDS):
            raise TimeoutError("the proxy did not start")
        self._raise_error()
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._call(self._stop.set)
        self._thread.join(SECONDS)
        if self._thread.is_alive():
            raise TimeoutError("the proxy did not stop")
        self._raise_error()

    # -- where it is -------------------------------------------------------------------------------------------------

    @property
    def host(self) -> str:
        """The address that it listens on."""
        return self._host

    @property
    def port(self) -> int:
        """The port that it listens on.

        Raises:
            RuntimeError: it has not been started.
        """
        if self._port is None:
            raise RuntimeError("the proxy has not been started")
        return self._port

    @property
    def address(self) -> tuple[str, int]:
        """Host and port, as ``socket.create_connection()`` takes them."""
        return self.host, self.port

    @property
    def url(self) -> str:
        """As of the servers behind it, with this port."""
        first = self._servers[0]
        scheme = "https" if isinstance(first, TestServer) and first.config.tls.ssl_certfile else "http"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{scheme}://{host}:{self.port}"

    def connect(self, *, timeout: float = SECONDS) -> RawClient:
        """A new connection for bytes as they are, over TLS if the first server speaks that."""
        return RawClient(self.host, self.port, timeout=timeout, tls=self._client_context())

    def _client_context(self) -> ssl.SSLContext | None:
        first = self._servers[0]
        return first.client_context() if isinstance(first, TestServer) else None

    # -- what it does ------------------------------------------------------------------------------------------------

    def always(self, fault: Fault) -> None:
        """Every new connection suffers from this."""

        def change() -> None:
            self._fault = fault

        self._call(change)

    def once(self, *faults: Fault) -> None:
        """The next connections suffer from these, one each; those after them from none, or from what is always."""
        self._call(lambda: self._next_faults.extend(faults))

    def heal(self) -> None:
        """New connections suffer from nothing."""

        def change() -> None:
            self._fault = NONE
            self._next_faults.clear()

        self._call(change)

    def hold(self) -> None:
        """Hand nothing on, in any direction, until `release`."""
        self._call(lambda: self._gate.clear())

    def release(self) -> None:
        """Hand on what was held."""
        self._call(lambda: self._gate.set())

    def reset_all(self) -> None:
        """Reset all connections that are open now."""

        def change() -> None:
            for task in self._running:
                task.cancel("reset")

        self._call(change)

    # -- what it has seen --------------------------------------------------------------------------------------------

    @property
    def connections(self) -> tuple[ConnectionRecord, ...]:
        """All that were ever accepted, in their order."""
        with self._changed:
            return tuple(self._records)

    def wait_for(self, what: Callable[[tuple[ConnectionRecord, ...]], bool], timeout: float = SECONDS) -> None:
        """Wait until this is true of the connections; it is asked whenever something happens to one.

        Raises:
            TimeoutError: it does not become true.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: what(tuple(self._records)), timeout):
                raise TimeoutError(f"it did not happen within {timeout:g} s")

    # -- the proxy's thread ------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 - it belongs to the thread that waits
            self._error = error
        finally:
            self._started.set()

    def _raise_error(self) -> None:
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _call(self, change: Callable[[], object]) -> None:
        """Change something in the proxy's thread, and wait until that is done."""
        if self._loop is None:
            raise RuntimeError("the proxy has not been started")
        done = threading.Event()

        def run() -> None:
            change()
            done.set()

        self._loop.call_soon_threadsafe(run)
        if not done.wait(SECONDS):
            raise TimeoutError("the proxy does not react")

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._gate = asyncio.Event()
        self._gate.set()
        server = await asyncio.start_server(self._accepted, self._host, 0)
        self._port = server.sockets[0].getsockname()[1]
        self._started.set()
        await self._stop.wait()
        server.close()
        running = tuple(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        fault = self._next_faults.pop(0) if self._next_faults else self._fault
        record = ConnectionRecord(fault)
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        with self._changed:
            self._records.append(record)
        try:
            await self._hand_on(record, reader, writer)
        except asyncio.CancelledError:
            reset(writer)
        finally:
            self._running.discard(task)
            record.ended = True
            self._tell()

    async def _hand_on(
        self, record: ConnectionRecord, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        upstream = None if record.fault.refuse else await self._connect(record)
        if upstream is None:
            reset(writer)
            return
        for end in (writer, upstream[1]):
            sock = end.get_extra_info("socket")
            with contextlib.suppress(OSError):  # every piece leaves by itself; over a UNIX socket it does so anyway
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._tell()
        connection = ProxiedConnection(record, (reader, writer), upstream, gate=self._gate, on_bytes=self._tell)
        try:
            await connection.run()
        except asyncio.CancelledError:
            connection.reset()
            raise

    async def _connect(self, record: ConnectionRecord) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        """The next server in turn that answers; None where none does."""
        for _ in self._servers:
            number = self._turn % len(self._servers)
            self._turn += 1
            target = self._servers[number]
            place = target.place if isinstance(target, TestServer) else target
            with contextlib.suppress(OSError):
                if isinstance(place, str):
                    found = await asyncio.open_unix_connection(place)
                else:
                    found = await asyncio.open_connection(*place)
                record.server = number
                return found
        return None

    def _tell(self) -> None:
        with self._changed:
            self._changed.notify_all()
