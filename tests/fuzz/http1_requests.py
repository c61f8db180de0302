"""Whole HTTP/1.1 requests through both engines, however they are cut, with a memo and without.

- Nothing is raised but `RemoteProtocolError`, with a status, and a message that can be logged.
- The same requests and the same error (by type), however the bytes are cut; the same to the word with a memo.
- No more is kept than the limits of a head, and the last piece.
- A request that was read, written again by the grammar, is read as the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_http1 import HeaderMemo, Limits, RemoteProtocolError, RequestReader
from pounce_http1.h11_engine import H11RequestReader
from pounce_http1.testing import CASES, HeadFirst, observe
from tests.fuzz.target import Target, chance_of, cut

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_http1.testing import Outcome

__all__ = ["DICTIONARY", "H11_REQUESTS", "HTTP1_REQUESTS", "SEEDS", "render"]

SMALL = Limits(
    limit_request_line=100,
    limit_request_field_size=100,
    limit_request_header_size=300,
    limit_request_fields=10,
    limit_chunk_extension=20,
    limit_trailer_size=100,
)
MOST_BUFFERED = 100 + 300 + 4
SEEDS = tuple(case.wire for case in CASES if len(case.wire) < 700)
DICTIONARY = (
    b"GET / HTTP/1.1\r\nHost: a\r\n",
    b"POST /a?b HTTP/1.1\r\nHost: a\r\n",
    b"GET http://b/ HTTP/1.1\r\n",
    b"OPTIONS * HTTP/1.1\r\n",
    b"HTTP/1.0",
    b"Host: a\r\n",
    b"Host: a:80\r\n",
    b"Content-Length: 5\r\n",
    b"Content-Length: 0\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"transfer-encoding:chunked",
    b"Connection: close\r\n",
    b"Connection: keep-alive, Upgrade\r\n",
    b"Upgrade: websocket\r\n",
    b"Expect: 100-continue\r\n",
    b"TE: trailers\r\n",
    b"\r\n\r\n",
    b"5\r\nhello\r\n",
    b"0\r\n\r\n",
    b"0\r\n",
    b"F;a=b\r\n",
    b": ",
    b",",
    b";",
    b"%00",
    b"[::1]",
    b"hello",
)


def _meaning(outcome: Outcome) -> tuple[object, ...]:
    return outcome.requests, type(outcome.error), outcome.waiting


def _to_the_word(outcome: Outcome) -> tuple[object, ...]:
    return outcome.requests, type(outcome.error), str(outcome.error), outcome.waiting


def _judge_error(error: RemoteProtocolError | None) -> None:
    if error is not None:
        assert 400 <= error.status < 600
        assert str(error).isprintable()
        assert len(str(error)) < 400


def _check_memory(data: bytes) -> None:
    reader = RequestReader(SMALL)
    for start in range(0, len(data), 7):
        reader.receive_data(data[start : start + 7])
        try:
            while reader.maybe_next_event() is not None:
                pass
        except RemoteProtocolError:
            assert reader.buffered == 0
            return
        assert reader.buffered <= MOST_BUFFERED + 7


def render(outcome: Outcome, index: int) -> bytes:
    """A request that was read, written by the grammar of RFC 9112."""
    request, head = outcome.requests[index], outcome.heads[index]
    headers = b"".join(b"%b:%b\r\n" % field for field in head.headers)
    line = b"%b %b HTTP/%b\r\n" % (request.method.encode(), request.target, head.http_version.encode())
    body = request.body or b""
    if head.chunked:
        chunks = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
        body = chunks + b"0\r\n" + b"".join(b"%b:%b\r\n" % field for field in request.trailers) + b"\r\n"
    return line + headers + b"\r\n" + body


def _check_rendered(outcome: Outcome) -> None:
    for index, request in enumerate(outcome.requests):
        if request.complete:
            again = observe(RequestReader(), [render(outcome, index)])
            assert again.error is None, again.error
            assert again.requests == [request]
            assert repr(again.heads[0].fields) == repr(outcome.heads[index].fields)


def _check(data: bytes) -> None:
    chance = chance_of(data)
    limits = SMALL if chance.random() < 0.3 else Limits()
    whole = observe(RequestReader(limits), [data])
    _judge_error(whole.error)
    expected = _meaning(whole)
    bytewise = [data[at : at + 1] for at in range(len(data))] if len(data) < 300 else cut(data, chance, 30)
    memo = HeaderMemo() if chance.random() < 0.5 else None
    pieces = chance.choice((cut(data, chance), cut(data, chance, 1), bytewise))
    assert _meaning(observe(RequestReader(limits, memo), pieces)) == expected, pieces
    assert _meaning(observe(HeadFirst(RequestReader(limits, memo)), pieces)) == expected, pieces
    if memo is not None:  # what is remembered by now changes nothing
        assert _to_the_word(observe(RequestReader(limits, memo), [data])) == _to_the_word(whole)
        assert _meaning(observe(HeadFirst(RequestReader(limits, memo)), [data])) == expected
    _check_memory(data)
    _check_rendered(whole)


def _check_h11(data: bytes) -> None:
    chance = chance_of(data)
    whole = observe(H11RequestReader(), [data])
    _judge_error(whole.error)
    for pieces in (cut(data, chance), cut(data, chance, 1)):
        assert _meaning(observe(H11RequestReader(), pieces)) == _meaning(whole), pieces


def _growing(start: bytes, piece: bytes, end: bytes = b"") -> Callable[[int], bytes]:
    return lambda size: start + piece * (size // len(piece)) + end


_HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
_CHUNKED = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

HTTP1_REQUESTS = Target(
    name="http1",
    promises="our errors only; cuts change nothing; memory by the limits; what was read and is written is read again",
    check=_check,
    seeds=SEEDS,
    dictionary=DICTIONARY,
    modules=("pounce_http1",),
    rounds=300,
    shapes=(
        _growing(b"GET /", b"a"),
        _growing(b"GET /", b"a?", b" HTTP/1.1\r\nHost: a\r\n\r\n"),
        _growing(_HEAD + b"X: ", b"a b\t", b"\r\n\r\n"),
        _growing(_HEAD, b"X:y\r\n", b"\r\n"),
        _growing(_HEAD + b"Connection: ", b"a,", b"\r\n\r\n"),
        _growing(_HEAD + b"Transfer-Encoding: ", b" ,", b"\r\n\r\n"),
        _growing(b"GET / HTTP/1.1\r\nHost: ", b"%41", b"!\r\n\r\n"),
        _growing(b"GET http://", b"a.", b"/ HTTP/1.1\r\nHost: a\r\n\r\n"),
        _growing(b"", _HEAD + b"\r\n"),
        _growing(b"", b"\r\n" + _HEAD + b"\r\n"),
        _growing(_CHUNKED, b"1\r\na\r\n", b"0\r\n\r\n"),
        _growing(_CHUNKED, b"1;a\r\na\r\n2\r\nab\r\n", b"0\r\n\r\n"),
        _growing(_CHUNKED + b"0\r\n", b"X:y\r\n", b"\r\n"),
        _growing(_CHUNKED + b"0;a", b";a=b", b"\x01\r\n"),
        _growing(_CHUNKED + b"0;a", b" ", b"\x01\r\n"),
        _growing(_CHUNKED + b'0;a="', b'\\"b;', b"\r\n"),
    ),
)

H11_REQUESTS = Target(
    name="h11",
    promises="the engine over h11: our errors only; cuts change nothing",
    check=_check_h11,
    seeds=SEEDS,
    dictionary=DICTIONARY,
    modules=("pounce_http1", "h11"),
    rounds=200,
)
