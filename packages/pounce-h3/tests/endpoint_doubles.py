"""An endpoint between doubles: engines that do as they are told, a link that remembers, a loop whose turns are run."""

from __future__ import annotations

import contextvars
import itertools
from typing import TYPE_CHECKING, Any

from pounce_asgi import DatagramPath, Http3Settings, Peer
from pounce_h3.endpoint import QuicEndpoint
from pounce_h3.keys import QuicKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pounce_asgi import Datagram

__all__ = [
    "KEYS",
    "FakeConnection",
    "FakeEngines",
    "FakeLink",
    "FakeQuic",
    "LookingLoop",
    "Stage",
    "initial",
    "path",
    "short",
]

KEYS = QuicKeys(bytes(range(32)))
VERSION_1 = 1


def path(client: tuple[str, int] = ("192.0.2.1", 4433), local: str = "198.51.100.1") -> DatagramPath:
    return DatagramPath(client, (local, 443), client)


def initial(
    destination: bytes = b"original",
    source: bytes = b"client",
    token: bytes = b"",
    *,
    size: int = 1200,
    version: int = VERSION_1,
    kind: int = 0,
) -> bytes:
    """A datagram with a long header; ``kind`` are the two bits of its type (0 is an Initial in version 1)."""
    head = bytes((0xC0 | kind << 4,)) + version.to_bytes(4, "big")
    head += bytes((len(destination),)) + destination + bytes((len(source),)) + source
    if kind == 0:
        head += (0x4000 | len(token)).to_bytes(2, "big") + token
    return head.ljust(size, b"\0")


def short(connection_id: bytes, size: int = 60) -> bytes:
    """A datagram with a short header."""
    return (b"\x41" + connection_id).ljust(size, b"\0")


class FakeQuic:
    """Keeps to `pounce_h3.Quic`, as far as an endpoint asks."""

    def __init__(self, user: Any, **options: Any) -> None:
        self.user = user
        self.connection: Any = None
        """What was made of it, once the client has come."""
        self.options = options
        self.id = options["new_connection_id"]()
        self.received: list[tuple[list[bytes], tuple[str, int]]] = []
        self.expired: list[float] = []
        self.outgoing: list[tuple[bytes, tuple[str, int]]] = []
        self.asked = 0
        """How often it was asked for what is to be sent."""
        first = options["retry_source_id"] or options["original_destination_id"]
        self.connection_ids = frozenset({first, self.id})
        self.timer: float | None = None
        self.over = False
        self.held = False
        self.told = 0
        """How often it was to tell what it held."""
        self.on_tell: Callable[[FakeQuic], None] = lambda quic: None
        self.handshake_complete = False
        self.tls = {"tls_version": 0x0304}
        self.address = ("?", 0)
        self.closes: list[tuple[int, str]] = []
        self.on_receive: Callable[[FakeQuic], None] = lambda quic: None
        self.on_expire: Callable[[FakeQuic], None] = lambda quic: None
        self.on_ask: Callable[[FakeQuic], None] = lambda quic: None

    def complete(self) -> None:
        """The client's handshake is done."""
        self.handshake_complete = True
        self.user.handshake_done()

    def receive(self, datagrams: Sequence[bytes], address: tuple[str, int], now: float) -> None:
        self.received.append((list(datagrams), address))
        self.address = address
        self.on_receive(self)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, tuple[str, int]]]:
        self.asked += 1
        self.on_ask(self)
        out, self.outgoing = self.outgoing, []
        return out

    def tell_on(self) -> None:
        self.told += 1
        self.on_tell(self)

    def expire(self, now: float) -> None:
        self.expired.append(now)
        self.timer = None
        self.on_expire(self)

    def close(self, code: int, reason: str, *, application: bool = True) -> None:
        self.closes.append((code, reason))
        self.outgoing.append((b"CONNECTION_CLOSE", self.address))


class FakeEngines:
    """Keeps to `pounce_h3.QuicEngines`."""

    versions = (VERSION_1, 0x6B3343CF)

    def __init__(self) -> None:
        self.made: list[FakeQuic] = []
        self.on_connect: Callable[[], object] = lambda: None
        self.retries: list[dict[str, Any]] = []

    def connect(self, user: Any, **options: Any) -> FakeQuic:
        self.made.append(FakeQuic(user, **options))
        self.on_connect()
        return self.made[-1]

    def retry(self, version: int, **parts: Any) -> bytes:
        self.retries.append({"version": version} | parts)
        return b"RETRY"


class FakeConnection:
    """As HTTP/3 has it: tells its host when it is lost."""

    def __init__(self, host: FakeHost, transport: Any, peer: Peer, refusal: str | None) -> None:
        self.host = host
        self.transport = transport
        self.peer = peer
        self.refusal = refusal
        self.quic: Any = None
        self.losses: list[OSError | None] = []
        self.told: list[tuple[Any, ...]] = []

    def take_turn(self) -> bool:
        return False

    def handshake_done(self) -> None:
        self.told.append(("handshake",))

    def stream_received(self, stream_id: int, data: bytes, ended: bool) -> bool:
        self.told.append(("received", stream_id, data, ended))
        return False

    def stream_reset(self, stream_id: int, code: int) -> bool:
        self.told.append(("reset", stream_id, code))
        return False

    def sending_stopped(self, stream_id: int, code: int) -> bool:
        self.told.append(("stopped", stream_id, code))
        return False

    def backlog_fell(self, stream_id: int) -> None:
        self.told.append(("fell", stream_id))

    def connection_ended(self, end: Any) -> None:
        self.told.append(("ended", end))
        self.transport.lost(None)

    def connection_lost(self, error: OSError | None) -> None:
        self.losses.append(error)
        self.host.connections.remove(self)


class FakeLoop:
    """Its turns are run by the test, its clock is moved by it."""

    def __init__(self) -> None:
        self.now = 100.0
        self.soon: list[tuple[Any, tuple[Any, ...]]] = []

    def time(self) -> float:
        return self.now

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> None:
        self.soon.append((callback, args))

    def turn(self) -> int:
        soon, self.soon = self.soon, []
        for callback, args in soon:
            callback(*args)
        return len(soon)


class LookingLoop(FakeLoop):
    """Knows whether others wait, as a worker's own does."""

    def __init__(self) -> None:
        super().__init__()
        self.quick = False
        self.looks = 0

    def quick_wait(self) -> bool:
        self.looks += 1
        return self.quick


class FakeHost:
    """Keeps to `pounce_asgi.WireHost`, as far as an endpoint asks; and makes the connections, as a wire."""

    def __init__(self) -> None:
        self.loop: Any = FakeLoop()
        self.base_context = contextvars.Context()
        self.connections: list[FakeConnection] = []
        self.came = 0
        self.refusal: str | None = None
        self._numbers = itertools.count(1)

    def connection_came(self, protocol: str, transport: Any, make: Any) -> Any:
        self.came += 1
        peer = Peer(transport.peer, transport.local, transport.scheme, next(self._numbers), transport.tls)
        connection = make(peer, self.refusal)
        self.connections.append(connection)
        return connection

    def connect(self, quic: Any, transport: Any, peer: Peer, *, refusal: str | None = None) -> FakeConnection:
        connection = quic.connection = FakeConnection(self, transport, peer, refusal)
        connection.quic = quic
        return connection


class FakeLink:
    """Keeps to `pounce_asgi.DatagramLink`."""

    def __init__(self) -> None:
        self.sent: list[Datagram] = []
        self.sends = 0
        self.timer: float | None = None
        self.claimed: set[bytes] = set()
        self.passed: list[tuple[bytes, bool]] = []
        self.takes: Callable[[bytes, bool], bool] = lambda connection_id, new: False

    def send(self, datagrams: Sequence[Datagram]) -> None:
        self.sends += 1
        self.sent.extend(datagrams)

    def set_timer(self, when: float | None) -> None:
        self.timer = when

    def claim(self, connection_id: bytes) -> None:
        assert connection_id not in self.claimed
        self.claimed.add(connection_id)

    def release(self, connection_id: bytes) -> None:
        self.claimed.remove(connection_id)

    def pass_on(self, connection_id: bytes, datagrams: Sequence[Datagram], *, new: bool) -> bool:
        self.passed.append((connection_id, new))
        return self.takes(connection_id, new)


class Stage:
    """An endpoint with all its doubles."""

    def __init__(self, *, retry: Any = "auto", most: int = 10_000, loop: Any = None, **options: Any) -> None:
        self.host = FakeHost()
        if loop is not None:
            self.host.loop = loop
        self.loop = self.host.loop
        self.link = FakeLink()
        self.engines = FakeEngines()
        settings = Http3Settings(quic_retry=retry, quic_max_connections=most)
        host: Any = self.host
        engines: Any = self.engines
        self.endpoint = QuicEndpoint(host, host, self.link, settings, engines, KEYS, **options)

    def receive(self, *datagrams: bytes, by: DatagramPath | None = None, forwarded: bool = False) -> None:
        by = by or path()
        self.endpoint.receive([(data, by) for data in datagrams], self.loop.now, forwarded=forwarded)

    def open(self, number: int = 0) -> FakeQuic:
        """A connection whose handshake is done."""
        by = path(("192.0.2.1", 1024 + number))
        self.receive(initial(b"first%05d" % number), by=by)
        quic = self.engines.made[-1]
        quic.complete()
        self.receive(short(quic.id), by=by)
        return quic

    def end(self, quic: FakeQuic) -> None:
        """Its engine finds it over."""
        quic.user.transport.lost(None)
        quic.over = True
        quic.user.transport.want_flush()
        self.loop.turn()
