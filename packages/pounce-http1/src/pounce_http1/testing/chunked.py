"""Chunks, their extensions and their line ends (RFC 9112, 7.1)."""

from __future__ import annotations

from pounce_http1.errors import InvalidChunk
from pounce_http1.testing.case import Case, Request, get, post

__all__ = ["CHUNKED_CASES"]


def _chunked(body: bytes) -> bytes:
    return post(b"Transfer-Encoding: chunked", body=body)


_SIZES_ACCEPTED: tuple[tuple[str, bytes, bytes], ...] = (
    ("one", b"5\r\nhello\r\n0\r\n\r\n", b"hello"),
    ("two", b"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", b"hello world"),
    ("many", b"1\r\na\r\n" * 30 + b"0\r\n\r\n", b"a" * 30),
    ("none", b"0\r\n\r\n", b""),
    ("upper-case-hex", b"A\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    ("lower-case-hex", b"a\r\n0123456789\r\n0\r\n\r\n", b"0123456789"),
    ("two-digits", b"10\r\n0123456789abcdef\r\n0\r\n\r\n", b"0123456789abcdef"),
    ("leading-zeros", b"0005\r\nhello\r\n0\r\n\r\n", b"hello"),
    ("16-digits", b"0000000000000005\r\nhello\r\n0\r\n\r\n", b"hello"),
    ("last-of-many-zeros", b"5\r\nhello\r\n0000\r\n\r\n", b"hello"),
    ("data-of-line-ends", b"4\r\n\r\n\r\n\r\n0\r\n\r\n", b"\r\n\r\n"),
    ("data-like-last-chunk", b"5\r\n0\r\n\r\n\r\n0\r\n\r\n", b"0\r\n\r\n"),
    ("extension", b"5;a=b\r\nhello\r\n0\r\n\r\n", b"hello"),
    ("extension-name-only", b"5;a\r\nhello\r\n0\r\n\r\n", b"hello"),
    ("extension-quoted", b'5;a="b;c"\r\nhello\r\n0\r\n\r\n', b"hello"),
    ("extension-two", b"5;a=b;c=d\r\nhello\r\n0;e\r\n\r\n", b"hello"),
    ("extension-quoted-escape", b'5;a="b\\"\xe4;"\r\nhello\r\n0\r\n\r\n', b"hello"),
    ("extension-white-space", b"5;\ta = b ;c\r\nhello\r\n0\r\n\r\n", b"hello"),
    ("extension-on-last", b"0;a=b\r\n\r\n", b""),
)

_REFUSED: tuple[tuple[str, bytes, bytes, str], ...] = (
    ("size-plus", b"+5\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG; int() would take it"),
    ("size-minus", b"-5\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG; int() would take it"),
    ("size-minus-zero", b"-0\r\n\r\n", b"", "1*HEXDIG; int() would take it"),
    ("size-underscore", b"0_5\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG; int() would take it"),
    ("size-0x", b"0x5\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG; int() would take it"),
    ("size-0X", b"0X5\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG; int() would take it"),
    ("size-arabic-digit", b"\xd9\xa3\r\nabc\r\n0\r\n\r\n", b"", "1*HEXDIG is ASCII; int() of text would take it"),
    ("size-full-width-digit", b"\xef\xbc\x95\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG is ASCII"),
    ("size-empty", b"\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG: at least one"),
    ("size-empty-with-extension", b";a=b\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG: at least one"),
    ("size-text", b"five\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG"),
    ("size-g", b"5g\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG"),
    ("size-h", b"5h\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG"),
    ("size-point", b"5.0\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG"),
    ("size-comma", b"5,5\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG"),
    ("size-leading-space", b" 5\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG; int() would take it"),
    ("size-trailing-space", b"5 \r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG; some clients were known to pad"),
    ("size-trailing-tab", b"5\t\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG; int() would take it"),
    ("size-space-then-extension", b"5 ;a=b\r\nhello\r\n0\r\n\r\n", b"", "bad white space is refused (framing.py)"),
    ("size-vertical-tab", b"5\x0b\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG; int() would take it"),
    ("size-nbsp", b"5\xa0\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG; int() of text would take it"),
    ("size-nul", b"5\x00\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG"),
    ("size-two-words", b"5 5\r\nhello\r\n0\r\n\r\n", b"", "1*HEXDIG"),
    ("size-quoted", b'"5"\r\nhello\r\n0\r\n\r\n', b"", "1*HEXDIG"),
    ("size-17-digits", b"00000000000000005\r\nhello\r\n0\r\n\r\n", b"", "recipients must prevent overflow"),
    ("size-2-to-64", b"10000000000000000\r\nhello\r\n0\r\n\r\n", b"", "would wrap around to zero"),
    ("size-2-to-64-plus-5", b"10000000000000005\r\nhello\r\n0\r\n\r\n", b"", "would wrap around to five"),
    ("size-endless", b"0" * 1000, b"", "refused at the 17th digit, not at the line end"),
    ("line-bare-lf", b"5\nhello\r\n0\r\n\r\n", b"", "CRLF ends the line"),
    ("line-bare-cr", b"5\rhello\r\n0\r\n\r\n", b"", "CRLF ends the line"),
    ("line-cr-cr-lf", b"5\r\r\nhello\r\n0\r\n\r\n", b"", "CRLF ends the line"),
    ("line-lf-cr", b"5\n\rhello\r\n0\r\n\r\n", b"", "CRLF ends the line"),
    ("extension-bare-lf", b"5;a\nhello\r\n0\r\n\r\n", b"", "CRLF ends the line; some readers skip to it"),
    ("extension-bare-lf-later", b"5;\nxx\r\nhello\r\n0\r\n\r\n", b"", "CRLF ends the line; some readers skip to it"),
    ("extension-bare-cr", b"5;a\rb\r\nhello\r\n0\r\n\r\n", b"", "no bare CR in an extension"),
    ("extension-nul", b"5;a\x00\r\nhello\r\n0\r\n\r\n", b"", "no control characters in an extension"),
    ("extension-escape", b"5;\x1b\r\nhello\r\n0\r\n\r\n", b"", "no control characters in an extension"),
    ("extension-empty", b"5;\r\nhello\r\n0\r\n\r\n", b"", "a name follows the semicolon"),
    ("extension-empty-second", b"5;a;\r\nhello\r\n0\r\n\r\n", b"", "a name follows the semicolon"),
    ("extension-name-not-token", b"5;(\r\nhello\r\n0\r\n\r\n", b"", "the name is a token"),
    ("extension-obs-text", b"5;a=\xe4\r\nhello\r\n0\r\n\r\n", b"", "a value is a token or quoted"),
    ("extension-value-empty", b"5;a=\r\nhello\r\n0\r\n\r\n", b"", "a value follows the equals sign"),
    ("extension-quote-open", b'5;a="b\r\nhello\r\n0\r\n\r\n', b"", "a quoted string ends on its line"),
    ("extension-after-quote", b'5;a="b"c\r\nhello\r\n0\r\n\r\n', b"", "a semicolon follows a value"),
    ("extension-space-at-end", b"5;a \r\nhello\r\n0\r\n\r\n", b"", "white space stands before = and ; only"),
    ("extension-without-semicolon", b"5 a=b\r\nhello\r\n0\r\n\r\n", b"", "an extension starts with a semicolon"),
    ("data-too-long", b"5\r\nhello!\r\n0\r\n\r\n", b"hello", "CRLF follows the data"),
    ("data-too-short", b"5\r\nhell\r\n0\r\n\r\n", b"hell\r", "CRLF follows the data"),
    ("data-bare-lf", b"5\r\nhello\n0\r\n\r\n", b"hello", "both bytes of the CRLF are looked at"),
    ("data-bare-cr", b"5\r\nhello\r0\r\n\r\n", b"hello", "both bytes of the CRLF are looked at"),
    ("data-other-bytes", b"5\r\nhelloXX0\r\n\r\n", b"hello", "some readers skip two bytes, whatever they are"),
    ("data-lf-cr", b"5\r\nhello\n\r0\r\n\r\n", b"hello", "both bytes of the CRLF are looked at"),
    ("data-no-line-end", b"5\r\nhello0\r\n\r\n", b"hello", "CRLF follows the data"),
    ("second-size-bad", b"5\r\nhello\r\nx\r\nhello\r\n0\r\n\r\n", b"hello", "1*HEXDIG, each time"),
    ("second-size-empty", b"5\r\nhello\r\n\r\n0\r\n\r\n", b"hello", "1*HEXDIG: at least one"),
    ("third-size-bad", b"2\r\nhe\r\n3\r\nllo\r\n0x0\r\n\r\n", b"hello", "1*HEXDIG, each time"),
)

CHUNKED_CASES: tuple[Case, ...] = (
    *(
        Case(
            name=f"chunked/{name}",
            wire=_chunked(wire) + get(start=b"GET /next HTTP/1.1"),
            reason="RFC 9112, 7.1 and 7.1.1",
            requests=(Request(method="POST", body=body), Request(target=b"/next")),
        )
        for name, wire, body in _SIZES_ACCEPTED
    ),
    *(
        Case(
            name=f"chunked/{name}",
            wire=_chunked(wire),
            reason=f"RFC 9112, 7.1: {reason}",
            requests=(Request(method="POST", body=body, complete=False),),
            error=InvalidChunk,
        )
        for name, wire, body, reason in _REFUSED
    ),
    Case(
        name="chunked/size-largest",
        wire=_chunked(b"ffffffffffffffff\r\nhello"),
        reason="RFC 9112, 7.1: recipients must anticipate large sizes",
        requests=(Request(method="POST", body=b"hello", complete=False),),
        waiting=True,
    ),
    Case(
        name="chunked/no-last-chunk",
        wire=_chunked(b"5\r\nhello\r\n"),
        reason="RFC 9112, 8: incomplete without the zero-sized chunk",
        requests=(Request(method="POST", body=b"hello", complete=False),),
        waiting=True,
    ),
    Case(
        name="chunked/no-final-line-end",
        wire=_chunked(b"5\r\nhello\r\n0\r\n"),
        reason="RFC 9112, 7.1: the empty line ends the body",
        requests=(Request(method="POST", body=b"hello", complete=False),),
        waiting=True,
    ),
    Case(
        name="chunked/half-size",
        wire=_chunked(b"5"),
        reason="RFC 9112, 8: incomplete",
        requests=(Request(method="POST", body=b"", complete=False),),
        waiting=True,
    ),
    Case(
        name="chunked/half-data",
        wire=_chunked(b"5\r\nhel"),
        reason="RFC 9112, 8: incomplete",
        requests=(Request(method="POST", body=b"hel", complete=False),),
        waiting=True,
    ),
    Case(
        name="chunked/half-line-end",
        wire=_chunked(b"5\r\nhello\r"),
        reason="RFC 9112, 8: incomplete",
        requests=(Request(method="POST", body=b"hello", complete=False),),
        waiting=True,
    ),
)
