"""Whatever takes connections and serves them, running in a thread of its own, and a client that sends and reads bytes.

Every wait has an end.
"""

from __future__ import annotations

import socket
import threading
import time
from typing import TYPE_CHECKING, Any, Self

from responses import Response, parse_responses

from pounce_asgi import ExchangeSettings
from pounce_http1 import Limits
from pounce_workers import ServingSettings, WorkerSettings, bind_tcp

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["HANGS_AFTER", "Client", "Inlet", "RunningTarget", "bound", "settings_of"]

HANGS_AFTER = 15.0


def bound(sockets: Sequence[socket.socket] | None = None) -> list[socket.socket]:
    """What to accept on: these, if they are given, else a socket of its own."""
    return [bind_tcp("127.0.0.1", 0, 1024)] if sockets is None else list(sockets)


def settings_of(
    *, exchange: dict[str, Any] | None = None, limits: dict[str, Any] | None = None, **worker: Any
) -> ServingSettings:
    """Those that are given; the others are the defaults, with a shorter graceful time."""
    return ServingSettings(
        http1=Limits(**(limits or {})),
        exchange=ExchangeSettings(**(exchange or {})),
        worker=WorkerSettings(**{"graceful_timeout": 5.0, **worker}),
    )


class RunningTarget:
    """Serves while its block runs. What ``run()`` raised is raised on leaving, unless it was looked at."""

    def __init__(self, make: Callable[[Callable[[], None]], Any], sockets: Sequence[socket.socket]) -> None:
        """``make`` makes what is run, which calls what it is given once it has started."""
        self.address: Any = sockets[0].getsockname() if sockets else None
        self._started = threading.Event()
        self._error: BaseException | None = None
        self.target = make(self._started.set)
        """What is run: a worker or a pool."""
        self._thread = threading.Thread(target=self._run, name="target under test", daemon=True)

    def _run(self) -> None:
        try:
            self.target.run()
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
        error = self.take_error()
        if error is not None:
            raise error

    def stop(self) -> None:
        self.target.request_stop()

    def join(self, timeout: float = HANGS_AFTER) -> bool:
        """Wait for the end of ``run()``."""
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def take_error(self) -> BaseException | None:
        """What ``run()`` raised; wait for its end first."""
        assert self.join(), f"{self.target} does not end"
        error, self._error = self._error, None
        return error

    def empties(self) -> None:
        """Wait until it has no connection: a client sees the end of its own a moment before the target is done."""
        self.comes_true(lambda: not self.target.load, lambda: f"{self.target.load} connections are left")

    @staticmethod
    def comes_true(what: Callable[[], bool], shown: Callable[[], str]) -> None:
        end = time.monotonic() + HANGS_AFTER
        while not what():
            assert time.monotonic() < end, shown()
            time.sleep(0.001)

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
