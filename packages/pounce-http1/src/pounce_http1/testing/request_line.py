"""Request lines, versions, and what may come before a request (RFC 9112, 2.2, 2.3 and 3)."""

from __future__ import annotations

from pounce_http1.errors import InvalidRequestLine, InvalidTarget, RemoteProtocolError, UnsupportedVersion
from pounce_http1.testing.case import HOST, Case, Request, get

__all__ = ["REQUEST_LINE_CASES"]

_REFUSED: tuple[tuple[str, bytes, type[RemoteProtocolError], str], ...] = (
    ("two-spaces-after-method", b"GET  / HTTP/1.1", InvalidRequestLine, "RFC 9112, 3: single SP between the parts"),
    ("two-spaces-before-version", b"GET /  HTTP/1.1", InvalidRequestLine, "RFC 9112, 3: single SP between the parts"),
    ("tab-after-method", b"GET\t/ HTTP/1.1", InvalidRequestLine, "RFC 9112, 3: the leniency for HTAB is not taken"),
    ("tab-before-version", b"GET /\tHTTP/1.1", InvalidRequestLine, "RFC 9112, 3: the leniency for HTAB is not taken"),
    ("vertical-tab-as-space", b"GET\x0b/\x0bHTTP/1.1", InvalidRequestLine, "RFC 9112, 3: only SP separates"),
    ("form-feed-as-space", b"GET /\x0cHTTP/1.1", InvalidRequestLine, "RFC 9112, 3: only SP separates"),
    ("nbsp-as-space", b"GET\xa0/\xa0HTTP/1.1", InvalidRequestLine, "RFC 9112, 3: only SP separates"),
    ("leading-space", b" GET / HTTP/1.1", InvalidRequestLine, "RFC 9112, 3: begins with the method"),
    ("leading-tab", b"\tGET / HTTP/1.1", InvalidRequestLine, "RFC 9112, 3: begins with the method"),
    ("trailing-space", b"GET / HTTP/1.1 ", InvalidRequestLine, "RFC 9112, 3: ends with the version"),
    ("trailing-tab", b"GET / HTTP/1.1\t", InvalidRequestLine, "RFC 9112, 3: ends with the version"),
    ("space-in-target", b"GET /a b HTTP/1.1", InvalidRequestLine, "RFC 9112, 3.2: no white space in the target"),
    ("method-only", b"GET", InvalidRequestLine, "RFC 9112, 3: three parts"),
    ("no-version", b"GET /", InvalidRequestLine, "RFC 9112, 3: HTTP/0.9 has no version and is not spoken"),
    ("no-target", b"GET HTTP/1.1", InvalidRequestLine, "RFC 9112, 3: three parts"),
    ("empty-target", b"GET  HTTP/1.1", InvalidTarget, "RFC 9112, 3.2: the target is not empty"),
    ("four-parts", b"GET / HTTP/1.1 HTTP/1.1", InvalidRequestLine, "RFC 9112, 3: three parts"),
    ("empty-method", b" / HTTP/1.1", InvalidRequestLine, "RFC 9110, 9.1: the method is a token, which has a character"),
    ("method-with-colon", b"GET: / HTTP/1.1", InvalidRequestLine, "RFC 9110, 9.1: the method is a token"),
    ("method-with-slash", b"GE/T / HTTP/1.1", InvalidRequestLine, "RFC 9110, 9.1: the method is a token"),
    ("method-with-parentheses", b"G(E)T / HTTP/1.1", InvalidRequestLine, "RFC 9110, 9.1: the method is a token"),
    ("method-with-comma", b"GET,POST / HTTP/1.1", InvalidRequestLine, "RFC 9110, 9.1: the method is a token"),
    ("method-with-quote", b'"GET" / HTTP/1.1', InvalidRequestLine, "RFC 9110, 9.1: the method is a token"),
    ("method-with-nul", b"GE\x00T / HTTP/1.1", InvalidRequestLine, "RFC 9110, 9.1: the method is a token"),
    ("method-with-umlaut", b"G\xc3\x84T / HTTP/1.1", InvalidRequestLine, "RFC 9110, 9.1: a token is ASCII"),
    ("method-with-del", b"GET\x7f / HTTP/1.1", InvalidRequestLine, "RFC 9110, 9.1: the method is a token"),
    ("bom", b"\xef\xbb\xbfGET / HTTP/1.1", InvalidRequestLine, "RFC 9110, 9.1: a token is ASCII"),
    ("version-0.9", b"GET / HTTP/0.9", UnsupportedVersion, "RFC 9110, 15.6.6: another major version"),
    ("version-2.0", b"GET / HTTP/2.0", UnsupportedVersion, "RFC 9110, 15.6.6: another major version"),
    ("version-3.0", b"GET / HTTP/3.0", UnsupportedVersion, "RFC 9110, 15.6.6: another major version"),
    ("version-9.9", b"GET / HTTP/9.9", UnsupportedVersion, "RFC 9110, 15.6.6: another major version"),
    ("version-1.2", b"GET / HTTP/1.2", InvalidRequestLine, "RFC 9110, 2.5: never made; 505 is for the major version"),
    ("version-1.9", b"GET / HTTP/1.9", InvalidRequestLine, "RFC 9110, 2.5: never made; 505 is for the major version"),
    ("version-1.10", b"GET / HTTP/1.10", InvalidRequestLine, "RFC 9112, 2.3: one DIGIT"),
    ("version-1.01", b"GET / HTTP/1.01", InvalidRequestLine, "RFC 9112, 2.3: one DIGIT"),
    ("version-01.1", b"GET / HTTP/01.1", InvalidRequestLine, "RFC 9112, 2.3: one DIGIT"),
    ("version-11.1", b"GET / HTTP/11.1", InvalidRequestLine, "RFC 9112, 2.3: one DIGIT"),
    ("version-1", b"GET / HTTP/1", InvalidRequestLine, "RFC 9112, 2.3: DIGIT . DIGIT"),
    ("version-2", b"GET / HTTP/2", InvalidRequestLine, "RFC 9112, 2.3: DIGIT . DIGIT"),
    ("version-1.", b"GET / HTTP/1.", InvalidRequestLine, "RFC 9112, 2.3: DIGIT . DIGIT"),
    ("version-comma", b"GET / HTTP/1,1", InvalidRequestLine, "RFC 9112, 2.3: DIGIT . DIGIT"),
    ("version-space", b"GET / HTTP/1. 1", InvalidRequestLine, "RFC 9112, 2.3: DIGIT . DIGIT"),
    ("version-plus", b"GET / HTTP/+1.1", InvalidRequestLine, "RFC 9112, 2.3: DIGIT; int() would take it"),
    ("version-negative", b"GET / HTTP/-1.1", InvalidRequestLine, "RFC 9112, 2.3: DIGIT"),
    ("version-arabic-digit", b"GET / HTTP/\xd9\xa1.1", InvalidRequestLine, "RFC 9112, 2.3: DIGIT is ASCII"),
    ("version-lower-case", b"GET / http/1.1", InvalidRequestLine, "RFC 9112, 2.3: the name is case-sensitive"),
    ("version-mixed-case", b"GET / Http/1.1", InvalidRequestLine, "RFC 9112, 2.3: the name is case-sensitive"),
    ("version-other-name", b"GET / ICY/1.1", InvalidRequestLine, "RFC 9112, 2.3: the name is HTTP"),
    ("version-rtsp", b"OPTIONS * RTSP/1.0", InvalidRequestLine, "RFC 9112, 2.3: the name is HTTP"),
    ("version-no-slash", b"GET / HTTP1.1", InvalidRequestLine, "RFC 9112, 2.3: HTTP-name / DIGIT . DIGIT"),
    ("version-two-slashes", b"GET / HTTP//1.1", InvalidRequestLine, "RFC 9112, 2.3: HTTP-name / DIGIT . DIGIT"),
    ("version-with-text", b"GET / HTTP/1.1x", InvalidRequestLine, "RFC 9112, 2.3: nothing follows the version"),
    ("version-nul", b"GET / HTTP/1.1\x00", InvalidRequestLine, "RFC 9112, 2.3: nothing follows the version"),
    ("bare-cr-inside", b"GET / HTTP/1.1\rX: y", InvalidRequestLine, "RFC 9112, 2.2: a bare CR is invalid"),
    ("bare-cr-at-end", b"GET / HTTP/1.1\r", InvalidRequestLine, "RFC 9112, 2.2: a bare CR is invalid"),
    ("bare-cr-in-target", b"GET /a\rb HTTP/1.1", InvalidTarget, "RFC 9112, 2.2: a bare CR is invalid"),
    ("http2-preface", b"PRI * HTTP/2.0", UnsupportedVersion, "RFC 9113, 3.4 meets RFC 9110, 15.6.6"),
    ("reversed", b"HTTP/1.1 / GET", InvalidRequestLine, "RFC 9112, 3: a method is a token"),
    ("status-line", b"HTTP/1.1 200 OK", InvalidRequestLine, "RFC 9112, 3: a response is not a request"),
)

_METHODS = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "DELETE",
    "PATCH",
    "OPTIONS",
    "TRACE",
    "PROPFIND",
    "get",
    "M-SEARCH",
    "!#$%&'*+-.^_`|~09Az",
)

_OTHERS = (
    Case(
        name="request-line/http-1.0",
        wire=b"GET / HTTP/1.0\r\n\r\n",
        reason="RFC 9112, 2.3: HTTP/1.0 is spoken",
        requests=(Request(headers=(), facts=(("http_version", "1.0"), ("keep_alive", False))),),
    ),
    Case(
        name="request-line/http-1.1",
        wire=get(),
        reason="RFC 9112, 3",
        requests=(Request(headers=((b"host", b"a.example"),), facts=(("http_version", "1.1"), ("keep_alive", True))),),
    ),
    Case(
        name="request-line/one-empty-line-before",
        wire=b"\r\n" + get(),
        reason="RFC 9112, 2.2: at least one empty line before a request is ignored",
        requests=(Request(),),
    ),
    Case(
        name="request-line/two-empty-lines-before",
        wire=b"\r\n\r\n" + get(),
        reason="RFC 9112, 2.2: at least one; more is not needed by anybody",
        error=InvalidRequestLine,
    ),
    Case(
        name="request-line/only-an-empty-line",
        wire=b"\r\n",
        reason="RFC 9112, 2.2: nothing has begun, so a close now is clean",
    ),
    Case(
        name="request-line/only-two-empty-lines",
        wire=b"\r\n\r\n",
        reason="RFC 9112, 2.2: at most one is skipped",
        error=InvalidRequestLine,
    ),
    Case(
        name="request-line/bare-lf-before",
        wire=b"\n" + get(),
        reason="RFC 9112, 2.2: the leniency for a bare LF is not taken",
        error=InvalidRequestLine,
    ),
    Case(
        name="request-line/bare-cr-before",
        wire=b"\r" + get(),
        reason="RFC 9112, 2.2: a bare CR is invalid",
        error=InvalidRequestLine,
    ),
    Case(
        name="request-line/space-line-before",
        wire=b" \r\n" + get(),
        reason="RFC 9112, 2.2: a line with a space is not empty",
        error=InvalidRequestLine,
    ),
    Case(
        name="request-line/bare-lf-end",
        wire=b"GET / HTTP/1.1\n" + HOST + b"\r\n",
        reason="RFC 9112, 2.2: a recipient may take a bare LF for a line end; two that differ can be split",
        error=InvalidRequestLine,
    ),
    Case(
        name="request-line/bare-lf-everywhere",
        wire=b"GET / HTTP/1.1\nHost: a.example\n\n",
        reason="RFC 9112, 2.2: the leniency for a bare LF is not taken",
        error=InvalidRequestLine,
    ),
    Case(
        name="request-line/cr-cr-lf",
        wire=b"GET / HTTP/1.1\r\r\n" + HOST + b"\r\n",
        reason="RFC 9112, 2.2: a bare CR is invalid",
        error=InvalidRequestLine,
    ),
    Case(
        name="request-line/lf-cr",
        wire=b"GET / HTTP/1.1\n\r" + HOST + b"\n\r",
        reason="RFC 9112, 2.2: a line ends with CRLF, in this order",
        error=InvalidRequestLine,
    ),
    Case(
        name="request-line/lf-in-target",
        wire=get(start=b"GET /a\nb HTTP/1.1"),
        reason="RFC 9112, 2.2: the line ends at the LF for some, and at the CRLF for others",
        error=InvalidRequestLine,
    ),
    Case(
        name="request-line/http-0.9",
        wire=b"GET /\r\n",
        reason="RFC 9112, 3: three parts",
        error=InvalidRequestLine,
    ),
    Case(
        name="request-line/tls-handshake",
        wire=b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        reason="RFC 9112, 3: a TLS client on a plain port; no LF may ever come",
        error=InvalidRequestLine,
    ),
    Case(
        name="request-line/nul-first",
        wire=b"\x00",
        reason="RFC 9112, 3: no method begins so; no LF may ever come",
        error=InvalidRequestLine,
    ),
    Case(
        name="request-line/http2-preface-whole",
        wire=b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        reason="RFC 9113, 3.4: HTTP/2 with prior knowledge is for another protocol to take",
        error=UnsupportedVersion,
    ),
    Case(name="request-line/nothing", wire=b"", reason="RFC 9112, 9.5: a close between requests is clean"),
    Case(name="request-line/half", wire=b"GET /index", reason="RFC 9112, 8: an incomplete request", waiting=True),
    Case(name="request-line/without-lf", wire=b"GET / HTTP/1.1\r", reason="RFC 9112, 8: incomplete", waiting=True),
    Case(name="request-line/alone", wire=b"GET / HTTP/1.1\r\n", reason="RFC 9112, 8: incomplete", waiting=True),
)

REQUEST_LINE_CASES: tuple[Case, ...] = (
    *(
        Case(name=f"request-line/{name}", wire=get(start=line), reason=reason, error=error)
        for name, line, error, reason in _REFUSED
    ),
    *(
        Case(
            name=f"request-line/method-{method}",
            wire=get(start=f"{method} / HTTP/1.1".encode()),
            reason="RFC 9110, 9.1: any token is a method, and methods are case-sensitive",
            requests=(Request(method=method),),
        )
        for method in _METHODS
    ),
    *_OTHERS,
)
