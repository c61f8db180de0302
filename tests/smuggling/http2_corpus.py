"""Requests of HTTP/2 that mean something else once a proxy has written them as HTTP/1.1 (RFC 9113, 8.2 and 10.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hpack import Encoder
from hpack.struct import HeaderTuple

from tests.smuggling.corpus import POISON, SECOND, Case

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HTTP2_CORPUS", "PREFACE", "request"]

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes.fromhex("000000040000000000")
DATA, HEADERS = 0, 1
END_STREAM, END_HEADERS = 1, 4

Field = tuple[bytes, bytes]


def frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def block(fields: list[Field]) -> bytes:
    """Without Huffman's code, so that a word in it can be replaced."""
    return Encoder().encode([HeaderTuple(*field) for field in fields], huffman=False)


def request(stream: int, pseudo: dict[bytes, bytes], fields: list[Field], body: bytes | None) -> bytes:
    given = {b":method": b"POST", b":scheme": b"http", b":authority": b"first", b":path": b"/own/TOKEN"} | pseudo
    flags = END_HEADERS if body is not None else END_HEADERS | END_STREAM
    head = frame(HEADERS, flags, stream, block([*given.items(), *fields]))
    return head if body is None else head + frame(DATA, END_STREAM, stream, body)


FIELDS: Final[dict[str, list[Field]]] = {
    "plain": [],
    "length": [(b"content-length", b"%d" % len(POISON))],
    "length-short": [(b"content-length", b"0")],
    "length-long": [(b"content-length", b"1000")],
    "length-twice": [(b"content-length", b"0"), (b"content-length", b"%d" % len(POISON))],
    "length-comma": [(b"content-length", b"0, %d" % len(POISON))],
    "length-plus": [(b"content-length", b"+0")],
    "chunked": [(b"transfer-encoding", b"chunked")],
    "chunked-upper": [(b"Transfer-Encoding", b"chunked")],
    "chunked-space": [(b"transfer-encoding ", b"chunked")],
    "chunked-underscore": [(b"transfer_encoding", b"chunked")],
    "chunked-and-length": [(b"transfer-encoding", b"chunked"), (b"content-length", b"%d" % len(POISON))],
    "line-end-in-value": [(b"x", b"y\r\ntransfer-encoding: chunked")],
    "lf-in-value": [(b"x", b"y\ntransfer-encoding: chunked")],
    "cr-in-value": [(b"x", b"y\rtransfer-encoding: chunked")],
    "nul-in-value": [(b"x", b"y\x00")],
    "line-end-in-name": [(b"x: y\r\ntransfer-encoding", b"chunked")],
    "colon-in-name": [(b"transfer-encoding: chunked\r\nx", b"y")],
    "space-in-value": [(b"x", b" y ")],
    "empty-name": [(b"", b"y")],
    "host": [(b"host", b"second")],
    "host-line-end": [(b"host", b"second\r\nx: y")],
    "connection": [(b"connection", b"transfer-encoding, keep-alive")],
    "upgrade": [(b"connection", b"upgrade"), (b"upgrade", b"h2c"), (b"http2-settings", b"AAMAAABk")],
    "expect": [(b"expect", b"100-continue")],
    "te": [(b"te", b"chunked")],
    "late-pseudo": [(b"x", b"y"), (b":path", b"/second/TOKEN")],
    "unknown-pseudo": [(b":x", b"y")],
    "two-cookies": [(b"cookie", b"a=b"), (b"cookie", b"c=d\r\nx: y")],
}
PSEUDO: Final[dict[str, dict[bytes, bytes]]] = {
    "path-with-version": {b":path": b"/own/TOKEN HTTP/1.1\r\nHost: x\r\n\r\nGET /second/TOKEN"},
    "path-with-space": {b":path": b"/own/TOKEN x"},
    "path-with-line-end": {b":path": b"/own/TOKEN\r\nx: y"},
    "path-absolute": {b":path": b"http://second/own/TOKEN"},
    "path-empty": {b":path": b""},
    "path-without-slash": {b":path": b"own/TOKEN"},
    "method-with-path": {b":method": b"GET /second/TOKEN HTTP/1.1\r\nHost: x\r\n\r\nGET"},
    "method-with-space": {b":method": b"GET /second/TOKEN"},
    "method-connect": {b":method": b"CONNECT"},
    "method-head": {b":method": b"HEAD"},
    "method-unknown": {b":method": b"FROBNICATE"},
    "authority-with-line-end": {b":authority": b"first\r\ntransfer-encoding: chunked"},
    "authority-with-path": {b":authority": b"first/second?x"},
    "authority-empty": {b":authority": b""},
    "scheme-with-more": {b":scheme": b"http://second/second/TOKEN?x="},
    "scheme-with-line-end": {b":scheme": b"http\r\nx: y"},
}
BODIES: Final[dict[str, bytes | None]] = {"poison": POISON, "chunks": b"0\r\n\r\n" + POISON, "none": None}


def cases() -> Iterator[Case]:
    last = request(3, {b":method": b"GET"}, [], None)
    for name, fields in FIELDS.items():
        for kind, body in BODIES.items():
            yield Case(name=f"http2/{name}/{kind}", wire=PREFACE + request(1, {}, fields, body) + last)
    for name, pseudo in PSEUDO.items():
        for kind, body in (("poison", POISON), ("none", None)):
            yield Case(name=f"http2/{name}/{kind}", wire=PREFACE + request(1, pseudo, [], body) + last)
    for path in (b"/unread/TOKEN", b"/early/TOKEN", b"/empty/TOKEN"):
        wire = PREFACE + request(1, {b":path": path}, [], POISON + SECOND) + last
        yield Case(name=f"http2{path[:-6].decode()}", wire=wire)


HTTP2_CORPUS: Final = tuple(cases())
