"""Where the engine over h11 rightly makes something else of a case, and why.

All of it is below what h11 shows: by the time our rules see an event, the bytes have been read. None lets a request
through that says two things at once within this connection; some of it could be read otherwise by a server in front,
which is why the fast engine is the default.
"""

from __future__ import annotations

from typing import Final

from pounce_http1.testing.case import HOST, Difference, Request

__all__ = ["H11_DIFFERENCES"]

_BARE_LF: Final = "h11 takes a bare LF for a line end, as RFC 9112, 2.2 allows"
_OBS_FOLD: Final = "h11 replaces obs-fold by a space, as RFC 9112, 5.2 allows"
_LENGTH_LIST: Final = "h11 folds equal lengths into one, as RFC 9112, 6.3, item 5 allows"
_NOT_IMPLEMENTED: Final = "h11 answers every Transfer-Encoding but chunked with 501, before our rules see it"
_CHUNK_PADDING: Final = "h11 takes white space after a chunk size, which some old clients pad with"
_CHUNK_DIGITS: Final = "h11 takes 20 digits for a chunk size; Python's numbers do not wrap around"
_EXTENSION: Final = "h11 takes any byte but LF in a chunk extension, and skips it"
_WHOLE: Final = "h11 judges no line before the whole head or trailer section is there"
_MEMORY: Final = "h11 bounds an unfinished head, chunk line or trailer section as a whole, by the sum of two limits"
_AFTERWARDS: Final = "h11 reads the lines first; our limits see what is left of them"

_HOST_FIELD: Final = (b"host", b"a.example")
_HELLO: Final = Request(method="POST", body=b"hello")
_HALF: Final = Request(method="POST", body=b"hello", complete=False)
_NO_CONTENT: Final = Request(method="POST", body=b"", complete=False)


def _accepted(why: str, *fields: tuple[bytes, bytes]) -> Difference:
    return Difference(why=why, requests=(Request(headers=(_HOST_FIELD, *fields)),))


def _read(why: str, *requests: Request) -> Difference:
    return Difference(why=why, requests=requests)


def _waits(why: str, *requests: Request) -> Difference:
    return Difference(why=why, requests=requests, waiting=True)


def _all(difference: Difference, *names: str) -> dict[str, Difference]:
    return dict.fromkeys(names, difference)


_LINES: Final = {
    "request-line/bare-lf-end": _accepted(_BARE_LF),
    "request-line/bare-lf-everywhere": _accepted(_BARE_LF),
    "request-line/http-0.9": _waits(_WHOLE),
    "field/bare-lf-in-value": _accepted(_BARE_LF, (b"x-a", b"b"), (b"x-b", b"c")),
    "field/bare-lf-then-fold": _accepted(f"{_BARE_LF}; {_OBS_FOLD}", (b"x-a", b"b c")),
    "field/bare-lf-twice": Difference(
        why=f"{_BARE_LF}, so the head ends early and the rest is no request",
        requests=(Request(headers=(_HOST_FIELD, (b"x-a", b"b"))),),
        status=400,
    ),
    "field/bare-lf-ends-head": _read(_BARE_LF, Request(headers=(_HOST_FIELD,)), Request(target=b"/evil")),
    "field/crlf-lf-ends-head": _accepted(_BARE_LF, (b"x", b"y")),
    "field/crlf-cr-cr-lf": _waits(_WHOLE),
    "field/lf-without-cr-after-host": _accepted(_BARE_LF, (b"x", b"y")),
    "field/obs-fold-space": _accepted(_OBS_FOLD, (b"x-a", b"b c")),
    "field/obs-fold-tab": _accepted(_OBS_FOLD, (b"x-a", b"b c")),
    "field/obs-fold-looks-like-field": _accepted(_OBS_FOLD, (b"x-a", b"b X-B: c")),
    "field/obs-fold-empty": _accepted(_OBS_FOLD, (b"x-a", b"b")),
    "smuggling/header-injected-by-lf": _read(
        _BARE_LF, Request(headers=(_HOST_FIELD, (b"x", b"y"), (b"content-length", b"5")), body=b"hello")
    ),
}

_FRAMING: Final = {
    "framing/length-list": _read(_LENGTH_LIST, _HELLO),
    "framing/length-list-no-space": _read(_LENGTH_LIST, _HELLO),
    "framing/two-equal": Difference(
        why=f"{_LENGTH_LIST}; what follows those five bytes of the case is no request",
        requests=(Request(method="POST", body=b"5\r\nhe"),),
        status=400,
    ),
    "framing/te-folded": _read(_OBS_FOLD, _HELLO),
    "framing/te-folded-tab": Difference(why=f"{_OBS_FOLD}; {_NOT_IMPLEMENTED}", status=501),
    **_all(
        Difference(why=_NOT_IMPLEMENTED, status=501),
        "framing/te-chunked-twice",
        "framing/te-empty",
        "framing/te-empty-cl",
        "framing/te-kelvin-sign",
        "framing/te-leading-comma",
        "framing/te-nbsp",
        "framing/te-parameter",
        "framing/te-quoted",
        "framing/te-semicolon",
        "framing/te-space-inside",
        "framing/te-trailing-comma",
        "framing/te-two-fields",
        "framing/te-two-fields-one-empty",
        "framing/te-two-words",
        "framing/te-unknown-cl",
        "smuggling/te-duplicated-value",
    ),
    "trailer/transfer-encoding": Difference(why=_NOT_IMPLEMENTED, requests=(_HALF,), status=501),
}

_ALL_BYTES: Final = Request(method="POST", body=b"hello\r\n0\r\n\r\n", complete=False)

_BODIES: Final = {
    **_all(_read(_CHUNK_PADDING, _HELLO), "chunked/size-trailing-space", "chunked/size-trailing-tab"),
    "chunked/size-17-digits": _read(_CHUNK_DIGITS, _HELLO),
    **_all(_waits(_CHUNK_DIGITS, _ALL_BYTES), "chunked/size-2-to-64", "chunked/size-2-to-64-plus-5"),
    "smuggling/chunk-size-wraps-around": _waits(
        _CHUNK_DIGITS,
        Request(method="POST", body=b"\r\nGET /evil HTTP/1.1\r\n" + HOST + b"\r\n", complete=False),
    ),
    "chunked/size-endless": _waits(_MEMORY, _NO_CONTENT),
    **_all(
        _read(_EXTENSION, _HELLO),
        "chunked/extension-after-quote",
        "chunked/extension-bare-cr",
        "chunked/extension-empty",
        "chunked/extension-empty-second",
        "chunked/extension-escape",
        "chunked/extension-name-not-token",
        "chunked/extension-nul",
        "chunked/extension-obs-text",
        "chunked/extension-quote-open",
        "chunked/extension-space-at-end",
        "chunked/extension-value-empty",
        "limit/extension-one-more",
    ),
    "trailer/obs-fold": _read(_OBS_FOLD, Request(method="POST", body=b"hello", trailers=((b"x-a", b"b c"),))),
    "trailer/bare-lf": _read(_BARE_LF, Request(method="POST", body=b"hello", trailers=((b"x-a", b"b"),))),
    "trailer/bare-lf-ends-body": Difference(
        why=f"{_BARE_LF}, so the body ends early; what follows has no Host", requests=(_HELLO,), status=400
    ),
    "trailer/cr-cr-lf": _waits(_WHOLE, _HALF),
}

_LIMITS: Final = {
    "limit/request-line-too-long-and-malformed": Difference(why=_AFTERWARDS, status=400),
    "limit/request-line-endless": Difference(why=_MEMORY, status=431),
    "limit/field-white-space-counts": _accepted(_AFTERWARDS, (b"x", b"a")),
    "limit/field-too-large-and-malformed": Difference(why=_AFTERWARDS, status=400),
    "limit/fields-one-more-and-malformed": Difference(why=_AFTERWARDS, status=400),
    **_all(
        _waits(_MEMORY),
        "limit/request-line-endless-default",
        "limit/field-endless",
        "limit/field-endless-default",
        "limit/headers-endless",
        "limit/headers-before-field",
        "limit/headers-default",
        "limit/fields-endless",
    ),
    "limit/extension-endless": _waits(_MEMORY, _NO_CONTENT),
    "limit/extension-unpaid": _read(_EXTENSION, Request(method="POST", body=b"aaaaa")),
    "limit/trailers-endless": _waits(_MEMORY, _HALF),
}

H11_DIFFERENCES: Final[dict[str, Difference]] = {**_LINES, **_FRAMING, **_BODIES, **_LIMITS}
"""By the name of the case."""
