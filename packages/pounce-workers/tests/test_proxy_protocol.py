"""PROXY headers, both versions."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from proxy_headers import SIGNATURE, addresses, binary, vector, with_checksum

from pounce_workers.net.proxy_protocol import (
    LONGEST_HEADER,
    ProxyHeader,
    ProxyHeaderError,
    ProxyTls,
    maybe_header_size,
    parse_proxy_header,
)

V4 = {"source": ("192.0.2.7", 4711), "destination": ("198.51.100.1", 443)}
V6_BLOCK = addresses("2001:db8::7", "2001:db8::1")
V6 = {"source": ("2001:db8::7", 4711), "destination": ("2001:db8::1", 443)}
TLS = vector(0x21, b"TLSv1.3") + vector(0x22, b"client") + vector(0x23, b"TLS_AES_128_GCM_SHA256")
FULL = "ffff:f...f:ffff"

GOOD: list[tuple[bytes, dict[str, Any]]] = [
    # Version 1
    (b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\r\n", {"version": 1, **V4}),
    (b"PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n", {"version": 1, **V6}),
    (b"PROXY TCP6 2001:DB8:0:0::7 2001:db8::1 4711 443\r\n", {"version": 1, **V6}),
    (
        b"PROXY TCP4 255.255.255.255 0.0.0.0 65535 0\r\n",
        {"version": 1, "source": ("255.255.255.255", 65535), "destination": ("0.0.0.0", 0)},
    ),
    (b"PROXY UNKNOWN\r\n", {"version": 1, "relayed": False}),
    (b"PROXY UNKNOWN " + b"f" * 91 + b"\r\n", {"version": 1, "relayed": False}),
    # Version 2
    (binary(rest=addresses()), {"version": 2, **V4}),
    (binary(family=0x12, rest=addresses()), {"version": 2, **V4}),
    (binary(family=0x21, rest=V6_BLOCK), {"version": 2, **V6}),
    (binary(0x20, 0), {"version": 2, "relayed": False}),
    (binary(0x20, 0xFF, b"anything"), {"version": 2, "relayed": False}),
    (binary(0x21, 0), {"version": 2, "relayed": False}),
    (
        binary(family=0x31, rest=bytes(108) + b"/run/x".ljust(108, b"\0")),
        {"version": 2, "destination": ("/run/x", None)},
    ),
    (binary(family=0x31, rest=bytes(108) + b"\0x".ljust(108, b"\0")), {"version": 2, "destination": ("@x", None)}),
    (with_checksum(0x11, addresses()), {"version": 2, **V4}),
    (with_checksum(0x21, V6_BLOCK, vector(4, b"pad")), {"version": 2, **V6}),
    (
        binary(
            rest=addresses() + vector(1, b"h2") + vector(2, b"a.example") + vector(5, b"\x00id") + vector(0xE0, b"")
        ),
        {"version": 2, **V4, "alpn": b"h2", "authority": "a.example", "unique_id": b"\x00id"},
    ),
    (
        binary(rest=addresses() + vector(0x20, b"\x03" + bytes(4) + TLS)),
        {
            "version": 2,
            **V4,
            "tls": ProxyTls(
                encrypted=True,
                client_certificate=True,
                verified=True,
                version="TLSv1.3",
                client_name="client",
                cipher="TLS_AES_128_GCM_SHA256",
            ),
        },
    ),
    (
        binary(rest=addresses() + vector(0x20, b"\x01\x00\x00\x00\x01")),
        {"version": 2, **V4, "tls": ProxyTls(encrypted=True, client_certificate=False, verified=False)},
    ),
    (
        binary(rest=addresses() + vector(0x20, b"\x05\x00\x00\x00\x01")),
        {"version": 2, **V4, "tls": ProxyTls(encrypted=True, client_certificate=True, verified=False)},
    ),
]


@pytest.mark.parametrize(("data", "told"), GOOD)
def test_well_formed(data: bytes, told: dict[str, Any]) -> None:
    assert maybe_header_size(data) == len(data)
    assert maybe_header_size(data + b"GET / HTTP/1.1\r\n\r\n") == len(data)
    assert parse_proxy_header(data) == ProxyHeader(**({"relayed": True} | told))


@pytest.mark.parametrize("data", [data for data, _ in GOOD])
def test_piece_by_piece(data: bytes) -> None:
    for cut in range(len(data)):
        assert maybe_header_size(data[:cut]) is None


# What is no header is told with the first byte that cannot be one.
NONE = [
    b"GET / HTTP/1.1\r\n",
    b"G",
    b"\x16\x03\x01",
    b"PROXY\t",
    b"PROXX",
    b"proxy TCP4",
    b" PROXY",
    b"\r\n\r\n\x00\r\nQUIT\r",
    b"\r\n\r\nG",
    b"PROXY TCP4 " + b"1" * 96,
    b"PROXY UNKNOWN " + b"f" * 92 + b"\r\n",
    binary(length=LONGEST_HEADER - 15),
]


@pytest.mark.parametrize("data", NONE)
def test_no_header(data: bytes) -> None:
    with pytest.raises(ProxyHeaderError):
        maybe_header_size(data)


MALFORMED = [
    b"PROXY \r\n",
    b"PROXY TCP4\r\n",
    b"PROXY TCP5 192.0.2.7 198.51.100.1 4711 443\r\n",
    b"PROXY UDP4 192.0.2.7 198.51.100.1 4711 443\r\n",
    b"PROXY TCP4  192.0.2.7 198.51.100.1 4711 443\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443 \r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443 1\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 4711\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 04711 443\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 65536 443\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 -1 443\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 +1 443\r\n",
    b"PROXY TCP4 192.0.2.07 198.51.100.1 4711 443\r\n",
    b"PROXY TCP4 192.0.2 198.51.100.1 4711 443\r\n",
    b"PROXY TCP4 2001:db8::7 2001:db8::1 4711 443\r\n",
    b"PROXY TCP6 192.0.2.7 198.51.100.1 4711 443\r\n",
    b"PROXY TCP6 [2001:db8::7] 2001:db8::1 4711 443\r\n",
    b"PROXY TCP6 fe80::1%eth0 2001:db8::1 4711 443\r\n",
    b"PROXY tcp4 192.0.2.7 198.51.100.1 4711 443\r\n",
    b"PROXY TCP4 192.0.2.7 198.51.100.1 4711 443\n\r\n",
    b"PROXY TCP4\t192.0.2.7 198.51.100.1 4711 443\r\n",
    b"PROXY UNKNOWN\n\r\n",
    b"PROXY UNKNOWNS\r\n",
    binary(0x11, rest=addresses()),
    binary(0x31, rest=addresses()),
    binary(0x22, rest=addresses()),
    binary(0x2F, rest=addresses()),
    binary(family=0x10, rest=addresses()),
    binary(family=0x01, rest=addresses()),
    binary(family=0x13, rest=addresses()),
    binary(family=0x41, rest=bytes(300)),
    binary(rest=addresses()[:-1]),
    binary(family=0x21, rest=addresses()),
    binary(family=0x31, rest=bytes(215)),
    binary(rest=addresses() + b"\x04"),
    binary(rest=addresses() + b"\x04\x00"),
    binary(rest=addresses() + b"\x04\x00\x02a"),
    binary(rest=addresses() + vector(3, bytes(4))),
    binary(rest=addresses() + vector(3, bytes(3))),
    with_checksum(0x11, addresses(), vector(3, bytes(4))),
    with_checksum(0x11, addresses())[:-1] + b"\x00",
    binary(rest=addresses() + vector(2, b"\xff")),
    binary(rest=addresses() + vector(2, b"a") + vector(2, b"b")),
    binary(rest=addresses() + vector(5, bytes(129))),
    binary(rest=addresses() + vector(0x20, b"\x01\x00\x00\x00")),
    binary(rest=addresses() + vector(0x20, bytes(5) + b"\x21\x00\x09TLS")),
    binary(rest=addresses() + vector(0x20, bytes(5) + vector(0x22, b"\xff"))),
]


@pytest.mark.parametrize("data", MALFORMED)
def test_malformed(data: bytes) -> None:
    assert maybe_header_size(data) == len(data)
    with pytest.raises(ProxyHeaderError):
        parse_proxy_header(data)


@given(
    st.binary(max_size=64), st.sampled_from([b"", b"PROXY TCP4 ", b"PROXY TCP6 ", SIGNATURE, SIGNATURE + b"\x21\x11"])
)
@example(b"\r\n", b"PROXY TCP4 ")  # a line that ends too soon
def test_nothing_else_is_raised(rest: bytes, begin: bytes) -> None:
    data = begin + rest
    with contextlib.suppress(ProxyHeaderError):
        size = maybe_header_size(data)
        if size is not None:
            assert 0 < size <= len(data)
            parse_proxy_header(data[:size])
