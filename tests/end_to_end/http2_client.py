"""A client of HTTP/2 on a `RawClient`'s socket: the ``h2`` library, one request at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import h2.config
import h2.connection
import h2.events

if TYPE_CHECKING:
    from pounce_testing import RawClient, TestServer

__all__ = ["GOAWAY", "PING", "Http2Client"]

FRAME = 16_384
"""Content of the largest frame that any server takes (RFC 9113, 4.2)."""
PING, GOAWAY = 6, 7


class Http2Client:
    """One connection, by prior knowledge without TLS and by ALPN with it."""

    def __init__(self, client: RawClient, *, piece: int = 1 << 20) -> None:
        """What is sent is cut into pieces of so many bytes."""
        self.client = client
        self._piece = piece
        self._connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        self._connection.initiate_connection()
        self._flush()

    @classmethod
    def to(cls, server: TestServer, *, piece: int = 1 << 20) -> Self:
        """Connect to a server."""
        return cls(server.connect(alpn=("h2",)), piece=piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.client.close()

    def request(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Status and body of the answer.

        Raises:
            ConnectionError: the connection or the stream ended before it.
        """
        stream = self.begin(method, path, body=bool(body))
        if body:
            self.send_body(stream, body)
        return self.answer(stream)

    def begin(self, method: str, path: str, *, body: bool = False) -> int:
        """Send the head of a request, which a body follows or not: the number of its stream."""
        stream = self._connection.get_next_available_stream_id()
        fields = [(":method", method), (":path", path), (":authority", "x"), (":scheme", "http")]
        self._connection.send_headers(stream, fields, end_stream=not body)
        self._flush()
        return stream

    def send_body(self, stream: int, body: bytes) -> None:
        """The whole body of a request."""
        for start in range(0, len(body), FRAME):
            self._connection.send_data(stream, body[start : start + FRAME], end_stream=start + FRAME >= len(body))
        self._flush()

    def frames_to_the_end(self) -> list[tuple[int, bytes]]:
        """Type and content of the frames that come until the server closes; ``h2`` hears nothing after a GOAWAY."""
        received, frames = b"", []
        while data := self.client.read_some():
            received += data
            while len(received) >= 9 and len(received) >= 9 + int.from_bytes(received[:3], "big"):
                end = 9 + int.from_bytes(received[:3], "big")
                kind, flags, content = received[3], received[4], received[9:end]
                frames.append((kind, content))
                received = received[end:]
                if kind == PING and not flags & 1:
                    self.client.send_as_far_as_taken([bytes.fromhex("000008060100000000") + content])
        return frames

    def answer(self, stream: int) -> tuple[int, bytes]:
        """Wait for the answer on a stream; see `request`."""
        status, body = 0, b""
        while events := self._read():
            for event in events:
                if getattr(event, "stream_id", None) != stream:
                    continue
                if isinstance(event, h2.events.ResponseReceived):
                    status = int(dict(event.headers)[b":status"])
                elif isinstance(event, h2.events.DataReceived):
                    body += event.data
                elif isinstance(event, h2.events.StreamEnded):
                    return status, body
                elif isinstance(event, h2.events.StreamReset):
                    raise ConnectionError(f"the stream was reset: {event.error_code}")
        raise ConnectionError("the connection ended before the answer")

    def _read(self) -> list[h2.events.Event]:
        """What came; nothing at the end of the connection."""
        while data := self.client.read_some():
            events = self._connection.receive_data(data)
            for event in events:
                if isinstance(event, h2.events.DataReceived):
                    self._connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            self._flush()
            if events:
                return events
        return []

    def _flush(self) -> None:
        data = self._connection.data_to_send()
        self.client.send_as_far_as_taken(
            data[start : start + self._piece] for start in range(0, len(data), self._piece)
        )
