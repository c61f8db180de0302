"""Several requests on one connection, and attempts to smuggle one (RFC 9112, 9.3.2 and 11.2)."""

from __future__ import annotations

from pounce_http1.errors import (
    ConflictingFraming,
    InvalidChunk,
    InvalidHeader,
    InvalidRequestLine,
    InvalidTransferEncoding,
    UnsupportedTransferCoding,
)
from pounce_http1.testing.case import Case, Request, get, post

__all__ = ["PIPELINING_CASES"]

_A = get(start=b"GET /a HTTP/1.1")
_B = get(b"X: y", start=b"GET /b HTTP/1.1")
_EVIL = get(start=b"GET /evil HTTP/1.1")

PIPELINING_CASES: tuple[Case, ...] = (
    Case(
        name="pipelining/two",
        wire=_A + _B,
        reason="RFC 9112, 9.3.2",
        requests=(Request(target=b"/a"), Request(target=b"/b")),
    ),
    Case(
        name="pipelining/ten-equal",
        wire=_A * 10,
        reason="RFC 9112, 9.3.2: a remembered block is read as the first one was",
        requests=(Request(target=b"/a", headers=((b"host", b"a.example"),)),) * 10,
    ),
    Case(
        name="pipelining/alternating-blocks",
        wire=(_A + _B) * 4,
        reason="RFC 9112, 9.3.2",
        requests=(
            Request(target=b"/a", headers=((b"host", b"a.example"),)),
            Request(target=b"/b", headers=((b"host", b"a.example"), (b"x", b"y"))),
        )
        * 4,
    ),
    Case(
        name="pipelining/equal-block-other-line",
        wire=_A * 3 + get(start=b"HEAD /c?d HTTP/1.1") + get(start=b"GET http://b.example/ HTTP/1.1") + _A,
        reason="RFC 9112, 3: the request line is read each time, whatever is remembered",
        requests=(
            *(Request(target=b"/a"),) * 3,
            Request(method="HEAD", target=b"/c?d", facts=(("query_string", b"d"),)),
            Request(target=b"http://b.example/", headers=((b"host", b"b.example"),)),
            Request(target=b"/a", headers=((b"host", b"a.example"),)),
        ),
    ),
    Case(
        name="pipelining/equal-block-bad-line",
        wire=_A * 3 + get(start=b"GET /a HTTP/1.1 "),
        reason="RFC 9112, 3: a remembered block makes no line right",
        requests=(Request(target=b"/a"),) * 3,
        error=InvalidRequestLine,
    ),
    Case(
        name="pipelining/equal-block-other-version",
        wire=_A * 3 + get(start=b"GET /a HTTP/1.0"),
        reason="RFC 9112, 9.3: the same fields mean other things in HTTP/1.0",
        requests=(
            *(Request(target=b"/a", facts=(("keep_alive", True),)),) * 3,
            Request(target=b"/a", facts=(("keep_alive", False), ("http_version", "1.0"))),
        ),
    ),
    Case(
        name="pipelining/equal-block-and-more",
        wire=_A * 3 + get(b"A: b", start=b"GET /a HTTP/1.1"),
        reason="RFC 9112, 5: a block that begins like the remembered one is another one",
        requests=(
            *(Request(target=b"/a", headers=((b"host", b"a.example"),)),) * 3,
            Request(target=b"/a", headers=((b"host", b"a.example"), (b"a", b"b"))),
        ),
    ),
    Case(
        name="pipelining/equal-bodies",
        wire=post(b"Content-Length: 5", body=b"hello") * 3,
        reason="RFC 9112, 6.2: a remembered block has its body each time",
        requests=(Request(method="POST", body=b"hello"),) * 3,
    ),
    Case(
        name="pipelining/equal-chunked-bodies",
        wire=post(b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\nX: y\r\n\r\n") * 3,
        reason="RFC 9112, 7.1: a remembered block has its body each time",
        requests=(Request(method="POST", body=b"hello", trailers=((b"x", b"y"),)),) * 3,
    ),
    Case(
        name="pipelining/empty-line-between",
        wire=_A + b"\r\n" + _B,
        reason="RFC 9112, 2.2: one empty line before each request",
        requests=(Request(target=b"/a"), Request(target=b"/b")),
    ),
    Case(
        name="pipelining/two-empty-lines-between",
        wire=_A + b"\r\n\r\n" + _B,
        reason="RFC 9112, 2.2: one empty line, not more",
        requests=(Request(target=b"/a"),),
        error=InvalidRequestLine,
    ),
    Case(
        name="pipelining/bad-second",
        wire=_A + b"nonsense\r\n\r\n" + _B,
        reason="RFC 9112, 9.3.2: an error ends the pipeline",
        requests=(Request(target=b"/a"),),
        error=InvalidRequestLine,
    ),
    Case(
        name="pipelining/half-second",
        wire=_A + b"GET /b",
        reason="RFC 9112, 8: the second is incomplete",
        requests=(Request(target=b"/a"),),
        waiting=True,
    ),
    Case(
        name="pipelining/after-close",
        wire=get(b"Connection: close") + _A,
        reason="RFC 9112, 9.6: the server stops after a close; the reader only says what it reads",
        requests=(Request(facts=(("keep_alive", False),)), Request(target=b"/a")),
    ),
    Case(
        name="smuggling/cl-te",
        wire=post(b"Content-Length: 6", b"Transfer-Encoding: chunked", body=b"0\r\n\r\nG"),
        reason="RFC 9112, 11.2: the classic, front by length, back by chunks",
        error=ConflictingFraming,
    ),
    Case(
        name="smuggling/te-cl",
        wire=post(
            b"Content-Length: 4",
            b"Transfer-Encoding: chunked",
            body=b"%x\r\n%b\r\n0\r\n\r\n" % (len(_EVIL), _EVIL),
        ),
        reason="RFC 9112, 11.2: the classic, front by chunks, back by length",
        error=ConflictingFraming,
    ),
    Case(
        name="smuggling/te-te",
        wire=post(b"Transfer-Encoding: chunked", b"Transfer-encoding: cow", body=b"0\r\n\r\n"),
        reason="RFC 9112, 11.2: hidden from one of two readers by a second coding",
        error=UnsupportedTransferCoding,
    ),
    Case(
        name="smuggling/te-duplicated-value",
        wire=post(b"Transfer-Encoding: chunked, chunked", body=b"0\r\n\r\n"),
        reason="RFC 9112, 6.1: chunked twice",
        error=InvalidTransferEncoding,
    ),
    Case(
        name="smuggling/name-with-space",
        wire=post(b"Content-Length: 4", b"Transfer-Encoding : chunked", body=b"0\r\n\r\n"),
        reason="RFC 9112, 5.1: space before the colon",
        error=InvalidHeader,
    ),
    Case(
        name="smuggling/name-with-tab",
        wire=post(b"Content-Length\t: 4", body=b"0\r\n\r\n"),
        reason="RFC 9112, 5.1: tab before the colon",
        error=InvalidHeader,
    ),
    Case(
        name="smuggling/line-feed-in-chunk-extension",
        wire=post(b"Transfer-Encoding: chunked", body=b"2;\nxx\r\n4c\r\n0\r\n\r\n" + _EVIL),
        reason="RFC 9112, 7.1.1: an LF in an extension ends the line for some",
        requests=(Request(method="POST", body=b"", complete=False),),
        error=InvalidChunk,
    ),
    Case(
        name="smuggling/chunk-data-without-crlf",
        wire=post(b"Transfer-Encoding: chunked", body=b"5\r\nhelloXX" + b"0\r\n\r\n" + _EVIL),
        reason="RFC 9112, 7.1: two bytes skipped unseen hide a request",
        requests=(Request(method="POST", body=b"hello", complete=False),),
        error=InvalidChunk,
    ),
    Case(
        name="smuggling/header-injected-by-lf",
        wire=get(b"X: y\nContent-Length: 5") + b"hello",
        reason="RFC 9112, 2.2: an LF in a value is a line end for some",
        error=InvalidHeader,
    ),
    Case(
        name="smuggling/length-ignored-for-get",
        wire=get(b"Content-Length: %d" % len(_EVIL)) + _EVIL + _A,
        reason="RFC 9112, 6: a GET with a body is read with its body",
        requests=(Request(body=_EVIL), Request(target=b"/a")),
    ),
    Case(
        name="smuggling/chunk-size-wraps-around",
        wire=post(b"Transfer-Encoding: chunked", body=b"10000000000000000\r\n\r\n" + _EVIL),
        reason="RFC 9112, 7.1: zero to a reader with 64 bits",
        requests=(Request(method="POST", body=b"", complete=False),),
        error=InvalidChunk,
    ),
)
