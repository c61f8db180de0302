"""As much of a WebSocket client as a measurement needs (RFC 6455): the handshake, and whole small frames."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
from typing import Final

from benchmarks.servers import HOST, ServerError

__all__ = ["CLOSE", "PING", "PONG", "TEXT", "frame", "masked_frame", "open_websocket"]

TEXT: Final = 0x1
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA
FINAL: Final = 0x80
MASKED: Final = 0x80

SMALL: Final = 125
"""A frame of at most so many bytes has its length in its second byte (RFC 6455, 5.2)."""
GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""RFC 6455, 1.3."""
HEAD_END: Final = b"\r\n\r\n"
LONGEST_HEAD: Final = 65536


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """A whole message as a server sends it."""
    assert len(payload) <= SMALL
    return bytes((FINAL | opcode, len(payload))) + payload


def masked_frame(payload: bytes, mask: bytes, opcode: int = TEXT) -> bytes:
    """A whole message as a client sends it; the mask has four bytes (RFC 6455, 5.3)."""
    assert len(payload) <= SMALL
    masked = bytes(octet ^ mask[number % 4] for number, octet in enumerate(payload))
    return bytes((FINAL | opcode, MASKED | len(payload))) + mask + masked


def open_websocket(port: int, path: str = "/", *, timeout: float = 10.0) -> socket.socket:
    """Connect and shake hands. No extension is offered. The socket blocks, for at most ``timeout`` seconds.

    Raises:
        OSError: nobody listens, or the connection broke.
        ServerError: what came is not what RFC 6455, 4.1 asks of a server.
    """
    key = base64.b64encode(os.urandom(16))
    request = (
        f"GET {path} HTTP/1.1\r\nHost: {HOST}:{port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key.decode()}\r\n\r\n"
    )
    sock = socket.create_connection((HOST, port), timeout=timeout)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall(request.encode("ascii"))
        _check_handshake(_read_head(sock), key)
    except BaseException:
        sock.close()
        raise
    return sock


def _read_head(sock: socket.socket) -> bytes:
    head = b""
    while not head.endswith(HEAD_END):
        # One by one: what follows the head belongs to the messages.
        octet = sock.recv(1)
        if not octet or len(head) > LONGEST_HEAD:
            raise ServerError(f"no answer to a WebSocket handshake but {head[:100]!r}")
        head += octet
    return head


def _check_handshake(head: bytes, key: bytes) -> None:
    first, *lines = head.removesuffix(HEAD_END).split(b"\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
    if (
        not first.startswith(b"HTTP/1.1 101 ")
        or fields.get(b"upgrade", b"").lower() != b"websocket"
        or b"upgrade" not in fields.get(b"connection", b"").lower()
        or fields.get(b"sec-websocket-accept") != accept
        or b"sec-websocket-extensions" in fields
    ):
        raise ServerError(f"answered a WebSocket handshake with {head[:300]!r}")
