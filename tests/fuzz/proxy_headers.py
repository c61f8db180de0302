"""The header of the PROXY protocol, versions 1 and 2.

- Nothing is raised but `ProxyHeaderError`.
- Where the header ends does not depend on how many bytes behind it are there, and never more bytes than the longest
  header are waited for.
- What is told is valid: addresses, ports, texts.
- A header that was read, written by the grammar, is read as the same.
"""

from __future__ import annotations

import ipaddress
import struct

from pounce_workers.net.proxy_protocol import (
    LONGEST_HEADER,
    SIGNATURE,
    ProxyHeader,
    ProxyHeaderError,
    maybe_header_size,
    parse_proxy_header,
)
from tests.fuzz.target import Target

__all__ = ["PROXY_HEADERS"]


def _size(data: bytes) -> int | str | None:
    try:
        return maybe_header_size(data)
    except ProxyHeaderError as error:
        assert str(error).isprintable()  # noqa: PT017 - a target, not a test
        return "refused"


def _check_size(data: bytes) -> int | str | None:
    whole = _size(data)
    known: int | str | None = None
    for end in range(len(data) + 1) if len(data) < 300 else (0, 1, 6, 12, 16, 107, len(data) // 2, len(data)):
        got = _size(data[:end])
        assert known is None or got == known, end
        known = got
        if isinstance(got, int):
            assert got <= end
    assert known == whole
    assert whole is not None or len(data) < LONGEST_HEADER
    return whole


def _render(header: ProxyHeader) -> bytes | None:
    if header.source is None or header.destination is None or header.destination[1] is None:
        return None
    source, destination = ipaddress.ip_address(header.source[0]), ipaddress.ip_address(header.destination[0])
    ports = header.source[1], header.destination[1]
    if header.version == 1:
        return f"PROXY TCP{source.version} {source} {destination} {ports[0]} {ports[1]}\r\n".encode()
    vectors = b""
    authority = None if header.authority is None else header.authority.encode()
    for kind, value in ((1, header.alpn), (2, authority), (5, header.unique_id)):
        if value is not None:
            vectors += struct.pack("!BH", kind, len(value)) + value
    block = source.packed + destination.packed + struct.pack("!HH", *ports) + vectors
    return SIGNATURE + bytes((0x21, 0x11 if source.version == 4 else 0x21)) + struct.pack("!H", len(block)) + block


def _check(data: bytes) -> None:
    size = _check_size(data)
    if not isinstance(size, int):
        return
    try:
        header = parse_proxy_header(data[:size])
    except ProxyHeaderError as error:
        assert str(error).isprintable()  # noqa: PT017 - a target, not a test
        return
    assert header.relayed or header.source is None
    for place in (header.source, header.destination):
        assert place is None or place[1] is None or 0 <= place[1] <= 65535
    rendered = _render(header)
    if rendered is not None:
        assert maybe_header_size(rendered + b"GET") == len(rendered)
        again = parse_proxy_header(rendered)
        assert (again.source, again.destination) == (header.source, header.destination)
        assert (again.alpn, again.authority, again.unique_id) == (header.alpn, header.authority, header.unique_id)


def _binary(command: int, family: int, block: bytes) -> bytes:
    return SIGNATURE + bytes((command, family)) + struct.pack("!H", len(block)) + block


_V4 = bytes((192, 0, 2, 1, 192, 0, 2, 2, 0x1F, 0x90, 0, 80))
_TLS = b"\x20\x00\x10\x01\x00\x00\x00\x00\x21\x00\x07TLSv1.3\x20"

PROXY_HEADERS = Target(
    name="proxy",
    promises="our errors only; the same end with more behind it; what is written is read again",
    check=_check,
    seeds=(
        b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\nGET / HTTP/1.1\r\n",
        b"PROXY TCP6 2001:db8::1 ::1 1 65535\r\n",
        b"PROXY UNKNOWN ffff::1 ::1 1 2\r\n",
        b"PROXY UNKNOWN\r\n",
        _binary(0x20, 0, b""),
        _binary(0x21, 0x11, _V4),
        _binary(0x21, 0x11, _V4 + b"\x01\x00\x02h2" + b"\x02\x00\x09a.example" + b"\x05\x00\x02id"),
        _binary(0x21, 0x11, _V4 + b"\x20\x00\x0f\x01\x00\x00\x00\x00\x21\x00\x07TLSv1.3"),
        _binary(0x21, 0x11, _V4 + _TLS),
        _binary(0x21, 0x11, _V4 + b"\x03\x00\x04\x00\x00\x00\x00"),
        _binary(0x21, 0x21, bytes(36)),
        _binary(0x21, 0x31, b"\0/run/a".ljust(216, b"\0")),
        _binary(0x21, 0, b"\x04\x00\x01\x00"),
    ),
    dictionary=(
        SIGNATURE,
        b"PROXY ",
        b"TCP4 ",
        b"TCP6 ",
        b"UNKNOWN",
        b"::1",
        b"\x20\x00\x05",
        b"\x02\x00\x01",
        b"\xff\xff",
    ),
    modules=("pounce_workers.net.proxy_protocol", "pounce_workers.net.crc32c"),
    rounds=1200,
    shapes=(
        lambda size: b"PROXY " + b" " * size,
        lambda size: _binary(0x21, 0x11, _V4 + b"\x04\x00\x00" * (min(size, 16000) // 3)),
    ),
)
