"""Header field lines (RFC 9112, 5; RFC 9110, 5)."""

from __future__ import annotations

from pounce_http1.errors import InvalidHeader
from pounce_http1.testing.case import HOST, Case, Request, get

__all__ = ["FIELD_CASES"]

_ACCEPTED: tuple[tuple[str, bytes, tuple[bytes, bytes], str], ...] = (
    ("plain", b"X-A: b", (b"x-a", b"b"), "RFC 9112, 5"),
    ("no-space", b"X-A:b", (b"x-a", b"b"), "RFC 9112, 5: OWS is optional"),
    ("many-spaces", b"X-A:    b   ", (b"x-a", b"b"), "RFC 9112, 5.1: OWS around the value is excluded"),
    ("tabs", b"X-A:\t\tb\t", (b"x-a", b"b"), "RFC 9112, 5.1: OWS around the value is excluded"),
    ("empty", b"X-A:", (b"x-a", b""), "RFC 9110, 5.5: a value may be empty"),
    ("only-space", b"X-A: \t ", (b"x-a", b""), "RFC 9112, 5.1: OWS around the value is excluded"),
    ("space-inside", b"X-A: b  c", (b"x-a", b"b  c"), "RFC 9110, 5.5: field-content holds SP and HTAB"),
    ("tab-inside", b"X-A: b\tc", (b"x-a", b"b\tc"), "RFC 9110, 5.5: field-content holds SP and HTAB"),
    ("colon-in-value", b"X-A: b: c:", (b"x-a", b"b: c:"), "RFC 9112, 5: the first colon ends the name"),
    ("colon-at-once", b"X-A::", (b"x-a", b":"), "RFC 9112, 5: the first colon ends the name"),
    ("obs-text", b"X-A: \x80\xff\xe4", (b"x-a", b"\x80\xff\xe4"), "RFC 9110, 5.5: obs-text"),
    ("nbsp-kept", b"X-A: \xa0b\xa0", (b"x-a", b"\xa0b\xa0"), "RFC 9110, 5.6.3: OWS is SP and HTAB; strip() knows more"),
    ("next-line-kept", b"X-A: b\x85", (b"x-a", b"b\x85"), "RFC 9110, 5.5: obs-text; splitlines() ends a line here"),
    ("utf-8", b"X-A: \xe2\x82\xac", (b"x-a", b"\xe2\x82\xac"), "RFC 9110, 5.5: obs-text"),
    ("quoted-string", b'X-A: "b\\"c, d"', (b"x-a", b'"b\\"c, d"'), "RFC 9110, 5.6.4: the value is opaque here"),
    ("all-tchar", b"!#$%&'*+-.^_`|~09Az: b", (b"!#$%&'*+-.^_`|~09az", b"b"), "RFC 9110, 5.6.2: tchar"),
    ("underscore", b"X_A: b", (b"x_a", b"b"), "RFC 9110, 5.6.2: tchar"),
    ("digits", b"1: b", (b"1", b"b"), "RFC 9110, 5.6.2: tchar"),
    ("upper-case", b"USER-AGENT: b", (b"user-agent", b"b"), "RFC 9110, 5.1: names ignore case"),
    ("known-name", b"User-Agent: b", (b"user-agent", b"b"), "RFC 9110, 5.1: names ignore case"),
)

_REFUSED: tuple[tuple[str, bytes, str], ...] = (
    ("space-before-colon", b"X-A : b", "RFC 9112, 5.1: must be rejected with 400"),
    ("tab-before-colon", b"X-A\t: b", "RFC 9112, 5.1: must be rejected with 400"),
    ("known-name-space", b"User-Agent : b", "RFC 9112, 5.1: must be rejected with 400"),
    ("space-in-name", b"X A: b", "RFC 9110, 5.1: a name is a token"),
    ("no-colon", b"X-A", "RFC 9112, 5: a colon ends the name"),
    ("no-colon-known-name", b"Accept", "RFC 9112, 5: a colon ends the name"),
    ("no-colon-host", b"Host", "RFC 9112, 5: a colon ends the name"),
    ("no-colon-text", b"hello world", "RFC 9112, 5: a colon ends the name"),
    ("empty-name", b": b", "RFC 9110, 5.6.2: a token has a character"),
    ("only-colon", b":", "RFC 9110, 5.6.2: a token has a character"),
    ("obs-fold-space", b"X-A: b\r\n c", "RFC 9112, 5.2: reject with 400"),
    ("obs-fold-tab", b"X-A: b\r\n\tc", "RFC 9112, 5.2: reject with 400"),
    ("obs-fold-looks-like-field", b"X-A: b\r\n X-B: c", "RFC 9112, 5.2: reject with 400"),
    ("obs-fold-empty", b"X-A: b\r\n ", "RFC 9112, 5.2: reject with 400"),
    ("obs-fold-in-name", b"X-A\r\n : b", "RFC 9112, 5.2: reject with 400"),
    ("nul-in-value", b"X-A: b\x00c", "RFC 9110, 5.5: NUL is invalid and dangerous"),
    ("nul-in-name", b"X\x00A: b", "RFC 9110, 5.1: a name is a token"),
    ("bare-cr-in-value", b"X-A: b\rc", "RFC 9110, 5.5: CR is invalid and dangerous"),
    ("bare-cr-looks-like-field", b"X-A: b\rTransfer-Encoding: chunked", "RFC 9112, 2.2: a bare CR is invalid"),
    ("bare-cr-before-crlf", b"X-A: b\r", "RFC 9112, 2.2: a bare CR is invalid"),
    ("bare-cr-at-start", b"\rX-A: b", "RFC 9112, 2.2: a bare CR is invalid"),
    ("bare-lf-in-value", b"X-A: b\nX-B: c", "RFC 9112, 2.2: the leniency for a bare LF is not taken"),
    ("bare-lf-then-fold", b"X-A: b\n c", "RFC 9112, 2.2 and 5.2"),
    ("bare-lf-twice", b"X-A: b\n\nGET /evil HTTP/1.1", "RFC 9112, 2.2: some see the end of the head here"),
    ("control-01", b"X-A: b\x01c", "RFC 9110, 5.5: controls are invalid; none is in the grammar"),
    ("backspace", b"X-A: b\x08c", "RFC 9110, 5.5: controls are invalid"),
    ("vertical-tab", b"X-A: b\x0bc", "RFC 9110, 5.5: controls are invalid; strip() takes it for space"),
    ("form-feed", b"X-A: \x0cb", "RFC 9110, 5.5: controls are invalid; strip() takes it for space"),
    ("file-separator", b"X-A: b\x1cc", "RFC 9110, 5.5: controls are invalid; splitlines() ends a line here"),
    ("escape", b"X-A: \x1b[31m", "RFC 9110, 5.5: controls are invalid; a log would show colours"),
    ("unit-separator", b"X-A: \x1f", "RFC 9110, 5.5: controls are invalid; str.strip() takes it for space"),
    ("del", b"X-A: b\x7fc", "RFC 9110, 5.5: DEL is not VCHAR"),
    ("control-at-the-end", b"X-A: b\x0b", "RFC 9110, 5.5: controls are invalid; strip() would remove it"),
    ("name-vertical-tab", b"X-A\x0b: b", "RFC 9110, 5.1: a name is a token; strip() would remove it"),
    ("name-nbsp", b"X-A\xa0: b", "RFC 9110, 5.1: a token is ASCII"),
    ("name-utf-8", b"X-\xc3\xa4: b", "RFC 9110, 5.1: a token is ASCII"),
    ("name-kelvin-sign", b"X-\xe2\x84\xaa: b", "RFC 9110, 5.1: lower() of text would make it a k"),
    ("name-parenthesis", b"X(A): b", "RFC 9110, 5.6.2: a delimiter is not tchar"),
    ("name-slash", b"X/A: b", "RFC 9110, 5.6.2: a delimiter is not tchar"),
    ("name-at", b"X@A: b", "RFC 9110, 5.6.2: a delimiter is not tchar"),
    ("name-brackets", b"X[A]: b", "RFC 9110, 5.6.2: a delimiter is not tchar"),
    ("name-equals", b"X=A: b", "RFC 9110, 5.6.2: a delimiter is not tchar"),
    ("name-quote", b'"X": b', "RFC 9110, 5.6.2: a delimiter is not tchar"),
    ("name-backslash", b"X\\A: b", "RFC 9110, 5.6.2: a delimiter is not tchar"),
    ("name-comma", b"X,A: b", "RFC 9110, 5.6.2: a delimiter is not tchar"),
    ("name-semicolon", b"X;A: b", "RFC 9110, 5.6.2: a delimiter is not tchar"),
    ("name-braces", b"{X}: b", "RFC 9110, 5.6.2: a delimiter is not tchar"),
    ("name-less-than", b"<X: b", "RFC 9110, 5.6.2: a delimiter is not tchar"),
    ("name-question-mark", b"X?: b", "RFC 9110, 5.6.2: a delimiter is not tchar"),
    ("request-line-again", b"GET / HTTP/1.1", "RFC 9112, 5: a space in a name"),
)

FIELD_CASES: tuple[Case, ...] = (
    *(
        Case(
            name=f"field/{name}",
            wire=get(line),
            reason=reason,
            requests=(Request(headers=((b"host", b"a.example"), field)),),
        )
        for name, line, field, reason in _ACCEPTED
    ),
    *(
        Case(name=f"field/{name}", wire=get(line), reason=reason, error=InvalidHeader)
        for name, line, reason in _REFUSED
    ),
    Case(
        name="field/first-line-folded",
        wire=b"GET / HTTP/1.1\r\n X: y\r\n" + HOST + b"\r\n",
        reason="RFC 9112, 2.2: white space between the request line and the first field is refused",
        error=InvalidHeader,
    ),
    Case(
        name="field/first-line-space-only",
        wire=b"GET / HTTP/1.1\r\n \r\n" + HOST + b"\r\n",
        reason="RFC 9112, 2.2: white space between the request line and the first field is refused",
        error=InvalidHeader,
    ),
    Case(
        name="field/first-of-two-errors",
        wire=get(b"A b: c", b"X: \x00"),
        reason="the first line that is wrong decides, whatever follows",
        error=InvalidHeader,
    ),
    Case(
        name="field/bare-lf-ends-head",
        wire=b"GET / HTTP/1.1\r\n" + HOST + b"\nGET /evil HTTP/1.1\r\n" + HOST + b"\r\n",
        reason="RFC 9112, 2.2: an empty line that ends with LF alone ends the head for some readers only",
        error=InvalidHeader,
    ),
    Case(
        name="field/crlf-lf-ends-head",
        wire=b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n\n",
        reason="RFC 9112, 2.2: the empty line ends with CRLF, too",
        error=InvalidHeader,
    ),
    Case(
        name="field/crlf-cr-cr-lf",
        wire=b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n\r\r\n",
        reason="RFC 9112, 2.2: a bare CR is invalid, also in the empty line",
        error=InvalidHeader,
    ),
    Case(
        name="field/lf-without-cr-after-host",
        wire=b"GET / HTTP/1.1\r\nHost: a.example\nX: y\r\n\r\n",
        reason="RFC 9112, 2.2: the leniency for a bare LF is not taken",
        error=InvalidHeader,
    ),
    Case(
        name="field/repeated",
        wire=get(b"X-A: b", b"x-a: c", b"X-A: b"),
        reason="RFC 9110, 5.3: lines with one name stay in order, unjoined",
        requests=(Request(headers=((b"host", b"a.example"), (b"x-a", b"b"), (b"x-a", b"c"), (b"x-a", b"b"))),),
    ),
    Case(
        name="field/many",
        wire=get(*(b"X-%d: %d" % (number, number) for number in range(50))),
        reason="RFC 9110, 5.3: order is kept",
        requests=(
            Request(
                headers=(
                    (b"host", b"a.example"),
                    *((b"x-%d" % number, b"%d" % number) for number in range(50)),
                )
            ),
        ),
    ),
    Case(
        name="field/no-fields-on-1.0",
        wire=b"GET / HTTP/1.0\r\n\r\n",
        reason="RFC 9112, 2.1: fields are optional",
        requests=(Request(headers=()),),
    ),
    Case(
        name="field/head-not-ended",
        wire=b"GET / HTTP/1.1\r\n" + HOST,
        reason="RFC 9112, 8: incomplete until the empty line",
        waiting=True,
    ),
    Case(
        name="field/head-half-ended",
        wire=b"GET / HTTP/1.1\r\n" + HOST + b"\r",
        reason="RFC 9112, 8: incomplete until the empty line",
        waiting=True,
    ),
)
