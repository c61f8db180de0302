"""An engine of ours and a client of a library on a link in memory, with a clock that only the test moves.

The client is the plain ``QuicConnection`` of aioquic or qh3; what is tested is our side.
"""

from __future__ import annotations

import functools
import heapq
import importlib
import itertools
import os
import random
import ssl
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quic_identities import write_identity

from pounce_asgi import Http3Settings
from pounce_h3.certificates import QuicCertificates
from pounce_h3.engine import QuicEngine, installed_libraries, load_library

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_h3.quic import Address, ConnectionEnd
    from pounce_h3.sessions import QuicSessions

__all__ = ["LIBRARIES", "Link", "User", "certificates", "token_of"]

LIBRARIES = installed_libraries()
CLIENT: Address = ("192.0.2.1", 40_000)
SERVER: Address = ("198.51.100.1", 443)


@functools.cache
def certificates(library: str) -> QuicCertificates:
    with tempfile.TemporaryDirectory() as folder:
        return QuicCertificates([write_identity(Path(folder))], library=load_library(library))


def token_of(connection_id: bytes) -> bytes:
    """Not secret, unlike a real one."""
    return (b"reset " + connection_id).ljust(16, b".")[:16]


class User:
    """Notes what it is told, echoes what it is asked to, and consumes at once unless it is told to wait."""

    def __init__(self) -> None:
        self.quic: QuicEngine
        self.done = 0
        self.received: dict[int, bytearray] = {}
        self.ended: set[int] = set()
        self.resets: list[tuple[int, int]] = []
        self.stops: list[tuple[int, int]] = []
        self.fell: list[int] = []
        self.end: ConnectionEnd | None = None
        self.early: list[int] = []
        self.consumes = True
        self.on_data: Callable[[int, bytes, bool], None] | None = None
        self.on_fell: Callable[[int], None] | None = None
        self.makes_way = False
        """After each thing that it is told."""
        self.turns = 0

    def take_turn(self) -> bool:
        self.turns += 1
        return False

    def handshake_done(self) -> None:
        assert self.quic.handshake_complete
        self.done += 1

    def stream_received(self, stream_id: int, data: bytes, ended: bool) -> bool:
        assert stream_id not in self.ended
        self.received.setdefault(stream_id, bytearray()).extend(data)
        if ended:
            self.ended.add(stream_id)
        if not self.quic.handshake_complete:
            self.early.append(stream_id)
        if self.consumes and data:
            self.quic.credit(stream_id, len(data))
        if self.on_data is not None:
            self.on_data(stream_id, data, ended)
        return self.makes_way

    def stream_reset(self, stream_id: int, code: int) -> bool:
        self.resets.append((stream_id, code))
        return self.makes_way

    def sending_stopped(self, stream_id: int, code: int) -> bool:
        self.stops.append((stream_id, code))
        return self.makes_way

    def backlog_fell(self, stream_id: int) -> None:
        self.fell.append(stream_id)
        if self.on_fell is not None:
            self.on_fell(stream_id)

    def connection_ended(self, end: ConnectionEnd) -> None:
        assert self.end is None
        self.end = end


class Link:
    """Both ends, and what is on its way between them: each datagram takes ``delay`` seconds, and is lost, doubled or
    held up by chance where asked for.
    """

    def __init__(
        self,
        library: str,
        *,
        client_library: str | None = None,
        settings: Http3Settings | None = None,
        sessions: QuicSessions | None = None,
        certificates_: QuicCertificates | None = None,
        delay: float = 0.01,
        loss: float = 0.0,
        double: float = 0.0,
        reorder: float = 0.0,
        seed: int = 1,
        client: dict[str, Any] | None = None,
        connect: bool = True,
        tickets: list[Any] | None = None,
    ) -> None:
        self.library = library
        self.now = 1000.0
        self.delay, self.loss, self.double, self.reorder = delay, loss, double, reorder
        self._random = random.Random(seed)
        self._flying: list[tuple[float, int, bool, bytes, Address]] = []
        self._order = itertools.count()
        self.up = self.down = 0
        """Bytes that the client and the server have sent."""
        self.datagrams_up = self.datagrams_down = 0
        self.cut = False
        """The client is gone: nothing reaches it, nothing comes from it."""
        self.client_address = CLIENT
        self.events: list[Any] = []
        self.user = User()
        self.settings = settings or Http3Settings()
        self.client = self._client(client_library or library, client or {}, tickets)
        self.ids = itertools.count(1)
        self.server = self._server(sessions, certificates_)
        self.user.quic = self.server
        if connect:
            self.client.connect(SERVER, self.now)
            self.turn()

    def _client(self, library: str, options: dict[str, Any], tickets: list[Any] | None) -> Any:
        configuration_module = importlib.import_module(f"{library}.quic.configuration")
        self.client_module = importlib.import_module(f"{library}.quic.connection")
        self.client_events = importlib.import_module(f"{library}.quic.events")
        options = {"alpn_protocols": ["h3"], "server_name": "localhost", "verify_mode": ssl.CERT_NONE} | options
        configuration = configuration_module.QuicConfiguration(is_client=True, **options)
        return self.client_module.QuicConnection(
            configuration=configuration, session_ticket_handler=None if tickets is None else tickets.append
        )

    def _server(self, sessions: QuicSessions | None, certificates_: QuicCertificates | None) -> QuicEngine:
        return QuicEngine(
            self.user,
            self.settings,
            certificates_ or certificates(self.library),
            original_destination_id=self.client.original_destination_connection_id,
            new_connection_id=self.new_id,
            reset_token=token_of,
            sessions=sessions,
            now=self.now,
            library=load_library(self.library),
        )

    def new_id(self) -> bytes:
        return b"id" + next(self.ids).to_bytes(2, "big") + os.urandom(4)

    # -- moving datagrams ---------------------------------------------------------------------------------------------

    def turn(self) -> None:
        """Take from both ends what they want to send now."""
        for data, address in self.client.datagrams_to_send(self.now):
            self.up += len(data)
            self.datagrams_up += 1
            assert address == SERVER
            self._fly(True, data, self.client_address)
        for data, address in self.server.datagrams_to_send(self.now):
            self.down += len(data)
            self.datagrams_down += 1
            self._fly(False, data, address)

    def _fly(self, up: bool, data: bytes, address: Address) -> None:
        if self.cut or self._random.random() < self.loss:
            return
        for _ in range(2 if self._random.random() < self.double else 1):
            delay = self.delay * (1 + (self._random.random() * 2 if self._random.random() < self.reorder else 0))
            heapq.heappush(self._flying, (self.now + delay, next(self._order), up, data, address))

    def next_time(self) -> float | None:
        times = [time for time in (self.client.get_timer(), self.server.timer) if time is not None]
        if self._flying:
            times.append(self._flying[0][0])
        return min(times, default=None)

    def step(self) -> bool:
        """Go to when something happens next. Returns whether anything ever will."""
        time = self.next_time()
        if time is None:
            return False
        # Clocks go on; aioquic's loss timer, which subtracts what it had added, may otherwise never come to its time.
        self.now = max(self.now + 1e-6, time)
        while self._flying and self._flying[0][0] <= self.now:
            _, _, up, data, address = heapq.heappop(self._flying)
            if self.cut:
                continue
            if up:
                self.server.receive([data], address, self.now)
            elif address == self.client_address:
                self.client.receive_datagram(data, SERVER, self.now)
        timer = self.client.get_timer()
        if timer is not None and timer <= self.now:
            self.client.handle_timer(self.now)
        timer = self.server.timer
        if timer is not None and timer <= self.now:
            self.server.expire(self.now)
        while (event := self.client.next_event()) is not None:
            self.events.append(event)
        self.turn()
        return True

    def run(self, until: Callable[[], bool] | None = None, *, seconds: float = 60.0) -> None:
        """Go on until that is so, or for so long; without ``until`` simply for so long."""
        end = self.now + seconds
        while not (until is not None and until()):
            time = self.next_time()
            if time is None or time > end:
                assert until is None, "it did not happen"
                self.now = end
                return
            self.step()

    def handshake(self) -> None:
        self.run(lambda: self.user.done == 1 and self.client._handshake_complete)
        self.run(seconds=0.2)

    def intercept(self) -> list[bytes]:
        """Take what is on its way to the server; one library's first flight is of two datagrams."""
        taken = [data for _, _, up, data, _ in sorted(self._flying) if up]
        self._flying = [each for each in self._flying if not each[2]]
        return taken

    # -- what the client got ------------------------------------------------------------------------------------------

    def got(self, stream_id: int) -> bytes:
        return b"".join(
            event.data
            for event in self.events
            if getattr(event, "stream_id", None) == stream_id and hasattr(event, "data")
        )

    def of(self, name: str) -> list[Any]:
        """The client's events of this class."""
        return [event for event in self.events if type(event).__name__ == name]
