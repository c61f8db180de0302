"""QUIC packets of any content, sealed with the right keys (RFC 9001, 5): what a library's client would never send."""

from __future__ import annotations

import struct
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC

__all__ = ["CLIENT_ID", "PacketKeys", "client_hello", "initial_keys", "long_header", "short_header"]

CLIENT_ID: Final = b"fuzzfuzz"
"""The connection ID that `client_hello` names as its client's own."""

_SALT: Final = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")
_NUMBER_SIZE: Final = 4
_SAMPLE: Final = 16


def _mac(key: bytes, data: bytes) -> bytes:
    mac = HMAC(key, hashes.SHA256())
    mac.update(data)
    return mac.finalize()


def _expand(secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label without a context (RFC 8446, 7.1), for at most 32 bytes."""
    label = b"tls13 " + label
    return _mac(secret, struct.pack(">HB", size, len(label)) + label + b"\0\x01")[:size]


class PacketKeys:
    """Those of one direction at one level, with AES-128-GCM."""

    def __init__(self, secret: bytes) -> None:
        self._aead = AESGCM(_expand(secret, b"quic key", 16))
        self._iv = int.from_bytes(_expand(secret, b"quic iv", 12), "big")
        self._mask = Cipher(algorithms.AES128(_expand(secret, b"quic hp", 16)), modes.ECB())

    def seal(self, header: bytes, number: int, frames: bytes) -> bytes:
        """A packet; ``header`` is all before the packet number, which is written in four bytes."""
        plain = header + (number & 0xFFFF_FFFF).to_bytes(_NUMBER_SIZE, "big")
        sealed = self._aead.encrypt((self._iv ^ number).to_bytes(12, "big"), frames, plain)
        mask = self._mask.encryptor().update(sealed[:_SAMPLE])
        first = plain[0] ^ mask[0] & (0x0F if plain[0] & 0x80 else 0x1F)
        masked = bytes(one ^ other for one, other in zip(plain[-_NUMBER_SIZE:], mask[1:5], strict=True))
        return bytes((first,)) + plain[1:-_NUMBER_SIZE] + masked + sealed


def initial_keys(destination_id: bytes) -> PacketKeys:
    """The client's for its Initials, which anybody can make (RFC 9001, 5.2)."""
    return PacketKeys(_expand(_mac(_SALT, destination_id), b"client in", 32))


def long_header(
    kind: int, destination_id: bytes, source_id: bytes, size: int, *, token: bytes = b"", version: int = 1
) -> bytes:
    """That of a packet with ``size`` bytes of frames; ``kind`` is 0 for an Initial, 2 for a Handshake."""
    head = bytes((0xC0 | kind << 4 | _NUMBER_SIZE - 1,)) + version.to_bytes(4, "big")
    head += bytes((len(destination_id),)) + destination_id + bytes((len(source_id),)) + source_id
    if kind == 0:
        head += struct.pack(">H", 0x4000 | len(token)) + token
    return head + struct.pack(">H", 0x4000 | size + _NUMBER_SIZE + 16)


def short_header(destination_id: bytes, *, phase: bool = False, reserved: bool = False) -> bytes:
    """That of a 1-RTT packet."""
    return bytes((0x40 | reserved << 3 | phase << 2 | _NUMBER_SIZE - 1,)) + destination_id


def _with_size(data: bytes, size: int = 2) -> bytes:
    return len(data).to_bytes(size, "big") + data


def client_hello() -> bytes:
    """The TLS message that begins a handshake for HTTP/3 (RFC 8446, 4.1.2; RFC 9001, 8)."""
    parameters = b"".join(
        bytes((number, len(value))) + value
        for number, value in (
            *((0x0F, CLIENT_ID), (0x01, b"\x53\x88"), (0x04, b"\x80\x10\0\0")),
            *((number, b"\x80\x10\0\0") for number in (0x05, 0x06, 0x07)),
            *((0x08, b"\x40\x64"), (0x09, b"\x40\x64")),
        )
    )
    extensions = b"".join(
        struct.pack(">H", number) + _with_size(value)
        for number, value in (
            (0x00, _with_size(b"\0" + _with_size(b"localhost"))),
            (0x0A, _with_size(b"\0\x1d")),
            (0x0D, _with_size(b"\x04\x03\x08\x04")),
            (0x10, _with_size(b"\x02h3")),
            (0x2B, b"\x02\x03\x04"),
            (0x33, _with_size(b"\0\x1d" + _with_size(bytes(range(1, 33))))),
            (0x39, parameters),
        )
    )
    body = b"\x03\x03" + bytes(range(32)) + b"\0" + _with_size(b"\x13\x01") + b"\x01\0" + _with_size(extensions)
    return b"\x01" + _with_size(body, 3)
