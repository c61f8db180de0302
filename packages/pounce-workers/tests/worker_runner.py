"""A worker in a thread of its own on a real socket, and a client that sends and reads bytes."""

from __future__ import annotations

import importlib.util
import socket
import threading
from typing import TYPE_CHECKING, Any, Self

import pytest
from responses import Response, parse_responses

from pounce_asgi import ExchangeSettings
from pounce_workers import ServingSettings, Worker, WorkerSettings, bind_tcp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi import Listeners

HANGS_AFTER = 15.0

LOOPS = ["asyncio", *(["uvloop"] if importlib.util.find_spec("uvloop") else [])]
every_loop = pytest.mark.parametrize("loop", LOOPS)


class RunningWorker:
    """Serves while its block runs. ``error`` is what ``run()`` raised; leaving raises it, unless it was looked at."""

    def __init__(
        self,
        app: Any,
        loop: str = "asyncio",
        *,
        sockets: Sequence[socket.socket] | None = None,
        listeners: Listeners | None = None,
        exchange: dict[str, Any] | None = None,
        worker_id: int = 3,
        options: dict[str, Any] | None = None,
        **worker: Any,
    ) -> None:
        """``sockets``: what it accepts on, else a socket of its own; ``options`` are more arguments of `Worker`."""
        if sockets is None:
            self.socket = bind_tcp("127.0.0.1", 0, 256)
            self.address = self.socket.getsockname()
            sockets = [self.socket]
        self._started = threading.Event()
        self._error: BaseException | None = None
        chosen: dict[str, Any] = {"graceful_timeout": 5.0, "loop": loop, **worker}
        settings = ServingSettings(exchange=ExchangeSettings(**(exchange or {})), worker=WorkerSettings(**chosen))
        self.worker = Worker(
            app,
            sockets,
            settings=settings,
            listeners=listeners,
            on_started=self._started.set,
            worker_id=worker_id,
            **(options or {}),
        )
        self._thread = threading.Thread(target=self._run, name="worker under test", daemon=True)

    def _run(self) -> None:
        try:
            self.worker.run()
        except BaseException as error:  # noqa: BLE001 - it belongs to the test
            self._error = error
        finally:
            self._started.set()

    def start(self) -> Self:
        self._thread.start()
        assert self._started.wait(HANGS_AFTER)
        return self

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
        if not self.join():
            self.stop()
            assert self.join(), "the worker does not end"
        error, self._error = self._error, None
        if error is not None:
            raise error

    def stop(self) -> None:
        self.worker.request_stop()

    def join(self, timeout: float = HANGS_AFTER) -> bool:
        """Wait for the end of ``run()``."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def take_error(self) -> BaseException | None:
        """What ``run()`` raised; wait for its end first."""
        assert self.join(), "the worker does not end"
        error, self._error = self._error, None
        return error

    def connect(self) -> Client:
        return Client(self.address)


class Inlet:
    """Hands connections over by hand, to a worker or a pool."""

    def __init__(self, target: Any) -> None:
        self.target = target
        self.told = threading.Event()
        """The target has room again."""
        target.on_room = self.told.set
        self.kept: list[socket.socket] = []
        """What it had no room for."""

    def connect(self) -> tuple[bool, Client]:
        """Whether the target took it, and the client."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            client = Client(listener.getsockname())
            sock, peer = listener.accept()
        sock.setblocking(False)
        taken = self.target.hand_over(sock, peer, sock.getsockname())
        if not taken:
            self.kept.append(sock)
        return taken, client


class Client:
    """One connection. Every wait has an end."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address, HANGS_AFTER)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def get(self, path: str = "/", *lines: str) -> Response:
        """Ask, and read the answer."""
        fields = "".join(f"{line}\r\n" for line in lines)
        self.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n".encode())
        return self.response()

    def response(self) -> Response:
        """The next response."""
        self.received = self.read_until(_is_whole)
        (response,) = parse_responses(self.received)
        self.received = b""
        return response

    def read_until(self, enough: Any) -> bytes:
        """Read until this is true of what came."""
        while not enough(self.received):
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError(f"the connection ended after {self.received!r:.200}")
            self.received += data
        return self.received

    def at_end(self) -> bool:
        """Wait: True for the end of the connection, in order or by a reset; False for a byte."""
        try:
            return not self.socket.recv(1)
        except ConnectionResetError:
            return True


def _is_whole(data: bytes) -> bool:
    try:
        return len(parse_responses(data)) == 1
    except ValueError:
        return False
