"""HTTP/3 by the asyncio clients of aioquic and qh3, which have the same names for the same things."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import importlib.util
import logging
import ssl
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

__all__ = ["LIBRARIES", "Answer", "connected"]

LIBRARIES: Final = tuple(name for name in ("aioquic", "qh3") if importlib.util.find_spec(name))
"""Those that are installed."""
ANSWER_SECONDS: Final = 50


class Answer:
    """What came on one stream."""

    def __init__(self) -> None:
        self.fields: dict[bytes, bytes] = {}
        self.body = b""
        self.complete = False
        self.code: int | None = None
        """The error code with which the server reset the stream."""
        self.over = asyncio.Event()
        self.grew = asyncio.Event()

    @property
    def status(self) -> int:
        return int(self.fields.get(b":status", b"0"))


def protocol_class(library: str) -> Any:
    base: Any = importlib.import_module(f"{library}.asyncio.protocol").QuicConnectionProtocol
    h3: Any = importlib.import_module(f"{library}.h3.connection")

    class Http3(base):  # type: ignore[misc]
        """One connection with the library's HTTP/3."""

        _transport: Any

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.h3 = h3.H3Connection(self._quic)
            self.answers: dict[int, Answer] = {}
            self.lost = False
            self.reason = ""
            """Why, if so."""

        def quic_event_received(self, event: Any) -> None:
            if type(event).__name__ in ("StreamReset", "ConnectionTerminated"):
                self.lost = self.lost or type(event).__name__ == "ConnectionTerminated"
                self.reason = self.reason or ("" if hasattr(event, "stream_id") else repr(event))
                for number, given_up in self.answers.items():
                    if number == getattr(event, "stream_id", number):
                        given_up.code = event.error_code if hasattr(event, "stream_id") else None
                        given_up.over.set()
                        given_up.grew.set()
            for told in self.h3.handle_event(event):
                answer = self.answers.get(getattr(told, "stream_id", -1))
                if answer is None:
                    continue
                if type(told).__name__ == "HeadersReceived" and not answer.fields:
                    answer.fields = dict(told.headers)
                elif type(told).__name__ == "DataReceived":
                    answer.body += told.data
                answer.grew.set()
                if getattr(told, "stream_ended", False):
                    answer.complete = True
                    answer.over.set()

        def begin(
            self,
            path: str,
            *,
            body: bytes | None = None,
            authority: str = "localhost",
            method: str = "",
            fields: Iterable[tuple[str, str]] = (),
        ) -> Answer:
            stream_id = self._quic.get_next_available_stream_id()
            answer = self.answers[stream_id] = Answer()
            head = [
                (b":method", method.encode() or (b"GET" if body is None else b"POST")),
                (b":scheme", b"https"),
                (b":authority", authority.encode()),
                (b":path", path.encode()),
                *((name.encode(), value.encode()) for name, value in fields),
            ]
            self.h3.send_headers(stream_id, head, end_stream=body is None)
            if body is not None:
                self.h3.send_data(stream_id, body, end_stream=True)
            self.transmit()
            return answer

        def give_up(self, answer: Answer, code: int) -> None:
            """Want no more of it (RFC 9114, 4.1.1)."""
            for number, known in self.answers.items():
                if known is answer and not answer.over.is_set():
                    self._quic.stop_stream(number, code)
                    self.transmit()

        async def ask(self, path: str, *, body: bytes | None = None) -> Answer:
            answer = self.begin(path, body=body)
            await asyncio.wait_for(answer.over.wait(), ANSWER_SECONDS)
            return answer

        async def move(self, *, new_id: bool = True) -> None:
            """Go on from another port."""
            loop, old = asyncio.get_running_loop(), self._transport
            transport, _ = await loop.create_datagram_endpoint(
                lambda: _Ears(self), local_addr=(old.get_extra_info("sockname")[0], 0)
            )
            self._transport = transport
            old.abort() if hasattr(old, "abort") else old.close()
            if new_id:
                self._quic.change_connection_id()
            self.transmit()

        def connection_lost(self, exc: Exception | None) -> None:
            """Of the socket before a move: nothing is lost with it."""

    return Http3


class _Ears(asyncio.DatagramProtocol):
    """The socket after a move."""

    def __init__(self, protocol: Any) -> None:
        self.protocol = protocol

    def datagram_received(self, data: bytes, address: Any) -> None:
        self.protocol.datagram_received(data, address)


@contextlib.asynccontextmanager
async def connected(library: str, port: int, authority: str) -> AsyncIterator[Any]:
    """A connection to 127.0.0.1 that trusts this file of certificates; it is closed at the end."""
    logging.getLogger("quic").setLevel(logging.ERROR)  # qh3 warns of every proper end
    client: Any = importlib.import_module(f"{library}.asyncio.client")
    configuration: Any = importlib.import_module(f"{library}.quic.configuration").QuicConfiguration(
        is_client=True, alpn_protocols=["h3"], server_name="localhost"
    )
    if library == "qh3":  # it takes no certificate that is not an authority's for one
        configuration.verify_mode = ssl.CERT_NONE
    else:
        configuration.load_verify_locations(authority)
    protocol: Any = None
    try:
        async with client.connect(
            "127.0.0.1", port, configuration=configuration, create_protocol=protocol_class(library)
        ) as protocol:
            yield protocol
    finally:
        if protocol is not None:
            # The one after a move is not the library's to close, which closes the others when they have sent all.
            (protocol._transport.abort if hasattr(protocol._transport, "abort") else protocol._transport.close)()
            await asyncio.sleep(0)
