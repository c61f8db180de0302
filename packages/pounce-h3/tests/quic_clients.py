"""Clients on the other end of a `link.Network`: a library's QUIC, with its HTTP/3 or with streams of our own making."""

from __future__ import annotations

import asyncio
import functools
import importlib
import importlib.util
import itertools
import logging
import ssl
from typing import TYPE_CHECKING, Any, Final

from fixed_clock import no_earlier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from link import Network

    from pounce_h3 import Address

__all__ = ["LIBRARIES", "SERVER", "Answer", "Http3Client", "RawClient", "varint"]

LIBRARIES: Final = tuple(name for name in ("aioquic", "qh3") if importlib.util.find_spec(name))
"""Those that are installed. The session uses a name of them as ``library``."""
SERVER: Final = ("192.0.2.1", 443)

_ports = itertools.count(40_000)


def varint(value: int) -> bytes:
    """RFC 9000, 16."""
    for bits, prefix in ((6, 0), (14, 1), (30, 2), (62, 3)):
        if value < 1 << bits:
            return (prefix << (bits + 2) - 2 | value).to_bytes((bits + 2) // 8, "big")
    raise ValueError(value)


@functools.cache
def module(library: str, path: str) -> Any:
    """A module of a library."""
    logging.getLogger("quic").setLevel(logging.ERROR)  # qh3 warns of every proper end
    return importlib.import_module(f"{library}.{path}")


class Answer:
    """What came on one stream."""

    def __init__(self) -> None:
        self.informational: list[dict[bytes, bytes]] = []
        self.fields: list[tuple[bytes, bytes]] = []
        self.pieces: list[bytes] = []
        self.trailers: list[tuple[bytes, bytes]] | None = None
        self.ended = False
        self.reset: int | None = None
        """The code of the RESET_STREAM that ended it."""
        self.stopped: int | None = None
        """The code of a STOP_SENDING: the server wants nothing more of the request."""
        self.over = asyncio.Event()
        """It ended in whichever way, or its connection did."""

    @property
    def status(self) -> int:
        return int(dict(self.fields).get(b":status", b"0"))

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    async def grown(self, size: int) -> None:
        """Wait until so many more bytes of the body are here."""
        end = len(self.body) + size
        while len(self.body) < end and not self.over.is_set():  # noqa: ASYNC110 - the clock is not real
            await asyncio.sleep(0.001)

    def __repr__(self) -> str:
        return f"<{self.status} {self.body[:60]!r} ended={self.ended} reset={self.reset} stopped={self.stopped}>"


class RawClient:
    """A library's QUIC, and bytes of streams: what is on them is up to the test.

    ``received`` has, by stream, all bytes that came, and ``resets`` and ``stops`` the codes of those frames.
    """

    def __init__(
        self,
        network: Network,
        library: str = LIBRARIES[0],
        *,
        address: Address | None = None,
        ticket: Any = None,
        **configuration: Any,
    ) -> None:
        self.loop = asyncio.get_running_loop()
        self.network = network
        self.library = library
        self.address = address or ("198.51.100.7", next(_ports))
        if library == "qh3":
            configuration.setdefault("verify_hostname", False)
        defaults = {"alpn_protocols": ["h3"], "server_name": "localhost", "verify_mode": ssl.CERT_NONE}
        self.configuration: Any = module(library, "quic.configuration").QuicConfiguration(
            is_client=True, session_ticket=ticket, **(defaults | configuration)
        )
        self.tickets: list[Any] = []
        self.quic: Any = module(library, "quic.connection").QuicConnection(
            configuration=self.configuration, session_ticket_handler=self.tickets.append
        )
        self.ready = asyncio.Event()
        """The handshake is complete."""
        self.ended = asyncio.Event()
        self.end: tuple[int, str] | None = None
        """The code and the reason of the end of the connection."""
        self.received: dict[int, bytearray] = {}
        self.finished: set[int] = set()
        self.resets: dict[int, int] = {}
        self.stops: dict[int, int] = {}
        self.silent = False
        """It has vanished: sends nothing and hears nothing."""
        self.resumed = self.early = False
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: float | None = None
        network.clients[self.address] = self.receive
        self.quic.connect(SERVER, self.loop.time())
        self.flush()

    # -- driven by the network ---------------------------------------------------------------------------------------

    def receive(self, datagrams: Sequence[bytes]) -> None:
        if self.silent:
            return
        now = self.loop.time()
        if self.library == "qh3":
            self.quic.receive_many_datagrams(list(datagrams), SERVER, now)
        else:
            for data in datagrams:
                self.quic.receive_datagram(data, SERVER, now)
        self._turn()

    def _expire(self) -> None:
        self._timer = None
        self._timer_at = None
        if not self.silent:
            self.quic.handle_timer(self.loop.time())
            self._turn()

    def _turn(self) -> None:
        while (event := self.quic.next_event()) is not None:
            self._happened(type(event).__name__, event)
        self.flush()

    def flush(self) -> None:
        """Send what is to be sent, and see to the timer."""
        if self.silent:
            return
        for data, _ in self.quic.datagrams_to_send(self.loop.time()):
            self.network.up.send(data, self.address)
        when = self.quic.get_timer()
        if when != self._timer_at:
            if self._timer is not None:
                self._timer.cancel()
            self._timer_at = when
            self._timer = None if when is None else self.loop.call_at(no_earlier(when, self.loop), self._expire)

    def _happened(self, name: str, event: Any) -> None:
        match name:
            case "HandshakeCompleted":
                self.resumed, self.early = event.session_resumed, event.early_data_accepted
                self.ready.set()
            case "ConnectionTerminated":
                self.end = (event.error_code, event.reason_phrase)
                self.ended.set()
                self.ready.set()
            case "StreamDataReceived":
                self.received.setdefault(event.stream_id, bytearray()).extend(event.data)
                if event.end_stream:
                    self.finished.add(event.stream_id)
            case "StreamReset":
                self.resets[event.stream_id] = event.error_code
            case "StopSendingReceived":
                self.stops[event.stream_id] = event.error_code

    # -- asked by the test -------------------------------------------------------------------------------------------

    async def connected(self) -> None:
        """Wait for the handshake, which has to succeed."""
        await self.ready.wait()
        assert self.end is None, self.end

    def send(self, stream_id: int, data: bytes, *, end: bool = False) -> None:
        """Put bytes on a stream."""
        self.quic.send_stream_data(stream_id, data, end)
        self.flush()

    def move(self, address: Address | None = None, *, new_id: bool = True) -> None:
        """Go on from another address: with another connection ID a migration, without one a NAT's doing."""
        address = address or ("203.0.113.9", next(_ports))
        if new_id:
            self.quic.change_connection_id()
        self.network.move(self.address, address)
        self.address = address
        self.quic.send_ping(7)
        self.flush()

    def vanish(self) -> None:
        """Be gone without a word."""
        self.silent = True
        if self._timer is not None:
            self._timer.cancel()

    async def closed(self) -> None:
        """Say goodbye, and wait until that is through."""
        self.quic.close(error_code=0x100, reason_phrase="")
        self.flush()
        await self.ended.wait()


class Http3Client(RawClient):
    """With the library's own HTTP/3."""

    def __init__(self, network: Network, library: str = LIBRARIES[0], **settings: Any) -> None:
        self.answers: dict[int, Answer] = {}
        self.goaways: list[int] = []
        super().__init__(network, library, **settings)
        self.h3: Any = module(library, "h3.connection").H3Connection(self.quic)
        self.flush()

    def _happened(self, name: str, event: Any) -> None:
        super()._happened(name, event)
        stream_id = getattr(event, "stream_id", None)
        if name == "StreamReset":
            self.answer(event.stream_id).reset = event.error_code
            self.answer(event.stream_id).over.set()
        elif name == "StopSendingReceived":
            self.answer(event.stream_id).stopped = event.error_code
        elif name == "ConnectionTerminated":
            for answer in self.answers.values():
                answer.over.set()
        if name == "StreamDataReceived" and stream_id is not None:
            self.received.pop(stream_id, None)  # the answer has it
        for told in self.h3.handle_event(event):
            self._told(type(told).__name__, told)

    def _told(self, name: str, event: Any) -> None:
        if name == "GoawayReceived":
            self.goaways.append(event.stream_id)
        if name not in ("HeadersReceived", "InformationalHeadersReceived", "DataReceived"):
            return
        answer = self.answer(event.stream_id)
        if name == "DataReceived":
            answer.pieces.append(event.data)
        elif event.headers and event.headers[0][0] == b":status" and event.headers[0][1].startswith(b"1"):
            answer.informational.append(dict(event.headers))
        elif answer.fields:
            answer.trailers = list(event.headers)
        else:
            answer.fields = list(event.headers)
        if getattr(event, "stream_ended", False):
            answer.ended = True
            answer.over.set()

    def answer(self, stream_id: int) -> Answer:
        """What came on a stream so far."""
        return self.answers.setdefault(stream_id, Answer())

    def begin(self, path: str = "/", *, body: bytes | None = None, method: str = "", **fields: str) -> int:
        """Send a request, with all of its body."""
        head = [
            (b":method", (method or ("GET" if body is None else "POST")).encode()),
            (b":scheme", b"https"),
            (b":authority", b"localhost"),
            (b":path", path.encode()),
            *[(name.replace("_", "-").encode(), value.encode()) for name, value in fields.items()],
        ]
        stream_id: int = self.quic.get_next_available_stream_id()
        self.answer(stream_id)
        self.h3.send_headers(stream_id, head, end_stream=body is None)
        if body is not None:
            self.h3.send_data(stream_id, body, end_stream=True)
        self.flush()
        return stream_id

    async def ask(self, path: str = "/", *, body: bytes | None = None, method: str = "", **fields: str) -> Answer:
        """Send a request and wait for the end of its answer."""
        answer = self.answer(self.begin(path, body=body, method=method, **fields))
        await answer.over.wait()
        return answer
