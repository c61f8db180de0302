"""Requests that two servers in a row may read differently: where one ends, what it is for, how many there are.

Each case is the bytes that one client sends. ``TOKEN`` in them becomes a word of the same length that is the case's
own, so that whatever reaches an application, or another client, tells where it came from. Which of the readings is
right does not matter here: the proxy's is the one that counts, and the server behind it must have the same or none.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["CORPUS", "OWN", "POISON", "SECOND", "TOKEN", "Case"]

TOKEN: Final = b"TOKEN"

SECOND: Final = b"GET /second/TOKEN HTTP/1.1\r\nHost: second\r\n\r\n"
SWALLOWS: Final = b"GET /swallows/TOKEN HTTP/1.1\r\nHost: second\r\nX-Swallowed: "
POISON: Final = SECOND + SWALLOWS
"""A request that may come out of another, and one that waits for the first line of whoever comes next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What one client sends."""

    name: str
    wire: bytes

    def of(self, token: bytes) -> bytes:
        """The bytes with a word of its own."""
        assert len(token) == len(TOKEN)
        return self.wire.replace(TOKEN, token)


def post(*lines: bytes, body: bytes = b"", path: bytes = b"/own/TOKEN", method: bytes = b"POST") -> bytes:
    return b"\r\n".join([method + b" " + path + b" HTTP/1.1", b"Host: first", *lines, b"", body])


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    return b"%x%s\r\n%s\r\n" % (len(data), extension, data)


def length(body: bytes) -> bytes:
    return b"Content-Length: %d" % len(body)


END: Final = b"0\r\n\r\n"

# -- Transfer-Encoding that some see and others do not (RFC 9112, 6.1 and 6.3) -----------------------------------------

TRANSFER_ENCODINGS: Final = {
    "plain": b"Transfer-Encoding: chunked",
    "lower": b"transfer-encoding: chunked",
    "upper-value": b"Transfer-Encoding: CHUNKED",
    "space-before-colon": b"Transfer-Encoding : chunked",
    "tab-before-colon": b"Transfer-Encoding\t: chunked",
    "no-space": b"Transfer-Encoding:chunked",
    "tab": b"Transfer-Encoding:\tchunked",
    "vertical-tab": b"Transfer-Encoding:\x0bchunked",
    "form-feed": b"Transfer-Encoding: \x0cchunked",
    "space-after": b"Transfer-Encoding: chunked ",
    "vertical-tab-after": b"Transfer-Encoding: chunked\x0b",
    "space-before-name": b" Transfer-Encoding: chunked",
    "folded": b"Transfer-Encoding:\r\n chunked",
    "folded-with-tab": b"Transfer-Encoding:\r\n\tchunked",
    "folded-with-lf": b"Transfer-Encoding:\n chunked",
    "in-a-fold": b"X: y\r\n Transfer-Encoding: chunked",
    "after-lf": b"X: y\nTransfer-Encoding: chunked",
    "after-cr": b"X: y\rTransfer-Encoding: chunked",
    "after-nul": b"X: y\x00\r\nTransfer-Encoding: chunked",
    "nul-in-name": b"Transfer-Encoding\x00: chunked",
    "nul-in-value": b"Transfer-Encoding: chunked\x00",
    "underscore": b"Transfer_Encoding: chunked",
    "quoted": b'Transfer-Encoding: "chunked"',
    "single-quoted": b"Transfer-Encoding: 'chunked'",
    "x-chunked": b"Transfer-Encoding: xchunked",
    "chunk": b"Transfer-Encoding: chunk",
    "identity": b"Transfer-Encoding: identity",
    "empty": b"Transfer-Encoding: ",
    "identity-chunked": b"Transfer-Encoding: identity, chunked",
    "chunked-identity": b"Transfer-Encoding: chunked, identity",
    "chunked-twice": b"Transfer-Encoding: chunked, chunked",
    "comma-before": b"Transfer-Encoding: , chunked",
    "comma-after": b"Transfer-Encoding: chunked,",
    "parameter": b"Transfer-Encoding: chunked;q=1",
    "gzip-chunked": b"Transfer-Encoding: gzip, chunked",
    "two-fields": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "two-fields-reversed": b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "two-spellings": b"Transfer-Encoding: chunked\r\ntransfer-ENCODING: x",
    "high-byte": b"Transfer-Encoding: \xa0chunked",
    "high-byte-in-name": b"Transfer-Encoding\xa0: chunked",
    "colon-twice": b"Transfer-Encoding:: chunked",
    "content-encoding": b"Content-Encoding: chunked",
    "hidden-by-connection": b"Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked",
    "no-colon-line-before": b"Foo\r\nTransfer-Encoding: chunked",
    "te-header": b"TE: chunked\r\nTransfer-Encoding: chunked",
}


def transfer_encoding_cases() -> Iterator[Case]:
    for name, line in TRANSFER_ENCODINGS.items():
        ends_early = END + POISON
        yield Case(name=f"cl-te/{name}", wire=post(length(ends_early), line, body=ends_early))
        carried = chunk(POISON)
        size_line = carried[: carried.index(b"\n") + 1]
        yield Case(name=f"te-cl/{name}", wire=post(line, length(size_line), body=carried + END))
        yield Case(name=f"te-only/{name}", wire=post(line, body=carried + END))


# -- Content-Length (RFC 9110, 8.6) ------------------------------------------------------------------------------------

LENGTHS: Final = {
    "plus": b"Content-Length: +%d",
    "zeros": b"Content-Length: 0000%d",
    "space-inside": b"Content-Length: 0 %d",
    "comma": b"Content-Length: %d, 0",
    "comma-zero-first": b"Content-Length: 0, %d",
    "list-of-equals": b"Content-Length: %d, %d",
    "point": b"Content-Length: %d.0",
    "hexadecimal": b"Content-Length: 0x%x",
    "underscore-in-value": b"Content-Length: 0_%d",
    "text-after": b"Content-Length: %d abc",
    "negative": b"Content-Length: -%d",
    "vertical-tab": b"Content-Length:\x0b%d",
    "nul": b"Content-Length: %d\x00",
    "space-before-colon": b"Content-Length : %d",
    "underscore-in-name": b"Content_Length: %d",
    "folded": b"Content-Length:\r\n %d",
    "folded-digits": b"Content-Length: 0\r\n %d",
    "wraps-around": b"Content-Length: 18446744073709551616",
    "two-equal": b"Content-Length: %d\r\nContent-Length: %d",
    "two-zero-first": b"Content-Length: 0\r\nContent-Length: %d",
    "two-zero-last": b"Content-Length: %d\r\nContent-Length: 0",
    "two-spellings": b"Content-Length: %d\r\ncontent-LENGTH: 0",
    "two-one-empty": b"Content-Length:\r\nContent-Length: %d",
    "hidden-by-connection": b"Connection: Content-Length\r\nContent-Length: %d",
    "after-lf": b"X: y\nContent-Length: %d",
    "after-cr": b"X: y\rContent-Length: %d",
    "in-a-fold": b"X: y\r\n Content-Length: %d",
    "space-before-name": b" Content-Length: %d",
    "only-underscored-beside": b"Content-Length: 0\r\nContent_Length: %d",
    "exponent": b"Content-Length: %de0",
    "arabic-digit": b"Content-Length: \xd9\xa3",
}


def content_length_cases() -> Iterator[Case]:
    for name, line in LENGTHS.items():
        count = line.count(b"%")
        filled = line % ((len(POISON),) * count) if count else line
        yield Case(name=f"cl/{name}", wire=post(filled, body=POISON))
        yield Case(name=f"cl-get/{name}", wire=post(filled, body=POISON, method=b"GET"))


# -- chunks (RFC 9112, 7.1) --------------------------------------------------------------------------------------------

HEXADECIMAL: Final = b"%x" % len(POISON)
CHUNKED_BODIES: Final = {
    "zeros-before-size": b"000000" + chunk(POISON) + END,
    "many-zeros": b"0" * 40 + chunk(POISON) + END,
    "0x": b"0x" + chunk(POISON) + END,
    "plus": b"+" + chunk(POISON) + END,
    "minus-zero": b"-0\r\n\r\n" + POISON,
    "minus": b"-1\r\n" + POISON,
    "underscore": b"0_" + chunk(POISON) + END,
    "space-before-size": b" " + chunk(POISON) + END,
    "space-after-size": chunk(POISON, b" ") + END,
    "tab-after-size": chunk(POISON, b"\t") + END,
    "size-wraps-at-32": b"100000000" + b"\r\n" + POISON + b"\r\n" + END,
    "size-wraps-at-64": b"10000000000000000" + b"\r\n" + POISON + b"\r\n" + END,
    "size-wraps-to-a-size": b"1" + b"0" * 14 + HEXADECIMAL.rjust(2, b"0") + b"\r\n" + POISON + b"\r\n" + END,
    "size-2-to-63": b"7fffffffffffffff\r\n" + POISON,
    "size-with-letters": b"5g\r\nhello\r\n" + END + POISON,
    "size-empty": b"\r\n" + POISON,
    "extension": chunk(POISON, b";name=value") + END,
    "extension-quoted": chunk(POISON, b';name="va;l\\"ue"') + END,
    "extension-quoted-line-end": chunk(POISON, b';name="\r\n"') + END,
    "extension-lf": b"2;\n" + b"xx\r\n" + HEXADECIMAL + b"\r\n0\r\n\r\n" + POISON,
    "extension-cr": b"2;\rxx\r\n" + HEXADECIMAL + b"\r\n0\r\n\r\n" + POISON,
    "extension-nul": chunk(POISON, b";\x00") + END,
    "extension-space": chunk(POISON, b" ; name = value") + END,
    "extension-on-the-last": b"0;x=y\r\n\r\n" + POISON,
    "extension-lf-on-the-last": b"0;\nGET /second/TOKEN HTTP/1.1\r\nHost: x\r\n\r\n",
    "lf-after-size": chunk(POISON).replace(b"\r\n", b"\n", 1) + END,
    "cr-after-size": chunk(POISON).replace(b"\r\n", b"\r", 1) + END,
    "lf-after-data": b"5\r\nhello\n" + END + POISON,
    "cr-after-data": b"5\r\nhello\r" + END + POISON,
    "nothing-after-data": b"5\r\nhello" + END + POISON,
    "other-bytes-after-data": b"5\r\nhelloXX" + END + POISON,
    "data-longer-than-size": b"5\r\nhello, world\r\n" + END + POISON,
    "data-shorter-than-size": b"ff\r\nhello\r\n" + END + POISON,
    "last-with-lf": b"0\n\n" + POISON,
    "last-with-lf-at-the-end": b"0\r\n\n" + POISON,
    "last-with-cr": b"0\r\r" + POISON,
    "last-of-many-zeros": b"000000\r\n\r\n" + POISON,
    "last-without-its-line": b"0\r\n" + POISON,
    "trailer": b"0\r\nX-Trailer: y\r\n\r\n" + POISON,
    "trailer-content-length": b"0\r\nContent-Length: 1000\r\n\r\n" + POISON,
    "trailer-transfer-encoding": b"0\r\nTransfer-Encoding: chunked\r\n\r\n" + POISON,
    "trailer-host": b"0\r\nHost: second\r\n\r\n" + POISON,
    "trailer-with-lf": b"0\r\nX: y\n\n" + POISON,
    "trailer-with-cr": b"0\r\nX: y\r\r\n" + POISON,
    "trailer-without-colon": b"0\r\nX\r\n\r\n" + POISON,
    "trailer-folded": b"0\r\nX: y\r\n z\r\n\r\n" + POISON,
    "trailer-space-first": b"0\r\n X: y\r\n\r\n" + POISON,
    "inside-of-data": chunk(POISON) + END,
    "tiny": b"".join(chunk(bytes([byte])) for byte in POISON) + END,
    "rubbish-after-the-end": END + b"\x00\x01\x02" + POISON,
    "line-ends-after-the-end": END + b"\r\n\r\n" + POISON,
}


def chunked_cases() -> Iterator[Case]:
    for name, body in CHUNKED_BODIES.items():
        yield Case(name=f"chunks/{name}", wire=post(b"Transfer-Encoding: chunked", body=body))
    # Answered before the body is read: what is left of it must be read by nobody as a request.
    for path, name in itertools.product((b"/unread/TOKEN", b"/early/TOKEN"), ("inside-of-data", "tiny", "extension")):
        yield Case(
            name=f"chunks{path[:-6].decode()}/{name}",
            wire=post(b"Transfer-Encoding: chunked", body=CHUNKED_BODIES[name] + SECOND, path=path),
        )


# -- heads (RFC 9112, 2.2, 3 and 5) ------------------------------------------------------------------------------------

OWN: Final = b"GET /own/TOKEN HTTP/1.1\r\nHost: first\r\n"
LINES: Final = {
    "two-hosts": b"Host: second",
    "host-with-path": b"Host: second/x",
    "host-lf": b"Host: second\nX: y",
    "no-colon": b"X",
    "no-name": b": y",
    "cr-in-value": b"X: y\rz",
    "nul-in-value": b"X: y\x00z",
    "nul-in-name": b"X\x00: y",
    "fold": b"X: y\r\n z",
    "fold-empty": b"X: y\r\n \r\nZ: z",
    "lf": b"X: y\nZ: z",
    "lf-lf": b"X: y\n\nGET /second/TOKEN HTTP/1.1\r\nHost: second",
    "cr-cr": b"X: y\r\r\nGET /second/TOKEN HTTP/1.1",
    "cr-lf-space": b"X: y\r\n \r\n\r\nGET /second/TOKEN HTTP/1.1\r\nHost: second",
    "controls": b"X: \x01\x7f",
    "connection-host": b"Connection: host",
    "connection-x": b"Connection: close, keep-alive, x",
    "keep-alive-of-1.0": b"Connection: keep-alive\r\nKeep-Alive: timeout=1",
    "proxy-connection": b"Proxy-Connection: keep-alive",
    "expect": b"Expect: 100-continue",
    "expect-other": b"Expect: 200-ok",
    "expect-twice": b"Expect: 100-continue, 100-continue",
    "upgrade-websocket": b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "upgrade-websocket-777": b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    "upgrade-websocket-without-key": b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13",
    "upgrade-h2c": b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    "upgrade-h2c-alone": b"Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__",
    "upgrade-tls": b"Connection: Upgrade\r\nUpgrade: TLS/1.0",
    "max-forwards": b"Max-Forwards: 0",
    "range": b"Range: bytes=0-0",
    "te-trailers": b"Connection: TE\r\nTE: trailers, chunked",
}
REQUEST_LINES: Final = {
    "absolute": b"GET http://second/own/TOKEN HTTP/1.1",
    "absolute-upper": b"GET HTTP://second/own/TOKEN HTTP/1.1",
    "absolute-without-path": b"GET http://second?own/TOKEN HTTP/1.1",
    "absolute-user": b"GET http://u:p@second/own/TOKEN HTTP/1.1",
    "absolute-other-scheme": b"GET ftp://second/own/TOKEN HTTP/1.1",
    "two-slashes": b"GET //second/own/TOKEN HTTP/1.1",
    "no-slash": b"GET own/TOKEN HTTP/1.1",
    "at": b"GET @second/own/TOKEN HTTP/1.1",
    "fragment": b"GET /own/TOKEN#x HTTP/1.1",
    "dots": b"GET /x/../own/TOKEN HTTP/1.1",
    "encoded-slash": b"GET /own%2fTOKEN/own/TOKEN HTTP/1.1",
    "encoded-line-end": b"GET /own/TOKEN%0d%0aX:%20y HTTP/1.1",
    "encoded-nul": b"GET /own/TOKEN%00 HTTP/1.1",
    "encoded-space": b"GET /own/TOKEN%20HTTP/1.1%0d%0a HTTP/1.1",
    "raw-space": b"GET /own/TOKEN x HTTP/1.1",
    "raw-nul": b"GET /own/TOKEN\x00 HTTP/1.1",
    "raw-high-byte": b"GET /own/TOKEN\xff HTTP/1.1",
    "tab-between": b"GET\t/own/TOKEN\tHTTP/1.1",
    "two-spaces": b"GET  /own/TOKEN  HTTP/1.1",
    "space-first": b" GET /own/TOKEN HTTP/1.1",
    "space-last": b"GET /own/TOKEN HTTP/1.1 ",
    "lines-first": b"\r\n\r\nGET /own/TOKEN HTTP/1.1",
    "lf-first": b"\nGET /own/TOKEN HTTP/1.1",
    "cr-first": b"\rGET /own/TOKEN HTTP/1.1",
    "1.0": b"GET /own/TOKEN HTTP/1.0",
    "1.2": b"GET /own/TOKEN HTTP/1.2",
    "1.10": b"GET /own/TOKEN HTTP/1.10",
    "2.0": b"GET /own/TOKEN HTTP/2.0",
    "0.9": b"GET /own/TOKEN HTTP/0.9",
    "no-version": b"GET /own/TOKEN",
    "lower-version": b"GET /own/TOKEN http/1.1",
    "lower-method": b"get /own/TOKEN HTTP/1.1",
    "method-of-symbols": b"G!#$%&'*+-.^_`|~ /own/TOKEN HTTP/1.1",
    "method-with-colon": b"GET: /own/TOKEN HTTP/1.1",
    "method-that-is-a-field": b"X:y /own/TOKEN HTTP/1.1",
    "method-long": b"M" * 300 + b" /own/TOKEN HTTP/1.1",
    "method-unknown": b"FROBNICATE /own/TOKEN HTTP/1.1",
    "head": b"HEAD /own/TOKEN HTTP/1.1",
    "head-of-204": b"HEAD /empty/TOKEN HTTP/1.1",
    "204": b"GET /empty/TOKEN HTTP/1.1",
    "304": b"GET /unchanged/TOKEN HTTP/1.1",
    "trace": b"TRACE /own/TOKEN HTTP/1.1",
    "options": b"OPTIONS /own/TOKEN HTTP/1.1",
    "options-star": b"OPTIONS * HTTP/1.1",
    "connect": b"CONNECT second:80 HTTP/1.1",
    "connect-path": b"CONNECT /own/TOKEN HTTP/1.1",
    "pri": b"PRI * HTTP/2.0",
}
EXPECTED: Final = {
    "expect": (b"Expect: 100-continue",),
    "expect-in-pieces": (b"Expect: 100-\r\n continue",),
    "expect-upper": (b"EXPECT: 100-CONTINUE",),
    "expect-y": (b"Expect: y 100-continue",),
    "expect-twice": (b"Expect: 100-continue", b"Expect: 100-continue"),
    "expect-other": (b"Expect: 200-ok",),
    "upgrade": (b"Connection: Upgrade", b"Upgrade: websocket"),
    "upgrade-h2c": (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAAP__"),
    "ordinary": (),
}
METHODS: Final = (b"GET", b"HEAD", b"DELETE", b"OPTIONS", b"TRACE", b"CONNECT", b"PATCH", b"FROBNICATE")


def head_cases() -> Iterator[Case]:
    for name, line in LINES.items():
        yield Case(name=f"line/{name}", wire=OWN + line + b"\r\n\r\n" + POISON)
        yield Case(name=f"line-with-body/{name}", wire=post(line, length(POISON), body=POISON))
    for name, line in REQUEST_LINES.items():
        yield Case(name=f"request-line/{name}", wire=line + b"\r\nHost: first\r\n\r\n" + POISON)
        yield Case(
            name=f"request-line-with-body/{name}",
            wire=b"\r\n".join([line, b"Host: first", length(POISON), b"", POISON]),
        )


def body_cases() -> Iterator[Case]:
    for (name, lines), path in itertools.product(EXPECTED.items(), (b"/own", b"/unread", b"/early", b"/empty")):
        framed = post(*lines, length(POISON), body=POISON, path=path + b"/TOKEN")
        yield Case(name=f"body/{name}{path.decode()}", wire=framed + SECOND)
    for method in METHODS:
        yield Case(name=f"method/{method.decode()}", wire=post(length(POISON), body=POISON + SECOND, method=method))
        chunks = chunk(POISON) + END + SECOND
        yield Case(
            name=f"method-chunks/{method.decode()}",
            wire=post(b"Transfer-Encoding: chunked", body=chunks, method=method),
        )
    short = post(b"Content-Length: 5", body=POISON)
    yield Case(name="body/longer-than-it-says", wire=short)
    yield Case(name="body/shorter-than-it-says", wire=post(b"Content-Length: 100000", body=POISON))
    yield Case(
        name="body/chunks-of-1.0",
        wire=post(b"Transfer-Encoding: chunked", body=chunk(POISON) + END).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
    )


CORPUS: Final = (
    *transfer_encoding_cases(),
    *content_length_cases(),
    *chunked_cases(),
    *head_cases(),
    *body_cases(),
)
