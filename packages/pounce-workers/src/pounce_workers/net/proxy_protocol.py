r"""The header that a proxy sends before the bytes of a connection: PROXY protocol, versions 1 and 2.

The text is haproxy's doc/proxy-protocol.txt; sections are cited from it. Pure: `maybe_header_size` tells where the
header ends, `parse_proxy_header` what it says. Strict, because the header is the word of a trusted proxy: whatever is
not exactly one is no guess at who the client might be.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from pounce_workers.net.crc32c import crc32c

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "LONGEST_HEADER",
    "ProxyHeader",
    "ProxyHeaderError",
    "ProxyTls",
    "maybe_header_size",
    "parse_proxy_header",
]

SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
"""Section 2.2: no request of any protocol begins so."""
LINE_START: Final = b"PROXY "
LONGEST_LINE: Final = 107
"""Section 2.1: bytes of the longest line of version 1, with its CRLF."""
HEADER_SIZE: Final = 16
LONGEST_HEADER: Final = 16384
"""Bytes of a header of version 2 that are taken; the format has room for 65,551. A client's certificate fits."""

# Section 2.1: exactly one space between the parts; ports without leading zeros.
_PORT: Final = rb"(0|[1-9][0-9]{0,4})"
_LINE: Final = re.compile(rb"PROXY TCP(4|6) ([0-9A-Fa-f:.]{2,45}) ([0-9A-Fa-f:.]{2,45}) " + _PORT + rb" " + _PORT)
_UNKNOWN: Final = re.compile(rb"PROXY UNKNOWN(?: [^\r\n]*)?")

_ADDRESS_SIZES: Final = {0: 0, 1: 12, 2: 36, 3: 216}
"""Section 2.2: bytes of the two addresses, by family: none, IPv4, IPv6, UNIX."""

LOCAL: Final = 0
PROXY: Final = 1
UNIX: Final = 3

# Section 2.2.1 and the following: types of the vectors after the addresses.
ALPN, AUTHORITY, CRC32C, UNIQUE_ID, TLS = 0x01, 0x02, 0x03, 0x05, 0x20
TLS_VERSION, TLS_CLIENT_NAME, TLS_CIPHER = 0x21, 0x22, 0x23
CLIENT_TLS, CLIENT_CERT_CONNECTION, CLIENT_CERT_SESSION = 0x01, 0x02, 0x04
LONGEST_UNIQUE_ID: Final = 128


class ProxyHeaderError(ValueError):
    """What came is not a PROXY header, or one that cannot be right. The message tells an operator which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyTls:
    """What the proxy says of the TLS between it and the client (section 2.2.5)."""

    encrypted: bool
    """The client has connected over TLS."""
    client_certificate: bool
    """It has shown a certificate, on this connection or on one whose session it resumes."""
    verified: bool
    """And the proxy has found that to be good."""
    version: str | None = None
    client_name: str | None = None
    """The common name in the certificate."""
    cipher: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyHeader:
    """What a proxy says of one connection."""

    version: int
    relayed: bool
    """False: the addresses are those of the connection itself (LOCAL, UNKNOWN, UNSPEC); a proxy checks our health."""
    source: tuple[str, int] | None = None
    """The client. None over a UNIX socket, and where nothing is relayed."""
    destination: tuple[str, int | None] | None = None
    """Where the client has connected to; the path and None for a UNIX socket."""
    alpn: bytes | None = None
    authority: str | None = None
    """The name that the client has asked for: SNI."""
    unique_id: bytes | None = None
    tls: ProxyTls | None = None


def maybe_header_size(data: bytes) -> int | None:
    """How many bytes at the beginning of ``data`` are the header; None while that cannot be told.

    Raises:
        ProxyHeaderError: it does not begin with one, or it is too long.
    """
    if data[: len(SIGNATURE)] == SIGNATURE[: len(data)]:
        if len(data) < HEADER_SIZE:
            return None
        size = HEADER_SIZE + int.from_bytes(data[14:16], "big")
        if size > LONGEST_HEADER:
            raise ProxyHeaderError(f"a PROXY header of {size} bytes, more than {LONGEST_HEADER}")
        return size if size <= len(data) else None
    if data[: len(LINE_START)] != LINE_START[: len(data)]:
        raise ProxyHeaderError("no PROXY header")
    end = data.find(b"\r\n", 0, LONGEST_LINE)
    if end >= 0:
        return end + 2
    if len(data) >= LONGEST_LINE:
        raise ProxyHeaderError(f"a PROXY line longer than {LONGEST_LINE} bytes")
    return None


def parse_proxy_header(data: bytes) -> ProxyHeader:
    """What a whole header says; ``data`` is exactly as long as `maybe_header_size` tells.

    Raises:
        ProxyHeaderError: it is malformed.
    """
    return _parse_binary(data) if data.startswith(SIGNATURE) else _parse_line(data)


def _parse_line(data: bytes) -> ProxyHeader:
    """Version 1 (section 2.1)."""
    line = data.removesuffix(b"\r\n")
    if _UNKNOWN.fullmatch(line):
        return ProxyHeader(version=1, relayed=False)
    match = _LINE.fullmatch(line)
    if match is None:
        raise ProxyHeaderError("a malformed PROXY line")
    family, source, destination, source_port, destination_port = match.groups()
    read = ipaddress.IPv4Address if family == b"4" else ipaddress.IPv6Address
    ports = int(source_port), int(destination_port)
    if max(ports) > 65535:
        raise ProxyHeaderError("a port above 65535 in a PROXY line")
    try:
        hosts = str(read(source.decode())), str(read(destination.decode()))
    except ValueError:
        raise ProxyHeaderError("a malformed address in a PROXY line") from None
    return ProxyHeader(version=1, relayed=True, source=(hosts[0], ports[0]), destination=(hosts[1], ports[1]))


def _parse_binary(data: bytes) -> ProxyHeader:
    """Version 2 (section 2.2)."""
    version, command = data[12] >> 4, data[12] & 0xF
    if version != 2 or command not in (LOCAL, PROXY):
        raise ProxyHeaderError(f"an unknown version or command in a PROXY header: {data[12]:#04x}")
    if command == LOCAL:
        # "The receiver must accept this connection as valid and must use the real connection endpoints and discard the
        # protocol block including the family which is ignored."
        return ProxyHeader(version=2, relayed=False)
    family, transport = data[13] >> 4, data[13] & 0xF
    if family not in _ADDRESS_SIZES or transport > 2 or (family == 0) != (transport == 0):
        raise ProxyHeaderError(f"an unknown family or protocol in a PROXY header: {data[13]:#04x}")
    vectors_at = HEADER_SIZE + _ADDRESS_SIZES[family]
    if len(data) < vectors_at:
        raise ProxyHeaderError("a PROXY header that is too short for its addresses")
    told = _vectors(data, vectors_at)
    source, destination = _addresses(family, data[HEADER_SIZE:vectors_at])
    return ProxyHeader(
        version=2,
        relayed=family != 0,
        source=source,
        destination=destination,
        alpn=told.get(ALPN),
        authority=_text(told.get(AUTHORITY)),
        unique_id=told.get(UNIQUE_ID),
        tls=_tls(told[TLS]) if TLS in told else None,
    )


def _addresses(family: int, block: bytes) -> tuple[tuple[str, int] | None, tuple[str, int | None] | None]:
    if family == 0:
        return None, None
    if family == UNIX:
        # A name in the abstract namespace begins with a zero (unix(7)); its end is that of its zeros.
        path = block[108:].rstrip(b"\0").replace(b"\0", b"@", 1)
        return None, (path.decode("utf-8", "replace"), None)
    size = (len(block) - 4) // 2
    source, destination, source_port, destination_port = struct.unpack(f"!{size}s{size}sHH", block)
    hosts = [str(ipaddress.ip_address(address)) for address in (source, destination)]
    return (hosts[0], source_port), (hosts[1], destination_port)


def _vectors(data: bytes, start: int) -> dict[int, bytes]:
    """Type, length, value: what stands after the addresses (section 2.2.1). Unknown ones are left out."""
    told: dict[int, bytes] = {}
    for kind, begin, end in _vector_places(data, start):
        if kind in (ALPN, AUTHORITY, CRC32C, UNIQUE_ID, TLS) and kind in told:
            raise ProxyHeaderError(f"the vector {kind:#04x} twice in a PROXY header")
        told[kind] = data[begin:end]
        if kind == CRC32C:
            if end - begin != 4:
                raise ProxyHeaderError("a checksum of another length than 4 in a PROXY header")
            # Section 2.2.3: over the whole header, with zeros in its own place.
            if crc32c(data[:begin] + bytes(4) + data[end:]) != int.from_bytes(told[kind], "big"):
                raise ProxyHeaderError("a wrong checksum in a PROXY header")
    if len(told.get(UNIQUE_ID, b"")) > LONGEST_UNIQUE_ID:
        raise ProxyHeaderError(f"a unique id longer than {LONGEST_UNIQUE_ID} bytes in a PROXY header")
    return told


def _vector_places(data: bytes, start: int) -> Iterator[tuple[int, int, int]]:
    """Type, and where the value begins and ends."""
    while start < len(data):
        begin = start + 3
        end = begin + int.from_bytes(data[start + 1 : begin], "big")
        if begin > len(data) or end > len(data):
            raise ProxyHeaderError("a vector that is longer than its PROXY header")
        yield data[start], begin, end
        start = end


def _tls(value: bytes) -> ProxyTls:
    """Section 2.2.5: a byte of flags, four that are zero when the certificate is good, and more vectors."""
    if len(value) < 5:
        raise ProxyHeaderError("a TLS vector shorter than 5 bytes in a PROXY header")
    told = {kind: value[begin:end] for kind, begin, end in _vector_places(value, 5)}
    shown = bool(value[0] & (CLIENT_CERT_CONNECTION | CLIENT_CERT_SESSION))
    return ProxyTls(
        encrypted=bool(value[0] & CLIENT_TLS),
        client_certificate=shown,
        verified=shown and value[1:5] == bytes(4),
        version=_text(told.get(TLS_VERSION)),
        client_name=_text(told.get(TLS_CLIENT_NAME)),
        cipher=_text(told.get(TLS_CIPHER)),
    )


def _text(value: bytes | None) -> str | None:
    if value is None:
        return None
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise ProxyHeaderError("a text that is not UTF-8 in a PROXY header") from None
