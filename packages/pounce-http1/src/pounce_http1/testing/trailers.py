"""Trailer fields after a chunked body (RFC 9112, 7.1.2; RFC 9110, 6.5)."""

from __future__ import annotations

from pounce_http1.errors import InvalidTrailer
from pounce_http1.framing import FORBIDDEN_IN_TRAILERS
from pounce_http1.testing.case import Case, Request, get, post

__all__ = ["TRAILER_CASES"]


def _with_trailers(trailers: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked", body=b"5\r\nhello\r\n0\r\n" + trailers)


_ACCEPTED: tuple[tuple[str, bytes, tuple[tuple[bytes, bytes], ...]], ...] = (
    ("one", b"X-A: b\r\n\r\n", ((b"x-a", b"b"),)),
    ("two", b"X-A: b\r\nX-B: c\r\n\r\n", ((b"x-a", b"b"), (b"x-b", b"c"))),
    ("repeated", b"X-A: b\r\nX-A: c\r\n\r\n", ((b"x-a", b"b"), (b"x-a", b"c"))),
    ("empty-value", b"X-A:\r\n\r\n", ((b"x-a", b""),)),
    ("white-space", b"X-A: \t b \t\r\n\r\n", ((b"x-a", b"b"),)),
    ("obs-text", b"X-A: \xe4\r\n\r\n", ((b"x-a", b"\xe4"),)),
    ("checksum", b"Content-MD5: x==\r\nDigest: y\r\n\r\n", ((b"content-md5", b"x=="), (b"digest", b"y"))),
)

_REFUSED: tuple[tuple[str, bytes, str], ...] = (
    ("space-before-colon", b"X-A : b\r\n\r\n", "RFC 9112, 5.1"),
    ("obs-fold", b"X-A: b\r\n c\r\n\r\n", "RFC 9112, 5.2"),
    ("first-line-folded", b" X-A: b\r\n\r\n", "RFC 9112, 5.2"),
    ("no-colon", b"X-A\r\n\r\n", "RFC 9112, 5"),
    ("empty-name", b": b\r\n\r\n", "RFC 9112, 5"),
    ("name-not-token", b"X(A: b\r\n\r\n", "RFC 9110, 5.1"),
    ("nul", b"X-A: b\x00\r\n\r\n", "RFC 9110, 5.5"),
    ("control", b"X-A: b\x1b\r\n\r\n", "RFC 9110, 5.5"),
    ("bare-cr", b"X-A: b\rc\r\n\r\n", "RFC 9112, 2.2"),
    ("bare-lf", b"X-A: b\n\r\n", "RFC 9112, 2.2"),
    ("bare-lf-ends-body", b"\nGET /evil HTTP/1.1\r\n\r\n", "RFC 9112, 2.2: the empty line ends with CRLF, too"),
    ("cr-cr-lf", b"\r\r\n", "RFC 9112, 2.2: the empty line is CRLF"),
    ("next-request-too-early", b"GET / HTTP/1.1\r\n\r\n", "RFC 9112, 7.1: the empty line is missing"),
)

TRAILER_CASES: tuple[Case, ...] = (
    *(
        Case(
            name=f"trailer/{name}",
            wire=_with_trailers(wire) + get(),
            reason="RFC 9112, 7.1.2: kept apart from the header fields",
            requests=(Request(method="POST", body=b"hello", trailers=trailers), Request()),
        )
        for name, wire, trailers in _ACCEPTED
    ),
    *(
        Case(
            name=f"trailer/{name}",
            wire=_with_trailers(wire),
            reason=reason,
            requests=(Request(method="POST", body=b"hello", complete=False),),
            error=InvalidTrailer,
        )
        for name, wire, reason in _REFUSED
    ),
    *(
        Case(
            name=f"trailer/{name.decode()}",
            wire=_with_trailers(b"%b: 5\r\n\r\n" % name.title()),
            reason="RFC 9110, 6.5.1: framing, routing and handling are decided before the content",
            requests=(Request(method="POST", body=b"hello", complete=False),),
            error=InvalidTrailer,
        )
        for name in sorted(FORBIDDEN_IN_TRAILERS)
    ),
    Case(
        name="trailer/incomplete",
        wire=_with_trailers(b"X-A: b\r\n"),
        reason="RFC 9112, 7.1: the empty line ends the body",
        requests=(Request(method="POST", body=b"hello", complete=False),),
        waiting=True,
    ),
)
