"""Content-Length and Transfer-Encoding: where a body ends (RFC 9112, 6)."""

from __future__ import annotations

from pounce_http1.errors import (
    ConflictingFraming,
    InvalidContentLength,
    InvalidHeader,
    InvalidTransferEncoding,
    RemoteProtocolError,
    UnsupportedTransferCoding,
)
from pounce_http1.testing.case import HOST, Case, Request, get, post

__all__ = ["FRAMING_CASES"]

_LENGTHS: tuple[tuple[str, bytes, str], ...] = (
    ("list", b"5, 5", "RFC 9112, 6.3, item 5: a list of equal values may be refused"),
    ("list-unequal", b"5, 6", "RFC 9112, 6.3, item 5: unrecoverable"),
    ("list-no-space", b"5,5", "RFC 9112, 6.3, item 5: a list of equal values may be refused"),
    ("list-empty-member", b"5,", "RFC 9110, 8.6: 1*DIGIT"),
    ("negative", b"-5", "RFC 9110, 8.6: 1*DIGIT; int() would take it"),
    ("negative-zero", b"-0", "RFC 9110, 8.6: 1*DIGIT; int() would take it"),
    ("plus", b"+5", "RFC 9110, 8.6: 1*DIGIT; int() would take it"),
    ("underscore", b"0_5", "RFC 9110, 8.6: 1*DIGIT; int() would take it"),
    ("arabic-digit", b"\xd9\xa3", "RFC 9110, 8.6: DIGIT is ASCII; int() of text would take it"),
    ("superscript", b"\xc2\xb2", "RFC 9110, 8.6: DIGIT is ASCII; str.isdigit() would take it"),
    ("hexadecimal", b"0x5", "RFC 9110, 8.6: 1*DIGIT"),
    ("hexadecimal-digits", b"5a", "RFC 9110, 8.6: 1*DIGIT"),
    ("point", b"5.0", "RFC 9110, 8.6: 1*DIGIT"),
    ("exponent", b"5e0", "RFC 9110, 8.6: 1*DIGIT"),
    ("space-inside", b"5 5", "RFC 9110, 8.6: 1*DIGIT"),
    ("tab-inside", b"5\t5", "RFC 9110, 8.6: 1*DIGIT"),
    ("nbsp", b"\xa05", "RFC 9110, 8.6: 1*DIGIT; int() of text would take it"),
    ("text", b"five", "RFC 9110, 8.6: 1*DIGIT"),
    ("text-after", b"5 bytes", "RFC 9110, 8.6: 1*DIGIT"),
    ("quoted", b'"5"', "RFC 9110, 8.6: 1*DIGIT"),
    ("semicolon", b"5;a", "RFC 9110, 8.6: 1*DIGIT"),
    ("empty", b"", "RFC 9110, 8.6: 1*DIGIT"),
    ("2-to-63", b"9223372036854775808", "RFC 9110, 8.6: expect large values, prevent overflow"),
    ("2-to-64", b"18446744073709551616", "RFC 9110, 8.6: would wrap around to zero"),
    ("2-to-64-plus-5", b"18446744073709551621", "RFC 9110, 8.6: would wrap around to five"),
    ("40-digits", b"9" * 40, "RFC 9110, 8.6: expect large values, prevent overflow"),
    ("5000-digits", b"1" * 5000, "RFC 9110, 8.6: int() of text refuses, older ones take quadratic time"),
    ("20-digits-leading-zeros", b"0" * 19 + b"5", "RFC 9110, 8.6: longer than any value below 2**63"),
    ("infinity", b"Infinity", "RFC 9110, 8.6: 1*DIGIT"),
)

_REFUSED: tuple[tuple[str, tuple[bytes, ...], type[RemoteProtocolError], str], ...] = (
    ("two-equal", (b"Content-Length: 5", b"Content-Length: 5"), InvalidContentLength, "RFC 9112, 6.3, item 5"),
    ("two-unequal", (b"Content-Length: 5", b"Content-Length: 0"), InvalidContentLength, "RFC 9112, 6.3, item 5"),
    ("two-spellings", (b"Content-Length: 5", b"content-LENGTH: 6"), InvalidContentLength, "RFC 9112, 6.3, item 5"),
    ("two-one-empty", (b"Content-Length: 5", b"Content-Length:"), InvalidContentLength, "RFC 9112, 6.3, item 5"),
    (
        "cl-te",
        (b"Content-Length: 5", b"Transfer-Encoding: chunked"),
        ConflictingFraming,
        "RFC 9112, 6.3, item 3: ought to be handled as an error",
    ),
    (
        "te-cl",
        (b"Transfer-Encoding: chunked", b"Content-Length: 5"),
        ConflictingFraming,
        "RFC 9112, 6.3, item 3: ought to be handled as an error",
    ),
    (
        "te-cl-zero",
        (b"Transfer-Encoding: chunked", b"Content-Length: 0"),
        ConflictingFraming,
        "RFC 9112, 6.3, item 3: ought to be handled as an error",
    ),
    (
        "te-unknown-cl",
        (b"Transfer-Encoding: x", b"Content-Length: 5"),
        ConflictingFraming,
        "RFC 9112, 6.3, item 3: ought to be handled as an error",
    ),
    (
        "te-empty-cl",
        (b"Transfer-Encoding:", b"Content-Length: 5"),
        ConflictingFraming,
        "RFC 9112, 6.3, item 3: an empty field is a field",
    ),
    (
        "te-cl-bad",
        (b"Transfer-Encoding: chunked", b"Content-Length: x"),
        ConflictingFraming,
        "RFC 9112, 6.3, item 3: whatever either says",
    ),
    (
        "te-space-before-colon",
        (b"Transfer-Encoding : chunked", b"Content-Length: 5"),
        InvalidHeader,
        "RFC 9112, 5.1: some would read Transfer-Encoding, and others would not",
    ),
    (
        "te-folded",
        (b"Transfer-Encoding:", b" chunked"),
        InvalidHeader,
        "RFC 9112, 5.2: obs-fold: some would read chunked, and others would not",
    ),
    (
        "te-folded-tab",
        (b"Transfer-Encoding: chunked", b"\t, identity"),
        InvalidHeader,
        "RFC 9112, 5.2: obs-fold",
    ),
    (
        "te-in-other-value",
        (b"X: y\rTransfer-Encoding: chunked",),
        InvalidHeader,
        "RFC 9112, 2.2: a bare CR is invalid",
    ),
    (
        "te-vertical-tab",
        (b"Transfer-Encoding: \x0bchunked",),
        InvalidHeader,
        "RFC 9110, 5.5: controls are invalid; strip() would make it chunked",
    ),
    ("te-nul", (b"Transfer-Encoding: chunked\x00",), InvalidHeader, "RFC 9110, 5.5: NUL is invalid"),
    ("te-underscore", (b"Transfer-Encoding: chun_ked",), UnsupportedTransferCoding, "RFC 9112, 6.1: another coding"),
    ("te-gzip", (b"Transfer-Encoding: gzip",), UnsupportedTransferCoding, "RFC 9112, 6.1: not understood: 501"),
    ("te-identity", (b"Transfer-Encoding: identity",), UnsupportedTransferCoding, "RFC 9112, 7: no longer exists"),
    ("te-xchunked", (b"Transfer-Encoding: xchunked",), UnsupportedTransferCoding, "RFC 9112, 6.1: not understood"),
    (
        "te-gzip-chunked",
        (b"Transfer-Encoding: gzip, chunked",),
        UnsupportedTransferCoding,
        "RFC 9112, 6.1: not understood: 501",
    ),
    (
        "te-chunked-gzip",
        (b"Transfer-Encoding: chunked, gzip",),
        UnsupportedTransferCoding,
        "RFC 9112, 6.1: not understood, and chunked is not last (6.3, item 4)",
    ),
    (
        "te-chunked-identity",
        (b"Transfer-Encoding: chunked, identity",),
        UnsupportedTransferCoding,
        "RFC 9112, 6.1: not understood, and chunked is not last (6.3, item 4)",
    ),
    (
        "te-gzip-chunked-two-fields",
        (b"Transfer-Encoding: gzip", b"Transfer-Encoding: chunked"),
        UnsupportedTransferCoding,
        "RFC 9110, 5.3: two fields are one list",
    ),
    (
        "te-chunked-twice",
        (b"Transfer-Encoding: chunked, chunked",),
        InvalidTransferEncoding,
        "RFC 9112, 6.1: chunked is applied once",
    ),
    (
        "te-two-fields",
        (b"Transfer-Encoding: chunked", b"Transfer-Encoding: chunked"),
        InvalidTransferEncoding,
        "RFC 9112, 6.1: chunked is applied once",
    ),
    (
        "te-two-fields-one-empty",
        (b"Transfer-Encoding:", b"Transfer-Encoding: chunked"),
        InvalidTransferEncoding,
        "RFC 9110, 5.6.1.2: empty members are a leniency that readers do not share",
    ),
    ("te-empty", (b"Transfer-Encoding:",), InvalidTransferEncoding, "RFC 9112, 6.1: chunked is the last coding"),
    (
        "te-leading-comma",
        (b"Transfer-Encoding: , chunked",),
        InvalidTransferEncoding,
        "RFC 9110, 5.6.1.2: empty members are a leniency that readers do not share",
    ),
    (
        "te-trailing-comma",
        (b"Transfer-Encoding: chunked,",),
        InvalidTransferEncoding,
        "RFC 9110, 5.6.1.2: empty members are a leniency that readers do not share",
    ),
    (
        "te-parameter",
        (b"Transfer-Encoding: chunked;a=b",),
        InvalidTransferEncoding,
        "RFC 9112, 7.1: chunked has no parameters; treat them as an error",
    ),
    (
        "te-semicolon",
        (b"Transfer-Encoding: chunked;",),
        InvalidTransferEncoding,
        "RFC 9112, 7.1: chunked has no parameters",
    ),
    ("te-quoted", (b'Transfer-Encoding: "chunked"',), InvalidTransferEncoding, "RFC 9112, 7: a coding is a token"),
    ("te-space-inside", (b"Transfer-Encoding: chun ked",), InvalidTransferEncoding, "RFC 9112, 7: a token"),
    (
        "te-two-words",
        (b"Transfer-Encoding: identity chunked",),
        InvalidTransferEncoding,
        "RFC 9112, 7: a coding is a token",
    ),
    ("te-nbsp", (b"Transfer-Encoding: \xa0chunked",), InvalidTransferEncoding, "RFC 9112, 7: a token is ASCII"),
    (
        "te-kelvin-sign",
        (b"Transfer-Encoding: chun\xe2\x84\xaaed",),
        InvalidTransferEncoding,
        "RFC 9112, 7: a token is ASCII; lower() of text would make it chunked",
    ),
)

_LENGTH_5 = Request(method="POST", body=b"hello", facts=(("content_length", 5), ("chunked", False)))
_CHUNKED_5 = Request(method="POST", body=b"hello", facts=(("content_length", None), ("chunked", True)))
_CHUNKS_5 = b"5\r\nhello\r\n0\r\n\r\n"

_OTHERS = (
    Case(
        name="framing/length",
        wire=post(b"Content-Length: 5", body=b"hello"),
        reason="RFC 9112, 6.3, item 6",
        requests=(_LENGTH_5,),
    ),
    Case(
        name="framing/length-leading-zeros",
        wire=post(b"Content-Length: 0005", body=b"hello"),
        reason="RFC 9110, 8.6: 1*DIGIT",
        requests=(_LENGTH_5,),
    ),
    Case(
        name="framing/length-white-space",
        wire=post(b"Content-Length: \t 5 \t", body=b"hello"),
        reason="RFC 9112, 5.1: OWS around a value is not part of it",
        requests=(_LENGTH_5,),
    ),
    Case(
        name="framing/length-0",
        wire=post(b"Content-Length: 0"),
        reason="RFC 9112, 6.3, item 6: no content",
        requests=(Request(method="POST", facts=(("content_length", 0), ("has_body", False))),),
    ),
    Case(
        name="framing/length-0-then-more",
        wire=post(b"Content-Length: 0") + get(),
        reason="RFC 9112, 6.3, item 6: no content",
        requests=(Request(method="POST"), Request()),
    ),
    Case(
        name="framing/length-largest",
        wire=post(b"Content-Length: 9223372036854775807", body=b"he"),
        reason="RFC 9110, 8.6: below 2**63",
        requests=(Request(method="POST", body=b"he", complete=False, facts=(("content_length", 2**63 - 1),)),),
        waiting=True,
    ),
    Case(
        name="framing/length-incomplete",
        wire=post(b"Content-Length: 5", body=b"hell"),
        reason="RFC 9112, 8: an incomplete request",
        requests=(Request(method="POST", body=b"hell", complete=False),),
        waiting=True,
    ),
    Case(
        name="framing/length-nothing-yet",
        wire=post(b"Content-Length: 5"),
        reason="RFC 9112, 8: an incomplete request",
        requests=(Request(method="POST", body=b"", complete=False),),
        waiting=True,
    ),
    Case(
        name="framing/get-with-length",
        wire=get(b"Content-Length: 5") + b"hello" + get(),
        reason="RFC 9112, 6: any request may have a body; to ignore it would make it the next request",
        requests=(Request(body=b"hello"), Request()),
    ),
    Case(
        name="framing/head-with-chunks",
        wire=get(b"Transfer-Encoding: chunked", start=b"HEAD / HTTP/1.1") + _CHUNKS_5 + get(),
        reason="RFC 9112, 6: any request may have a body",
        requests=(Request(method="HEAD", body=b"hello"), Request()),
    ),
    Case(
        name="framing/neither",
        wire=post() + get(),
        reason="RFC 9112, 6.3, item 7: no framing, no content, also for POST",
        requests=(Request(method="POST", facts=(("has_body", False), ("content_length", None))), Request()),
    ),
    Case(
        name="framing/body-that-looks-like-a-request",
        wire=post(b"Content-Length: %d" % len(get()), body=get()) + get(start=b"GET /b HTTP/1.1"),
        reason="RFC 9112, 6.2: content is content",
        requests=(Request(method="POST", body=get()), Request(target=b"/b")),
    ),
    Case(
        name="framing/body-of-line-ends",
        wire=post(b"Content-Length: 8", body=b"\r\n\r\n\n\r\x00\n") + get(),
        reason="RFC 9112, 6.2: content is content",
        requests=(Request(method="POST", body=b"\r\n\r\n\n\r\x00\n"), Request()),
    ),
    Case(
        name="framing/body-then-extra-crlf",
        wire=post(b"Content-Length: 5", body=b"hello\r\n") + get(),
        reason="RFC 9112, 2.2: old clients send an empty line after a body",
        requests=(_LENGTH_5, Request()),
    ),
    Case(
        name="framing/length-on-1.0",
        wire=b"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello",
        reason="RFC 9112, 6.3, item 6",
        requests=(_LENGTH_5,),
    ),
    Case(
        name="framing/chunked",
        wire=post(b"Transfer-Encoding: chunked", body=_CHUNKS_5),
        reason="RFC 9112, 6.3, item 4",
        requests=(_CHUNKED_5,),
    ),
    Case(
        name="framing/chunked-mixed-case",
        wire=post(b"TRANSFER-encoding: ChUnKeD", body=_CHUNKS_5),
        reason="RFC 9112, 7: codings ignore case",
        requests=(_CHUNKED_5,),
    ),
    Case(
        name="framing/chunked-white-space",
        wire=post(b"Transfer-Encoding:\t chunked \t", body=_CHUNKS_5),
        reason="RFC 9112, 5.1: OWS around a value is not part of it",
        requests=(_CHUNKED_5,),
    ),
    Case(
        name="framing/te-on-1.0",
        wire=b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n\r\n" + _CHUNKS_5,
        reason="RFC 9112, 6.1: the framing of an HTTP/1.0 message with Transfer-Encoding is faulty",
        error=InvalidTransferEncoding,
    ),
    Case(
        name="framing/te-and-length-on-1.0",
        wire=b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\nhello",
        reason="RFC 9112, 6.3, item 3",
        error=ConflictingFraming,
    ),
)

FRAMING_CASES: tuple[Case, ...] = (
    *(
        Case(
            name=f"framing/length-{name}",
            wire=post(b"Content-Length: " + value, body=b"hello"),
            reason=reason,
            error=InvalidContentLength,
        )
        for name, value, reason in _LENGTHS
    ),
    *(
        Case(name=f"framing/{name}", wire=post(*lines, body=_CHUNKS_5), reason=reason, error=error)
        for name, lines, error, reason in _REFUSED
    ),
    *_OTHERS,
)
