"""Frames by hand, and what a server must make of them: the cases that h2spec consists of, and some more.

A case is what a client sends after its preface and its settings, and the outcome:

- ``Goaway(code)``: the connection ends with this error;
- ``Reset(stream, code)``: the stream does, and the connection goes on;
- ``Status(stream, status)``: the request is answered so;
- ``FINE``: nothing is wrong; a request after it is answered.
"""

# ruff: noqa: E501 - a case is a line

from __future__ import annotations

from struct import pack
from typing import NamedTuple

from h2_doubles import GET, POST
from hpack import Encoder

__all__ = ["CASES", "FINE", "Case", "Goaway", "Reset", "Status", "block", "frame", "headers"]

DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 0x1, 0x1, 0x4, 0x8, 0x20

NO_ERROR, PROTOCOL, INTERNAL, FLOW, TIMEOUT, CLOSED, SIZE, REFUSED, CANCEL, COMPRESSION, CONNECT, CALM = range(12)


class Goaway(NamedTuple):
    code: int


class Reset(NamedTuple):
    stream: int
    code: int


class Status(NamedTuple):
    stream: int
    status: int


FINE = "fine"


class Case(NamedTuple):
    name: str
    wire: bytes
    outcome: object
    app: str = "hello"
    preface: bool = True
    then: bytes = b""
    """What follows when all that the first bytes lead to has happened."""


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return pack(">HBBBL", len(payload) >> 8, len(payload) & 0xFF, kind, flags, stream) + payload


def block(fields: list[tuple[bytes, bytes]]) -> bytes:
    """Fields without a dynamic table."""
    encoded = b""
    for name, value in fields:
        encoded += b"\x00" + _string(name) + _string(value)
    return encoded


def _string(data: bytes) -> bytes:
    if len(data) < 127:
        return bytes([len(data)]) + data
    rest = len(data) - 127
    octets = bytearray([127])
    while rest >= 128:
        octets.append(rest & 127 | 128)
        rest >>= 7
    octets.append(rest)
    return bytes(octets) + data


def headers(stream: int, fields: list[tuple[bytes, bytes]] | None = None, *, end: bool = True) -> bytes:
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block(GET if fields is None else fields))


def request(*fields: tuple[bytes, bytes], drop: bytes = b"", end: bool = True) -> bytes:
    kept = [field for field in (GET if end else POST) if field[0] != drop]
    return headers(1, [*kept, *fields], end=end)


def data(stream: int, payload: bytes = b"", *, end: bool = False) -> bytes:
    return frame(DATA, END_STREAM if end else 0, stream, payload)


OPEN = headers(1, POST, end=False)
WHOLE = headers(1)
PART = frame(HEADERS, END_STREAM, 1, block(GET[:2]))

GENERIC = [
    Case("get", WHOLE, Status(1, 200)),
    Case("post", OPEN + data(1, b"x", end=True), Status(1, 200), "echo"),
    Case("post-trailers", OPEN + data(1, b"x") + headers(1, [(b"x-sum", b"1")]), Status(1, 200), "echo"),
    Case("padded-data", OPEN + frame(DATA, END_STREAM | PADDED, 1, b"\x02x\0\0"), Status(1, 200), "echo"),
    Case("padded-headers", frame(HEADERS, 0xD, 1, b"\x03" + block(GET) + b"\0\0\0"), Status(1, 200)),
    Case("prioritized-headers", frame(HEADERS, 0x25, 1, pack(">LB", 3, 7) + block(GET)), Status(1, 200)),
    Case(
        "continuation",
        PART + frame(CONTINUATION, 0, 1, b"") + frame(CONTINUATION, 4, 1, block(GET[2:])),
        Status(1, 200),
    ),
    Case("rst-half-closed-remote", WHOLE + frame(RST, 0, 1, pack(">L", CANCEL)), FINE),
    Case("window-update-half-closed-remote", WHOLE + frame(WINDOW, 0, 1, pack(">L", 10)), FINE),
    Case("window-update", frame(WINDOW, 0, 0, pack(">L", 1)), FINE),
    Case("priority-idle", frame(PRIORITY, 0, 5, pack(">LB", 0, 1)), FINE),
    Case("priority-closed", WHOLE + frame(PRIORITY, 0, 1, pack(">LB", 0, 1)), FINE),
    Case("ping", frame(PING, 0, 0, b"12345678"), FINE),
    Case("ping-ack-unasked", frame(PING, ACK, 0, b"12345678"), FINE),
    Case("settings-empty", frame(SETTINGS, 0, 0), FINE),
    Case("settings-ack", frame(SETTINGS, ACK, 0), FINE),
    Case("settings-unknown", frame(SETTINGS, 0, 0, pack(">HL", 0xFFF, 1)), FINE),
    Case("unknown-frame", frame(0x16, 0xFF, 0, b"whatever"), FINE),
    Case("altsvc", frame(0xA, 0, 0, b"\0\x01ax"), FINE),
    Case("undefined-flags", frame(PING, 0xFE, 0, b"12345678"), FINE),
    Case("reserved-bit", frame(PING, 0, 0x80000000, b"12345678"), FINE),
    Case("head", request((b"x", b"y"), drop=b":method").replace(b"", b""), Reset(1, PROTOCOL)),
]

SECTION_3_TO_4 = [
    Case("3.4-bad-preface", b"GET / HTTP/1.1\r\nhost: x\r\n\r\n", Goaway(PROTOCOL), preface=False),
    Case(
        "3.4-no-settings",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(PING, 0, 0, b"12345678"),
        Goaway(PROTOCOL),
        preface=False,
    ),
    Case("4.2-data-too-large", OPEN + data(1, bytes(16_385)), Goaway(SIZE)),
    Case("4.2-headers-too-large", frame(HEADERS, 5, 1, bytes(16_385)), Goaway(SIZE)),
    Case("4.2-announced-too-large", b"\xff\xff\xff\x00\x00\x00\x00\x00\x01", Goaway(SIZE)),
    Case("4.2-largest", OPEN + data(1, bytes(16_384), end=True), Status(1, 200), "echo"),
    Case("4.3-invalid-index", frame(HEADERS, 5, 1, b"\xff\xff\x01"), Goaway(COMPRESSION)),
    Case("4.3-interrupted-by-priority", PART + frame(PRIORITY, 0, 1, pack(">LB", 0, 1)), Goaway(PROTOCOL)),
    Case("4.3-interrupted-by-another", PART + headers(3), Goaway(PROTOCOL)),
    Case("4.3-interrupted-by-unknown", PART + frame(0x16, 0, 1, b""), Goaway(PROTOCOL)),
]

SECTION_5 = [
    Case("5.1-idle-data", data(1, b"x"), Goaway(PROTOCOL)),
    Case("5.1-idle-rst", frame(RST, 0, 1, pack(">L", CANCEL)), Goaway(PROTOCOL)),
    Case("5.1-idle-window", frame(WINDOW, 0, 1, pack(">L", 1)), Goaway(PROTOCOL)),
    Case("5.1-idle-continuation", frame(CONTINUATION, 4, 1, b""), Goaway(PROTOCOL)),
    Case("5.1-half-closed-data", WHOLE, Reset(1, CLOSED), "hang", then=data(1, b"x")),
    Case("5.1-half-closed-headers", WHOLE, Reset(1, CLOSED), "hang", then=headers(1)),
    Case("5.1-half-closed-continuation", WHOLE + frame(CONTINUATION, 4, 1, b""), Goaway(PROTOCOL), "hang"),
    Case(
        "5.1-closed-by-rst-data", OPEN + frame(RST, 0, 1, pack(">L", CANCEL)) + data(1, b"x"), Reset(1, CLOSED), "hang"
    ),
    Case("5.1-closed-by-rst-headers", OPEN + frame(RST, 0, 1, pack(">L", 8)) + headers(1), Goaway(CLOSED), "hang"),
    Case("5.1-closed-data", WHOLE, Goaway(CLOSED), then=data(1, b"x")),
    Case("5.1-closed-headers", WHOLE, Goaway(CLOSED), then=headers(1)),
    Case("5.1-closed-window", WHOLE, FINE, then=frame(WINDOW, 0, 1, pack(">L", 1))),
    Case("5.1-closed-rst", WHOLE, FINE, then=frame(RST, 0, 1, pack(">L", CANCEL))),
    Case("5.1.1-even", headers(2), Goaway(PROTOCOL)),
    Case("5.1.1-smaller", headers(5) + headers(3), Goaway(PROTOCOL)),
    Case("5.1.2-too-many", b"".join(headers(2 * n + 1) for n in range(101)), Reset(201, REFUSED), "hang"),
    Case("5.3.1-own-parent-headers", frame(HEADERS, 0x25, 1, pack(">LB", 1, 7) + block(GET)), Goaway(PROTOCOL)),
    Case("5.3.1-own-parent", frame(PRIORITY, 0, 2, pack(">LB", 2, 7)), Goaway(PROTOCOL)),
    Case("5.3.1-own-parent-open", OPEN + frame(PRIORITY, 0, 1, pack(">LB", 1, 7)), Goaway(PROTOCOL), "hang"),
]

SECTION_6 = [
    Case("6.1-data-stream-0", data(0, b"x"), Goaway(PROTOCOL)),
    Case("6.1-padding", OPEN + frame(DATA, PADDED, 1, b"\x06test"), Goaway(PROTOCOL)),
    Case("6.1-padding-missing", OPEN + frame(DATA, PADDED, 1, b""), Goaway(SIZE)),
    Case("6.2-headers-stream-0", headers(0), Goaway(PROTOCOL)),
    Case("6.2-padding", frame(HEADERS, 0xD, 1, b"\xff" + block(GET)), Goaway(PROTOCOL)),
    Case("6.3-priority-stream-0", frame(PRIORITY, 0, 0, pack(">LB", 0, 1)), Goaway(PROTOCOL)),
    Case("6.3-priority-length", OPEN + frame(PRIORITY, 0, 1, b"1234"), Goaway(SIZE)),
    Case("6.4-rst-stream-0", frame(RST, 0, 0, pack(">L", CANCEL)), Goaway(PROTOCOL)),
    Case("6.4-rst-length", OPEN + frame(RST, 0, 1, b"123"), Goaway(SIZE)),
    Case("6.5-ack-payload", frame(SETTINGS, ACK, 0, pack(">HL", 1, 1)), Goaway(SIZE)),
    Case("6.5-stream", frame(SETTINGS, 0, 1, pack(">HL", 3, 1)), Goaway(PROTOCOL)),
    Case("6.5-length", frame(SETTINGS, 0, 0, b"12345"), Goaway(SIZE)),
    Case("6.5.2-push", frame(SETTINGS, 0, 0, pack(">HL", 2, 2)), Goaway(PROTOCOL)),
    Case("6.5.2-window", frame(SETTINGS, 0, 0, pack(">HL", 4, 2**31)), Goaway(FLOW)),
    Case("6.5.2-frame-small", frame(SETTINGS, 0, 0, pack(">HL", 5, 16_383)), Goaway(PROTOCOL)),
    Case("6.5.2-frame-large", frame(SETTINGS, 0, 0, pack(">HL", 5, 2**24)), Goaway(PROTOCOL)),
    Case("6.5.2-connect", frame(SETTINGS, 0, 0, pack(">HL", 8, 2)), Goaway(PROTOCOL)),
    Case("6.6-push", frame(PUSH, 4, 1, pack(">L", 2) + block(GET)), Goaway(PROTOCOL)),
    Case("6.7-stream", frame(PING, 0, 1, b"12345678"), Goaway(PROTOCOL)),
    Case("6.7-length", frame(PING, 0, 0, b"123456"), Goaway(SIZE)),
    Case("6.8-stream", frame(GOAWAY, 0, 1, pack(">LL", 0, 0)), Goaway(PROTOCOL)),
    Case("6.9-zero", frame(WINDOW, 0, 0, pack(">L", 0)), Goaway(PROTOCOL)),
    Case("6.9-zero-stream", OPEN + frame(WINDOW, 0, 1, pack(">L", 0)), Reset(1, PROTOCOL), "hang"),
    Case("6.9-length", frame(WINDOW, 0, 0, b"123"), Goaway(SIZE)),
    Case("6.9.1-overflow", frame(WINDOW, 0, 0, pack(">L", 2**31 - 1)), Goaway(FLOW)),
    Case("6.9.1-overflow-stream", OPEN + frame(WINDOW, 0, 1, pack(">L", 2**31 - 1)), Reset(1, FLOW), "hang"),
    Case(
        "6.9.2-overflow-by-settings",
        OPEN + frame(WINDOW, 0, 1, pack(">L", 2**30)) + frame(SETTINGS, 0, 0, pack(">HL", 4, 2**31 - 1)),
        Goaway(FLOW),
        "hang",
    ),
    Case("6.10-after-end", WHOLE + frame(CONTINUATION, 4, 1, block(GET[:1])), Goaway(PROTOCOL)),
    Case("6.10-stream-0", PART + frame(CONTINUATION, 4, 0, b""), Goaway(PROTOCOL)),
    Case("6.10-other-stream", PART + frame(CONTINUATION, 4, 3, b""), Goaway(PROTOCOL)),
    Case("6.10-data-between", PART + data(1, b"x"), Goaway(PROTOCOL)),
    Case("6.10-after-data", OPEN + data(1, b"x") + frame(CONTINUATION, 4, 1, b""), Goaway(PROTOCOL), "hang"),
]

SECTION_8 = [
    Case("8.1-second-headers", OPEN + headers(1, [(b"x", b"y")], end=False), Reset(1, PROTOCOL), "hang"),
    Case("8.1-trailers-pseudo", OPEN + headers(1, [(b":method", b"GET")]), Reset(1, PROTOCOL), "hang"),
    Case("8.1-trailers-upper", OPEN + headers(1, [(b"X", b"y")]), Reset(1, PROTOCOL), "hang"),
    Case("8.1-trailers-forbidden", OPEN + headers(1, [(b"host", b"y")]), Status(1, 400), "echo"),
    Case("8.2.1-upper", request((b"X-Test", b"a")), Reset(1, PROTOCOL)),
    Case("8.2.1-space-in-name", request((b"x test", b"a")), Reset(1, PROTOCOL)),
    Case("8.2.1-empty-name", request((b"", b"a")), Reset(1, PROTOCOL)),
    Case("8.2.1-colon-in-name", request((b"a:b", b"a")), Reset(1, PROTOCOL)),
    Case("8.2.1-nul", request((b"x", b"a\0")), Reset(1, PROTOCOL)),
    Case("8.2.1-line-break", request((b"x", b"a\r\nb: c")), Reset(1, PROTOCOL)),
    Case("8.2.1-space-before", request((b"x", b" a")), Reset(1, PROTOCOL)),
    Case("8.2.1-tab-after", request((b"x", b"a\t")), Reset(1, PROTOCOL)),
    Case("8.2.1-obs-text", request((b"x", b"\xe4")), Status(1, 200)),
    Case("8.2.1-underscore", request((b"x_y", b"z")), Status(1, 200)),
    Case("8.2.2-connection", request((b"connection", b"keep-alive")), Reset(1, PROTOCOL)),
    Case("8.2.2-transfer-encoding", request((b"transfer-encoding", b"chunked")), Reset(1, PROTOCOL)),
    Case("8.2.2-upgrade", request((b"upgrade", b"h2c")), Reset(1, PROTOCOL)),
    Case("8.2.2-keep-alive", request((b"keep-alive", b"1")), Reset(1, PROTOCOL)),
    Case("8.2.2-proxy-connection", request((b"proxy-connection", b"close")), Reset(1, PROTOCOL)),
    Case("8.2.2-te", request((b"te", b"trailers, deflate")), Reset(1, PROTOCOL)),
    Case("8.2.2-te-trailers", request((b"te", b"trailers")), Status(1, 200)),
    Case("8.3-unknown-pseudo", headers(1, [*GET, (b":test", b"a")]), Reset(1, PROTOCOL)),
    Case("8.3-response-pseudo", headers(1, [*GET, (b":status", b"200")]), Reset(1, PROTOCOL)),
    Case("8.3-pseudo-after", headers(1, [*GET[:3], (b"x", b"y"), GET[3]]), Reset(1, PROTOCOL)),
    Case("8.3.1-empty-path", request(drop=b":path").replace(b"", b""), Reset(1, PROTOCOL)),
    Case("8.3.1-path-empty", headers(1, [*GET[:2], (b":path", b""), GET[3]]), Reset(1, PROTOCOL)),
    Case("8.3.1-no-method", request(drop=b":method"), Reset(1, PROTOCOL)),
    Case("8.3.1-no-scheme", request(drop=b":scheme"), Reset(1, PROTOCOL)),
    Case("8.3.1-no-path", request(drop=b":path"), Reset(1, PROTOCOL)),
    Case("8.3.1-two-methods", headers(1, [GET[0], *GET]), Reset(1, PROTOCOL)),
    Case("8.3.1-two-schemes", headers(1, [GET[1], *GET]), Reset(1, PROTOCOL)),
    Case("8.3.1-two-paths", headers(1, [GET[2], *GET]), Reset(1, PROTOCOL)),
    Case("8.3.1-two-authorities", headers(1, [GET[3], *GET]), Reset(1, PROTOCOL)),
    Case("8.1.1-length-short", request((b"content-length", b"2"), end=False) + data(1, b"x", end=True), Reset(1, 1), "echo"),
    Case("8.1.1-length-long", request((b"content-length", b"1"), end=False) + data(1, b"xx"), Reset(1, 1), "echo"),
    Case("8.1.1-length-pieces", request((b"content-length", b"1"), end=False) + data(1, b"x") + data(1, b"x", end=True), Reset(1, 1), "echo"),
    Case("8.1.1-length-no-body", request((b"content-length", b"1")), Reset(1, PROTOCOL)),
    Case("8.1.1-length-trailers", request((b"content-length", b"2"), end=False) + data(1, b"x") + headers(1, [(b"x", b"y")]), Reset(1, 1), "echo"),
    Case("8.1.1-length-right", request((b"content-length", b"1"), end=False) + data(1, b"x", end=True), Status(1, 200), "echo"),
    Case("8.1.1-length-zero", request((b"content-length", b"0")), Status(1, 200)),
    Case("8.1.1-length-letters", request((b"content-length", b"x")), Reset(1, PROTOCOL)),
    Case("8.1.1-length-sign", request((b"content-length", b"+1"), end=False), Reset(1, PROTOCOL)),
    Case("8.1.1-length-list", request((b"content-length", b"1, 1"), end=False), Reset(1, PROTOCOL)),
    Case("8.1.1-length-twice", request((b"content-length", b"1"), (b"content-length", b"1"), end=False), Reset(1, 1)),
    Case("8.1.1-length-huge", request((b"content-length", b"9" * 5000), end=False), Reset(1, PROTOCOL)),
    Case("8.5-connect", headers(1, [(b":method", b"CONNECT"), (b":authority", b"a.example:443")]), Status(1, 501)),
    Case("8.5-connect-path", headers(1, [(b":method", b"CONNECT"), *GET[1:]]), Reset(1, PROTOCOL)),
    Case("8.5-connect-no-authority", headers(1, [(b":method", b"CONNECT")]), Reset(1, PROTOCOL)),
    Case("8.5-connect-no-port", headers(1, [(b":method", b"CONNECT"), (b":authority", b"a.example")]), Status(1, 400)),
    Case("8441-protocol-off", headers(1, [(b":method", b"CONNECT"), *GET[1:], (b":protocol", b"websocket")]), Reset(1, PROTOCOL)),
]  # fmt: skip

ANSWERED = [
    Case("path-fragment", headers(1, [*GET[:2], (b":path", b"/#a"), GET[3]]), Status(1, 400)),
    Case("path-space", headers(1, [*GET[:2], (b":path", b"/a b"), GET[3]]), Status(1, 400)),
    Case("path-not-ascii", headers(1, [*GET[:2], (b":path", b"/\xe4"), GET[3]]), Status(1, 400)),
    Case("path-no-slash", headers(1, [*GET[:2], (b":path", b"a"), GET[3]]), Status(1, 400)),
    Case("path-absolute", headers(1, [*GET[:2], (b":path", b"http://x/"), GET[3]]), Status(1, 400)),
    Case("path-asterisk", headers(1, [*GET[:2], (b":path", b"*"), GET[3]]), Status(1, 400)),
    Case("path-asterisk-options", headers(1, [(b":method", b"OPTIONS"), GET[1], (b":path", b"*"), GET[3]]), Status(1, 200)),
    Case("path-long", headers(1, [*GET[:2], (b":path", b"/" + b"a" * 8192), GET[3]]), Status(1, 414)),
    Case("path-longest", headers(1, [*GET[:2], (b":path", b"/" + b"a" * 8191), GET[3]]), Status(1, 200)),
    Case("method-no-token", headers(1, [(b":method", b"G(T"), *GET[1:]]), Status(1, 400)),
    Case("method-unknown", headers(1, [(b":method", b"BREW"), *GET[1:]]), Status(1, 200)),
    Case("scheme-other", headers(1, [GET[0], (b":scheme", b"ftp"), *GET[2:]]), Status(1, 400)),
    Case("scheme-https", headers(1, [GET[0], (b":scheme", b"https"), *GET[2:]]), Status(1, 200)),
    Case("authority-user", headers(1, [*GET[:3], (b":authority", b"me@x")]), Status(1, 400)),
    Case("authority-port", headers(1, [*GET[:3], (b":authority", b"x:99999")]), Status(1, 400)),
    Case("authority-ipv6", headers(1, [*GET[:3], (b":authority", b"[::1]:80")]), Status(1, 200)),
    Case("authority-ipv6-broken", headers(1, [*GET[:3], (b":authority", b"[::1::]")]), Status(1, 400)),
    Case("authority-empty", headers(1, [*GET[:3], (b":authority", b"")]), Status(1, 400)),
    Case("authority-missing", headers(1, GET[:3]), Status(1, 400)),
    Case("host-instead", headers(1, [*GET[:3], (b"host", b"x")]), Status(1, 200)),
    Case("host-same", request((b"host", b"Example.ORG")), Status(1, 200)),
    Case("host-other", request((b"host", b"other.example")), Status(1, 400)),
    Case("host-twice", request((b"host", b"example.org"), (b"host", b"example.org")), Status(1, 400)),
    Case("expect-other", request((b"expect", b"tea")), Status(1, 417)),
    Case("field-large", frame(HEADERS, 1, 1, block(GET)) + frame(CONTINUATION, 0, 1, b"\x00\x01x\x7f\x81\x80\x01" + b"y" * 16_000) + frame(CONTINUATION, 4, 1, b"y" * 512), Status(1, 431)),
    Case("fields-many", request(*[(b"x", b"y")] * 100), Status(1, 431)),
    Case("fields-most", request(*[(b"x", b"y")] * 99), Status(1, 200)),
    Case("crumbs-many", request(*[(b"cookie", b"a=b")] * 100), Status(1, 431)),
    Case("head-431", headers(1, [(b":method", b"HEAD"), *GET[1:], *[(b"x", b"y")] * 100]), Status(1, 431)),
]  # fmt: skip


def _hpack(payload: bytes) -> bytes:
    return frame(HEADERS, 5, 1, payload)


HPACK = [
    Case("hpack-2.3.3-index-zero", _hpack(block(GET) + b"\x80"), Goaway(COMPRESSION)),
    Case("hpack-2.3.3-index-beyond", _hpack(block(GET) + b"\xc6"), Goaway(COMPRESSION)),
    Case("hpack-4.2-size-at-end", _hpack(block(GET) + b"\x20"), Goaway(COMPRESSION)),
    Case("hpack-5.2-padding-long", _hpack(block(GET) + b"\x00\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff"), Goaway(COMPRESSION)),
    Case("hpack-5.2-padding-zero", _hpack(block(GET) + b"\x00\x85\xf2\xb2\x4a\x84\xff\x83\x49\x50\x90"), Goaway(COMPRESSION)),
    Case("hpack-5.2-eos", _hpack(block(GET) + b"\x00\x85\xf2\xb2\x4a\x84\xff\x88\x49\x51\xff\xff\xff\xfa\x7f\xff"), Goaway(COMPRESSION)),
    Case("hpack-6.3-size-too-large", _hpack(b"\x3f\xe2\x1f" + block(GET)), Goaway(COMPRESSION)),
    Case("hpack-6.3-size-allowed", _hpack(b"\x3f\xe1\x1f" + block(GET)), Status(1, 200)),
    Case("hpack-truncated", _hpack(block(GET)[:-3]), Goaway(COMPRESSION)),
    Case("hpack-integer-long", _hpack(b"\xff" + b"\xff" * 20), Goaway(COMPRESSION)),
    Case("hpack-huffman", _hpack(Encoder().encode(GET)), Status(1, 200)),
]  # fmt: skip

PRIORITIES = [
    Case("9218-update", headers(1) + frame(0x10, 0, 0, pack(">L", 1) + b"u=1"), FINE),
    Case("9218-update-early", frame(0x10, 0, 0, pack(">L", 1) + b"u=1, i"), FINE),
    Case("9218-update-nonsense", frame(0x10, 0, 0, pack(">L", 1) + b"\xff\xff="), FINE),
    Case("9218-update-on-stream", frame(0x10, 0, 1, pack(">L", 1) + b"u=1"), Goaway(PROTOCOL)),
    Case("9218-update-stream-0", frame(0x10, 0, 0, pack(">L", 0) + b"u=1"), Goaway(PROTOCOL)),
    Case("9218-update-short", frame(0x10, 0, 0, b"\0\0"), Goaway(SIZE)),
]

CASES = [*GENERIC, *SECTION_3_TO_4, *SECTION_5, *SECTION_6, *SECTION_8, *ANSWERED, *HPACK, *PRIORITIES]
