"""One endpoint with HTTP/3 behind it, a client of it that has to be served whatever others do, and an attacker.

By a clock that jumps: time passes only where an input says so. One for each library and policy is kept for all inputs,
and made anew when one has broken it.
"""

from __future__ import annotations

import asyncio
import atexit
import importlib
import io
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, Any, ClassVar, Final

from tests.fuzz.doubles import double
from tests.fuzz.quic_packets import PacketKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

__all__ = ["LIBRARIES", "Attacker", "World"]

CLIENTS: Any = double("pounce-h3", "quic_clients")
CLOCK: Any = double("pounce-h3", "fixed_clock")
FAR_END: Any = double("pounce-h3", "far_end")
SITE: Any = double("pounce-h3", "far_apps")
LIBRARIES: Final[tuple[str, ...]] = CLIENTS.LIBRARIES
FASTEST: Final = "qh3" if "qh3" in LIBRARIES else "aioquic"
DELAY: Final = 0.005
AT_MOST: Final = 6
"""Connections of the endpoint, the good client's among them."""
Address = tuple[str, int]


class Direction:
    """Of the network, as the doubles want it."""

    def __init__(self, send: Callable[[bytes, Address], None]) -> None:
        self.send = send


class Network:
    """Counts what goes to and comes from each address, for the endpoint may not answer a stranger with more than
    three times what came (RFC 9000, 8.1).
    """

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.up = Direction(self._up)
        self.down = Direction(self._down)
        self.server: Any = None
        self.clients: dict[Address, Any] = {}
        self.came: dict[Address, int] = defaultdict(int)
        self.went: dict[Address, int] = defaultdict(int)
        self.proven: set[Address] = set()
        self.answers: list[bytes] = []
        """What went to addresses of the attacker's."""
        self.tap: Callable[[bytes, Address], bool] = lambda data, address: True

    def arrive(self, data: bytes, address: Address) -> None:
        """A datagram arrives at once. Too large ones are cut off, as a socket does it."""
        self.came[address] += len(data)
        self.server([(data[:2048], address)])

    def _up(self, data: bytes, address: Address) -> None:
        if self.tap(data, address):
            if self.went[address]:
                self.proven.add(address)  # it answers what it can only have from us
            self.loop.call_later(DELAY, self.arrive, data, address)

    def _down(self, data: bytes, address: Address) -> None:
        self.went[address] += len(data)
        assert address in self.proven or self.went[address] <= 3 * self.came[address], "more than three times"
        if address in self.clients:
            self.loop.call_later(DELAY, self._hand_over, data, address)
        if address[0] != GOOD[0]:
            self.answers.append(data)

    def _hand_over(self, data: bytes, address: Address) -> None:
        if receive := self.clients.get(address):
            receive([data])


GOOD: Final[Address] = ("198.51.100.1", 4433)


class World:
    """Owned by its own loop."""

    _kept: ClassVar[dict[tuple[str, bool], World]] = {}

    def __init__(self, library: str, *, retry: bool) -> None:
        self.library, self.retry = library, retry
        self.loop = CLOCK.FixedClockLoop()
        self.unforeseen: list[BaseException] = []
        self.loop.set_exception_handler(self._note)
        self.number = 0
        self.loop.run_until_complete(self._begin())

    @classmethod
    def of(cls, library: str, *, retry: bool) -> World:
        """The one that is kept."""
        world = cls._kept.get((library, retry))
        if world is None:
            if not cls._kept:
                atexit.register(cls.forget)
            world = cls._kept[library, retry] = cls(library, retry=retry)
        return world

    @classmethod
    def forget(cls) -> None:
        """Make new ones: they were spoilt."""
        while cls._kept:
            cls._kept.popitem()[1].loop.close()

    def run(self, scenario: Coroutine[Any, Any, None]) -> None:
        """Run it; after whatever goes wrong the next input has a new world."""
        try:
            self.loop.run_until_complete(scenario)
            for error in self.unforeseen:
                raise error
        except BaseException:
            self._kept.pop((self.library, self.retry), None)
            self.loop.close()
            raise

    def _note(self, _loop: object, context: dict[str, Any]) -> None:
        self.unforeseen.append(context.get("exception") or AssertionError(context["message"]))

    async def _begin(self) -> None:
        self.network = Network()
        self.far: Any = FAR_END.FarEnd(
            self.network,
            SITE.Site(),
            library=self.library,
            quic_retry="always" if self.retry else "never",
            quic_max_connections=AT_MOST,
            quic_idle_timeout=1e6,
        )
        self.endpoint = self.far.endpoint
        failed, connect = self.endpoint._failed, self.endpoint._engines.connect

        def note_failure(transport: Any) -> None:
            self.unforeseen.append(sys.exception() or AssertionError("a connection failed in an unforeseen way"))
            failed(transport)

        def note_connect(*args: Any, **options: Any) -> Any:
            try:
                return connect(*args, **options)
            except Exception as error:
                self.unforeseen.append(error)
                raise

        self.endpoint._failed = note_failure
        self.endpoint._engines.connect = note_connect
        self.good: Any = CLIENTS.Http3Client(self.network, FASTEST, address=GOOD, idle_timeout=1e6)
        await self.good.connected()
        await self.judge()

    async def judge(self) -> None:
        """The good client is served; of all others nothing is left some time after their last word."""
        answer = await asyncio.wait_for(self.good.ask("/still"), 20)
        assert (answer.status, answer.body) == (200, b"hello /still"), answer
        self.good.answers.clear()
        endpoint = self.endpoint
        assert endpoint.connections <= AT_MOST
        for _ in range(40):
            if endpoint.connections == 1:
                break
            await asyncio.sleep(1)
        assert endpoint.connections == 1, "a connection is left"
        assert len(self.far.host.connections) == 1, "a host's connection is left"
        assert endpoint.open_handshakes == 0
        (transport,) = endpoint._transports
        assert set(endpoint._directory.by_id) == self.far.claimed == set(transport.ids), "connection IDs are left"
        assert len(transport.ids) <= 16
        network = self.network
        for counts in (network.came, network.went):
            for address in [address for address in counts if address != GOOD]:
                del counts[address]
        network.clients = {GOOD: network.clients[GOOD]}
        network.proven = {GOOD}
        network.answers.clear()


class Attacker:
    """A client at some stage of its handshake, whose keys are known; from there on it is silent, and the script speaks.

    Stages: 0 is none, 1 has the keys for Handshake packets, 2 a connection that is open.
    """

    def __init__(self, world: World, stage: int) -> None:
        self.world = world
        world.number = (world.number + 1) % 5000
        self.addresses: list[Address] = [(f"203.0.113.{host}", 1024 + world.number) for host in (1, 2, 3, 4)]
        self.stage = stage
        self.destination_id = b"destined"
        self.original_id = b"original"
        self.source_id = b""
        self.secrets: dict[str, PacketKeys] = {}

    async def begin(self) -> None:
        """Make the handshake, as far as it goes."""
        if not self.stage:
            return
        log = io.StringIO()
        client: Any = CLIENTS.RawClient(
            self.world.network,
            FASTEST,
            address=self.addresses[0],
            secrets_log_file=log,
            cipher_suites=[_cipher_suite()],
            idle_timeout=3.0,
        )
        if self.stage == 1:
            self.world.network.tap = lambda data, address: (
                address != self.addresses[0] or "CLIENT_HANDSHAKE" not in log.getvalue()
            )
        try:
            if self.stage == 1:
                await asyncio.sleep(8 * DELAY)
            else:
                await client.connected()
                await asyncio.sleep(4 * DELAY)
        finally:
            self.world.network.tap = lambda data, address: True
        client.vanish()
        del self.world.network.clients[self.addresses[0]]
        for line in log.getvalue().splitlines():
            label, _, secret = line.split()
            if label in ("CLIENT_HANDSHAKE_TRAFFIC_SECRET", "CLIENT_TRAFFIC_SECRET_0"):
                self.secrets[label] = PacketKeys(bytes.fromhex(secret))
        self._read_ids()

    def _read_ids(self) -> None:
        """From the headers of what the server sent, which stand in clear."""
        for data in self.world.network.answers:
            if data[0] & 0x80 and data[0] & 0x30 != 0x30:
                end = 6 + data[5]
                self.source_id = data[6:end]
                self.destination_id = data[end + 1 : end + 1 + data[end]]

    @property
    def token(self) -> bytes:
        """Of the last Retry."""
        for data in reversed(self.world.network.answers):
            if data[0] & 0xF0 == 0xF0 and data[1:5] == b"\0\0\0\x01":
                end = 6 + data[5]
                self.destination_id = data[end + 1 : end + 1 + data[end]]
                return data[end + 1 + data[end] : -16]
        return b""


def _cipher_suite() -> Any:
    return importlib.import_module(f"{FASTEST}.tls").CipherSuite.AES_128_GCM_SHA256
