"""Limits: each at its edge, one past it, and for input that never ends. They are met at the same byte in any cut."""

from __future__ import annotations

from pounce_http1.errors import (
    ChunkExtensionTooLong,
    HeaderFieldTooLarge,
    HeadersTooLarge,
    InvalidRequestLine,
    RequestLineTooLong,
    TooManyHeaders,
    TrailersTooLarge,
)
from pounce_http1.limits import Limits
from pounce_http1.testing.case import HOST, Case, Request, get, post

__all__ = ["LIMIT_CASES"]

_SMALL = Limits(
    limit_request_line=64,
    limit_request_field_size=48,
    limit_request_header_size=128,
    limit_request_fields=4,
    limit_chunk_extension=16,
    limit_trailer_size=40,
)
"""Small enough that every position can be tried as a cut."""

_URI = b"/" + b"a" * (64 - len(b"GET / HTTP/1.1"))
_FILLER = 48 - len(b"X: ")
_HOST_SIZE = len(HOST)
_IN_BODY = Request(method="POST", body=b"hello", complete=False)
_NO_CONTENT = Request(method="POST", body=b"", complete=False)


def _fields_of_total(total: int) -> bytes:
    """A head whose field lines, with their line ends, have this many bytes together."""
    rest = total - _HOST_SIZE - 2 * len(b"X: \r\n")
    return get(b"X: " + b"a" * (rest // 2), b"X: " + b"a" * (rest - rest // 2))


def _chunks(body: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked", body=body)


_EDGES = (
    Case(
        name="limit/request-line-just-fits",
        wire=get(start=b"GET %b HTTP/1.1" % _URI),
        reason="limit_request_line counts the line without its CRLF",
        requests=(Request(target=_URI),),
        limits=_SMALL,
    ),
    Case(
        name="limit/request-line-one-more",
        wire=get(start=b"GET %ba HTTP/1.1" % _URI),
        reason="RFC 9110, 15.5.15: 414",
        error=RequestLineTooLong,
        limits=_SMALL,
    ),
    Case(
        name="limit/request-line-too-long-and-malformed",
        wire=get(start=b"GET %b a b c" % (_URI * 2)),
        reason="the limit is met before the end of the line, so it decides",
        error=RequestLineTooLong,
        limits=_SMALL,
    ),
    Case(
        name="limit/request-line-endless",
        wire=b"a" * 200,
        reason="RFC 9112, 3: refused at the limit, not at a line end that may never come",
        error=RequestLineTooLong,
        limits=_SMALL,
    ),
    Case(
        name="limit/request-line-endless-default",
        wire=b"GET /" + b"a" * 9000,
        reason="RFC 9112, 3: 8000 bytes at least are to be taken; we take 8192",
        error=RequestLineTooLong,
    ),
    Case(
        name="limit/request-line-8192",
        wire=get(start=b"GET /%b HTTP/1.1" % (b"a" * (8192 - 14))),
        reason="RFC 9112, 3: 8000 bytes at least are to be taken",
        requests=(Request(target=b"/" + b"a" * (8192 - 14)),),
    ),
    Case(
        name="limit/request-line-bad-start-endless",
        wire=b"\x16" + b"a" * 200,
        reason="RFC 9112, 3: the first byte decides before any limit",
        error=InvalidRequestLine,
        limits=_SMALL,
    ),
    Case(
        name="limit/field-just-fits",
        wire=get(b"X: " + b"a" * _FILLER),
        reason="limit_request_field_size counts the line without its CRLF",
        requests=(Request(headers=((b"host", b"a.example"), (b"x", b"a" * _FILLER))),),
        limits=_SMALL,
    ),
    Case(
        name="limit/field-one-more",
        wire=get(b"X: " + b"a" * (_FILLER + 1)),
        reason="RFC 6585, 5: 431 for a single field",
        error=HeaderFieldTooLarge,
        limits=_SMALL,
    ),
    Case(
        name="limit/field-white-space-counts",
        wire=get(b"X: a" + b" " * _FILLER),
        reason="RFC 6585, 5: what has to be received is counted, not what is left of it",
        error=HeaderFieldTooLarge,
        limits=_SMALL,
    ),
    Case(
        name="limit/field-too-large-and-malformed",
        wire=get(b"X : \x00" + b"a" * 60),
        reason="the limit is met before the end of the line, so it decides",
        error=HeaderFieldTooLarge,
        limits=_SMALL,
    ),
    Case(
        name="limit/field-endless",
        wire=b"GET / HTTP/1.1\r\nX" + b"a" * 100,
        reason="RFC 9110, 5.4: refused at the limit, not at a line end that may never come",
        error=HeaderFieldTooLarge,
        limits=_SMALL,
    ),
    Case(
        name="limit/field-endless-default",
        wire=b"GET / HTTP/1.1\r\nCookie: " + b"a" * 17_000,
        reason="RFC 9110, 5.4: 16 KiB for one field",
        error=HeaderFieldTooLarge,
    ),
    Case(
        name="limit/field-16384",
        wire=get(b"Cookie: " + b"a" * (16_384 - 8)),
        reason="RFC 9110, 5.4: 16 KiB for one field",
        requests=(Request(headers=((b"host", b"a.example"), (b"cookie", b"a" * (16_384 - 8)))),),
    ),
    Case(
        name="limit/headers-just-fit",
        wire=_fields_of_total(128),
        reason="limit_request_header_size counts all field lines with their line ends",
        requests=(Request(),),
        limits=Limits(limit_request_header_size=128),
    ),
    Case(
        name="limit/headers-one-more",
        wire=_fields_of_total(129),
        reason="RFC 6585, 5: 431 for all fields together",
        error=HeadersTooLarge,
        limits=Limits(limit_request_header_size=128),
    ),
    Case(
        name="limit/headers-endless",
        wire=b"GET / HTTP/1.1\r\n" + b"X: aaaaaaaaaaaaaaaaaaaaaaaaaa\r\n" * 10,
        reason="RFC 6585, 5: 431 for all fields together",
        error=HeadersTooLarge,
        limits=Limits(limit_request_header_size=128),
    ),
    Case(
        name="limit/headers-before-field",
        wire=b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"a" * 200,
        reason="the limit that is met first decides, here that of all fields",
        error=HeadersTooLarge,
        limits=Limits(limit_request_header_size=64, limit_request_field_size=60),
    ),
    Case(
        name="limit/headers-default",
        wire=b"GET / HTTP/1.1\r\n" + (b"X: " + b"a" * 8000 + b"\r\n") * 9,
        reason="RFC 6585, 5: 64 KiB for all fields together",
        error=HeadersTooLarge,
    ),
    Case(
        name="limit/fields-just-fit",
        wire=get(b"A: 1", b"B: 2", b"C: 3"),
        reason="limit_request_fields counts lines",
        requests=(Request(),),
        limits=_SMALL,
    ),
    Case(
        name="limit/fields-one-more",
        wire=get(b"A: 1", b"B: 2", b"C: 3", b"D: 4"),
        reason="RFC 6585, 5: 431 for too many fields",
        error=TooManyHeaders,
        limits=_SMALL,
    ),
    Case(
        name="limit/fields-one-more-and-malformed",
        wire=get(b"A: 1", b"B: 2", b"C: 3", b"D 4"),
        reason="the line is counted before it is read",
        error=TooManyHeaders,
        limits=_SMALL,
    ),
    Case(
        name="limit/fields-100",
        wire=get(*(b"X: %d" % number for number in range(99))),
        reason="RFC 9110, 5.4: 100 fields",
        requests=(Request(),),
    ),
    Case(
        name="limit/fields-101",
        wire=get(*(b"X: %d" % number for number in range(100))),
        reason="RFC 6585, 5: 431 for too many fields",
        error=TooManyHeaders,
    ),
    Case(
        name="limit/fields-endless",
        wire=b"GET / HTTP/1.1\r\n" + b"A:\r\n" * 101,
        reason="RFC 6585, 5: refused at the first line too many, not at the end of the head",
        error=TooManyHeaders,
    ),
)

_BODIES = (
    Case(
        name="limit/extension-just-fits",
        wire=_chunks(b"5;" + b"a" * 15 + b"\r\nhello\r\n0\r\n\r\n"),
        reason="RFC 9112, 7.1.1: limit_chunk_extension counts from the semicolon on",
        requests=(Request(method="POST", body=b"hello"),),
        limits=_SMALL,
    ),
    Case(
        name="limit/extension-one-more",
        wire=_chunks(b"5;" + b"a" * 16 + b"\r\nhello\r\n0\r\n\r\n"),
        reason="RFC 9112, 7.1.1: the total length is to be limited, with a 4xx",
        requests=(_NO_CONTENT,),
        error=ChunkExtensionTooLong,
        limits=_SMALL,
    ),
    Case(
        name="limit/extension-endless",
        wire=_chunks(b"5;" + b"a" * 5000),
        reason="RFC 9112, 7.1.1: the total length is to be limited, with a 4xx",
        requests=(_NO_CONTENT,),
        error=ChunkExtensionTooLong,
    ),
    Case(
        name="limit/extension-paid-by-data",
        wire=_chunks(b"a;aaaaaaaaa\r\n0123456789\r\n" * 5 + b"0\r\n\r\n"),
        reason="RFC 9112, 7.1.1: extensions as long as the data they come with, for ever (signed chunks)",
        requests=(Request(method="POST", body=b"0123456789" * 5),),
        limits=_SMALL,
    ),
    Case(
        name="limit/extension-unpaid",
        wire=_chunks(b"1;aaaaaaa\r\na\r\n" * 5 + b"0\r\n\r\n"),
        reason="RFC 9112, 7.1.1: many small ones are as bad as a long one",
        requests=(Request(method="POST", body=b"aa", complete=False),),
        error=ChunkExtensionTooLong,
        limits=_SMALL,
    ),
    Case(
        name="limit/trailers-just-fit",
        wire=_chunks(b"0\r\nX: " + b"a" * 15 + b"\r\nX: " + b"a" * 15 + b"\r\n\r\n"),
        reason="limit_trailer_size counts all trailer lines with their line ends",
        requests=(Request(method="POST", body=b"", trailers=((b"x", b"a" * 15),) * 2),),
        limits=_SMALL,
    ),
    Case(
        name="limit/trailers-one-more",
        wire=_chunks(b"5\r\nhello\r\n0\r\nX: " + b"a" * 15 + b"\r\nX: " + b"a" * 16 + b"\r\n\r\n"),
        reason="RFC 6585, 5: 431, although the content has been read",
        requests=(_IN_BODY,),
        error=TrailersTooLarge,
        limits=_SMALL,
    ),
    Case(
        name="limit/trailers-endless",
        wire=_chunks(b"5\r\nhello\r\n0\r\nX: " + b"a" * 20_000),
        reason="RFC 6585, 5: refused at the limit, not at a line end that may never come",
        requests=(_IN_BODY,),
        error=TrailersTooLarge,
    ),
    Case(
        name="limit/trailers-too-many",
        wire=_chunks(b"5\r\nhello\r\n0\r\n" + b"A:\r\n" * 5 + b"\r\n"),
        reason="RFC 6585, 5: the number of fields is limited, too",
        requests=(_IN_BODY,),
        error=TooManyHeaders,
        limits=_SMALL,
    ),
)

LIMIT_CASES: tuple[Case, ...] = _EDGES + _BODIES
