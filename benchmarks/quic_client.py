"""As much of an HTTP/3 client as a measurement needs (RFC 9114), over the QUIC of qh3, or of aioquic where that is all.

What a request costs here is to be little: heads are made once, by QPACK's static table alone (RFC 9204, Appendix A),
and so are the answers, because no dynamic table is offered.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import select
import socket
import ssl
import time
from typing import TYPE_CHECKING, Any, Final

from benchmarks.servers import HOST, ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["QuicClient", "answer_of", "can_speak_quic", "get_over_http3", "request_bytes"]

LIBRARIES: Final = ("qh3", "aioquic")
"""The first that is installed is taken: the core of qh3 is compiled, which leaves more of the core to the server."""

DATA: Final = 0x00
HEADERS: Final = 0x01
CONTROL_STREAM: Final = b"\x00\x04\x00"
"""Its type, and SETTINGS that say nothing (RFC 9114, 6.2.1 and 7.2.4)."""
STATUS_200: Final = b"\x00\x00\xd9"
"""A field section without dynamic table, and its first line: entry 25 of the static table."""
RECEIVE_BYTES: Final = 65536
RECEIVE_MOST: Final = 64
"""Datagrams that are read before anything is answered: the other connections want their turn."""
ANSWER_SECONDS: Final = 10.0


def can_speak_quic() -> bool:
    """Whether one of the libraries is installed here."""
    return any(importlib.util.find_spec(name) for name in LIBRARIES)


def _library() -> str:
    for name in LIBRARIES:
        if importlib.util.find_spec(name):
            return name
    raise ServerError(f"none of {', '.join(LIBRARIES)} is installed")


def _varint(value: int) -> bytes:
    """RFC 9000, 16, as far as a head can be long."""
    return bytes((value,)) if value < 64 else (0x4000 | value).to_bytes(2, "big")


def _read_varint(data: bytes, offset: int) -> tuple[int, int]:
    """A number and the place behind it."""
    size = 1 << (data[offset] >> 6)
    return int.from_bytes(data[offset : offset + size], "big") & ((1 << (8 * size - 2)) - 1), offset + size


def request_bytes(*, authority: str, path: str) -> bytes:
    """A GET request: a HEADERS frame, all of a stream (RFC 9114, 4.1). Both are shorter than 127 bytes."""
    get, https, root = b"\xd1", b"\xd7", b"\xc1"
    named = [b"\x50" + bytes((len(authority),)) + authority.encode("ascii")]
    named.append(root if path == "/" else b"\x51" + bytes((len(path),)) + path.encode("ascii"))
    assert max(len(authority), len(path)) < 127
    section = b"\x00\x00" + get + https + b"".join(named)
    return bytes((HEADERS,)) + _varint(len(section)) + section


def _frames(stream: bytes) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while offset < len(stream):
        kind, offset = _read_varint(stream, offset)
        length, offset = _read_varint(stream, offset)
        end = offset + length
        if end > len(stream):
            raise IndexError("a frame is cut off")
        yield kind, stream[offset:end]
        offset = end


def answer_of(stream: bytes) -> tuple[int, bytes]:
    """The status and the body of an answer: all bytes of its stream. Any status but 200 is 0.

    Raises:
        ServerError: that is no answer.
    """
    status, body = None, b""
    try:
        for kind, payload in _frames(stream):
            if kind == HEADERS and status is None:
                status = 200 if payload.startswith(STATUS_200) else 0
            elif kind == DATA:
                body += payload
    except IndexError:
        status = None
    if status is None:
        raise ServerError(f"no answer over HTTP/3 but {stream[:100]!r}")
    return status, body


class QuicClient:
    """One connection to a server on this machine, whose certificate is its own affair. Belongs to one thread.

    Whoever has it waits for the socket and for the ``timer``, and calls ``receive()`` and ``flush()``.
    """

    def __init__(self, port: int) -> None:
        """Raises:
        OSError: there is no socket to be had.
        ServerError: no QUIC library is installed.
        """
        library = _library()
        configuration: Any = importlib.import_module(f"{library}.quic.configuration").QuicConfiguration(
            alpn_protocols=["h3"], server_name="localhost", verify_mode=ssl.CERT_NONE
        )
        if library == "qh3":
            configuration.verify_hostname = False
            logging.getLogger("quic").setLevel(logging.ERROR)  # it warns of every proper end
        self._quic: Any = importlib.import_module(f"{library}.quic.connection").QuicConnection(
            configuration=configuration
        )
        self._many = getattr(self._quic, "receive_many_datagrams", None)
        self._server = (HOST, port)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect(self._server)
        self.sock.setblocking(False)
        self._quic.connect(self._server, time.monotonic())
        self._quic.send_stream_data(self._quic.get_next_available_stream_id(is_unidirectional=True), CONTROL_STREAM)
        self._streams: dict[int, bytes] = {}
        self.ready = False
        """The handshake is complete."""

    @property
    def timer(self) -> float | None:
        """When ``expire()`` is to be called, of `time.monotonic`."""
        timer: float | None = self._quic.get_timer()
        return timer

    def ask(self, request: bytes) -> int:
        """Begin a stream with this and end it; it is sent with ``flush()``. The number of the stream."""
        stream_id: int = self._quic.get_next_available_stream_id()
        self._streams[stream_id] = b""
        self._quic.send_stream_data(stream_id, request, True)
        return stream_id

    def receive(self) -> list[tuple[int, bytes]]:
        """Read what is there; the streams that are complete with it.

        Raises:
            OSError: nobody listens.
            ServerError: the connection has ended, or a stream without its answer.
        """
        datagrams: list[bytes] = []
        try:
            while len(datagrams) < RECEIVE_MOST:
                datagrams.append(self.sock.recv(RECEIVE_BYTES))
        except BlockingIOError:
            pass
        now = time.monotonic()
        if self._many is not None:
            self._many(datagrams, self._server, now)
        else:
            for datagram in datagrams:
                self._quic.receive_datagram(datagram, self._server, now)
        return self._completed()

    def expire(self) -> list[tuple[int, bytes]]:
        """A time has come; else as ``receive()``."""
        self._quic.handle_timer(time.monotonic())
        return self._completed()

    def _completed(self) -> list[tuple[int, bytes]]:
        completed = []
        while (event := self._quic.next_event()) is not None:
            # By name: they are of two libraries.
            name = type(event).__name__
            if name == "StreamDataReceived":
                stream_id: int = event.stream_id
                if stream_id not in self._streams:
                    continue  # one of the server's
                if event.end_stream:
                    completed.append((stream_id, self._streams.pop(stream_id) + event.data))
                else:
                    self._streams[stream_id] += event.data
            elif name in ("StreamReset", "ConnectionTerminated"):
                raise ServerError(f"no answer over HTTP/3 but {event!r}")
            elif name == "HandshakeCompleted":
                self.ready = True
        return completed

    def flush(self) -> None:
        """Send what is to be sent. What does not fit is lost, as it may be on any way (RFC 9002)."""
        for datagram, _ in self._quic.datagrams_to_send(time.monotonic()):
            try:
                self.sock.send(datagram)
            except BlockingIOError:
                continue

    def close(self) -> None:
        """Say goodbye without waiting for an answer."""
        try:
            self._quic.close(error_code=0x100)  # H3_NO_ERROR
            self.flush()
        except OSError:
            pass
        finally:
            self.sock.close()


def get_over_http3(port: int, *, authority: str, path: str) -> tuple[int, bytes]:
    """Send one GET request on a connection of its own; the status and the body of its answer.

    Raises:
        OSError: nobody listens.
        ServerError: there was no answer, or not over HTTP/3.
    """
    client = QuicClient(port)
    try:
        client.ask(request_bytes(authority=authority, path=path))
        client.flush()
        deadline = time.monotonic() + ANSWER_SECONDS
        while (now := time.monotonic()) < deadline:
            timer = client.timer
            wait = min(deadline, timer if timer is not None else deadline) - now
            readable, _, _ = select.select([client.sock], [], [], max(wait, 0))
            completed = client.receive() if readable else client.expire()
            client.flush()
            for _, stream in completed:
                return answer_of(stream)
    finally:
        client.close()
    raise ServerError(f"no answer over HTTP/3 within {ANSWER_SECONDS:g} s")
