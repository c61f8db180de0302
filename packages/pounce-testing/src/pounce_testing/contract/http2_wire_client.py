"""The client's side of HTTP/2 for `WireContract`. It needs h2 (the extra ``h2``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from h2.config import H2Configuration
from h2.connection import ConnectionState, H2Connection
from h2.events import ConnectionTerminated, DataReceived, ResponseReceived, StreamEnded, StreamReset

from pounce_testing.contract.wire_client import WireAnswer

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Http2WireClient"]

FRAME_HEAD: Final = 9
"""Bytes before a frame's payload (RFC 9113, 4.1)."""


class Http2WireClient:
    """By prior knowledge (RFC 9113, 3.3). Its windows are wide: what the transport holds is what counts."""

    def __init__(self) -> None:
        self.broken = False
        self._h2 = H2Connection(H2Configuration(client_side=True, header_encoding=None))
        self._streams: dict[int, WireAnswer] = {}
        self._buffer = bytearray()

    @property
    def answers(self) -> list[WireAnswer]:
        """In the order of their requests."""
        return [self._streams[number] for number in sorted(self._streams)]

    def opening(self) -> bytes:
        """Preface and settings."""
        self._h2.initiate_connection()
        return self._h2.data_to_send()

    def request(self, method: str, path: str, headers: Sequence[tuple[str, str]] = (), body: bytes = b"") -> bytes:
        """A whole request, of which the body fits the window."""
        number = self._h2.get_next_available_stream_id()
        own = [(":method", method), (":scheme", "http"), (":authority", "x"), (":path", path)]
        self._h2.send_headers(number, [*own, *headers], end_stream=not body)
        if body:
            self._h2.send_data(number, body, end_stream=True)
        return self._h2.data_to_send()

    def rubbish(self) -> bytes:
        """A PING of three bytes (RFC 9113, 6.7)."""
        return b"\x00\x00\x03\x06\x00\x00\x00\x00\x00abc"

    def receive(self, data: bytes) -> bytes:
        """Bytes that came. Windows are opened again at once."""
        self._buffer += data
        while len(self._buffer) >= FRAME_HEAD:
            size = FRAME_HEAD + int.from_bytes(self._buffer[:3], "big")
            if len(self._buffer) < size:
                break
            frame = bytes(self._buffer[:size])
            del self._buffer[:size]
            for event in self._h2.receive_data(frame):
                self._hear(event)
        return self._h2.data_to_send()

    def _hear(self, event: Any) -> None:
        if isinstance(event, ResponseReceived):
            status = next(bytes(value) for name, value in event.headers if bytes(name) == b":status")
            self._streams[event.stream_id] = WireAnswer(int(status))
        elif isinstance(event, DataReceived):
            self._streams[event.stream_id].body += event.data
            self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, StreamEnded):
            self._streams[event.stream_id].complete = True
        elif isinstance(event, StreamReset):
            self.broken = True
        elif isinstance(event, ConnectionTerminated):
            # A GOAWAY ends new requests, not those under way (RFC 9113, 6.8); h2 takes it for the end of everything.
            self._h2.state_machine.state = ConnectionState.CLIENT_OPEN
