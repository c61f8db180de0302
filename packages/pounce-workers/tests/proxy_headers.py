"""PROXY headers of version 2, made for tests."""

from __future__ import annotations

import ipaddress
import struct

from pounce_workers.net.crc32c import crc32c

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"


def vector(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


def binary(command: int = 0x21, family: int = 0x11, rest: bytes = b"", *, length: int | None = None) -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, family, len(rest) if length is None else length) + rest


def addresses(
    source: str = "192.0.2.7", destination: str = "198.51.100.1", ports: tuple[int, int] = (4711, 443)
) -> bytes:
    hosts = b"".join(ipaddress.ip_address(host).packed for host in (source, destination))
    return hosts + struct.pack("!HH", *ports)


def with_checksum(family: int, rest: bytes, after: bytes = b"") -> bytes:
    """With a checksum between what stands before and after it."""
    blank = binary(family=family, rest=rest + vector(3, bytes(4)) + after)
    place = 16 + len(rest) + 3
    return blank[:place] + struct.pack("!I", crc32c(blank)) + blank[place + 4 :]
