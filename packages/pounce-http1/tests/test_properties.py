"""Invariants, against bytes that nobody thought of."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pounce_http1 import HeaderMemo, Limits, RemoteProtocolError, RequestReader
from pounce_http1.testing import CASES, HeadFirst, Outcome, Request, observe
from pounce_http1.testing.case import get, post

LIMITS = Limits(
    limit_request_line=100,
    limit_request_field_size=100,
    limit_request_header_size=300,
    limit_request_fields=10,
    limit_chunk_extension=20,
    limit_trailer_size=100,
)
MOST_BUFFERED = 100 + 300 + 4

TOKEN = st.text("!#$%&'*+-.^_`|~0123456789ABCXYZabcxyz", min_size=1, max_size=8).map(str.encode)
VALUE = st.lists(st.sampled_from([*range(0x21, 0x7F), *range(0x80, 0x100)]), max_size=12).map(bytes)
FIELD = st.tuples(TOKEN.map(lambda name: b"x-" + name), VALUE)
PIECES = [
    b"GET / HTTP/1.1\r\n",
    b"POST /a?b HTTP/1.1\r\n",
    b"GET http://b/ HTTP/1.1\r\n",
    b"Host: a\r\n",
    b"Content-Length: 3\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"Upgrade: x\r\n",
    b"Expect: 100-continue\r\n",
    b"X: y\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b":",
    b";",
    b"\0",
    b"abc",
    b"3\r\nabc\r\n",
    b"0\r\n\r\n",
    b"0\r\n",
    b"F;a=b\r\n",
]
SOUP = st.lists(st.one_of(st.sampled_from(PIECES), st.binary(max_size=3)), max_size=14).map(b"".join)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Bytes of a case, or a soup, with a few bytes replaced, removed or inserted."""
    short = [case.wire for case in CASES if len(case.wire) < 400]
    wire = bytearray(draw(st.one_of(SOUP, st.sampled_from(short))))
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(wire)))
        wire[at : at + draw(st.integers(0, 2))] = draw(st.one_of(st.binary(max_size=2), st.sampled_from(PIECES)))
    return bytes(wire)


@st.composite
def cut(draw: st.DrawFn, wires: st.SearchStrategy[bytes]) -> list[bytes]:
    wire = draw(wires)
    places = sorted(draw(st.lists(st.integers(0, len(wire)), max_size=6)))
    return [wire[start:end] for start, end in zip([0, *places], [*places, len(wire)], strict=True)]


def _same(one: Outcome, other: Outcome) -> bool:
    return (one.requests, type(one.error), str(one.error), one.waiting) == (
        other.requests,
        type(other.error),
        str(other.error),
        other.waiting,
    )


@settings(max_examples=400, deadline=None)
@given(cut(damaged()))
def test_cuts_change_nothing(pieces: list[bytes]) -> None:
    """However bytes are cut, with a memo or without: the same requests and the same error, to the word."""
    whole = observe(RequestReader(LIMITS), [b"".join(pieces)])
    in_pieces = observe(RequestReader(LIMITS), pieces)
    assert (whole.requests, type(whole.error), whole.waiting) == (
        in_pieces.requests,
        type(in_pieces.error),
        in_pieces.waiting,
    )
    memo = HeaderMemo()
    for _ in range(3):
        assert _same(observe(RequestReader(LIMITS, memo), [b"".join(pieces)]), whole)


@st.composite
def near(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A request, and the same with a few bytes replaced, removed or inserted, or with its end in the next piece."""
    lines = draw(st.lists(st.sampled_from([b"X: y", b"Accept: */*", b"Connection: close"]), max_size=3))
    lines += draw(st.sampled_from([[], [b"Content-Length: 3"]]))
    start = draw(st.sampled_from([b"GET / HTTP/1.1", b"POST /a?b HTTP/1.1", b"ODD /a HTTP/1.1", b"GET / HTTP/1.0"]))
    wire = get(*lines, start=start)
    other = bytearray(wire)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(other)))
        other[at : at + draw(st.integers(0, 2))] = draw(st.one_of(st.binary(max_size=2), st.sampled_from(PIECES)))
    return wire, bytes(other)


@settings(max_examples=400, deadline=None)
@given(near(), st.binary(max_size=6), st.sampled_from([bytes, bytearray, memoryview, type("Bytes", (bytes,), {})]))
def test_what_is_nearly_as_before_is_read_as_if_it_were_new(
    wires: tuple[bytes, bytes], rest: bytes, kind: type[bytes]
) -> None:
    """A reader that expects the fields that it knows takes nothing else for them."""
    usual, other = wires
    reader = RequestReader(LIMITS, HeaderMemo())
    for _ in range(4):
        head = reader.receive_head(usual)
        assert head is not None
        if head.has_body:
            reader.receive_data(b"xyz")
        while reader.maybe_next_event() is not None:
            pass
        assert reader.idle
    assert _same(observe(HeadFirst(reader), [kind(other), rest]), observe(RequestReader(LIMITS), [other, rest]))


@settings(max_examples=300, deadline=None)
@given(cut(st.one_of(damaged(), st.binary(max_size=300))))
def test_only_our_errors_and_bounded_memory(pieces: list[bytes]) -> None:
    """Nothing but RemoteProtocolError is raised, and never more is kept than the limits and the last piece."""
    reader = RequestReader(LIMITS)
    for piece in pieces:
        reader.receive_data(piece)
        try:
            while reader.maybe_next_event() is not None:
                pass
        except RemoteProtocolError as refused:
            error = refused
            break
        assert reader.buffered <= MOST_BUFFERED + len(piece)
    else:
        return
    assert 400 <= error.status < 600
    assert str(error).isprintable()
    assert len(str(error)) < 300
    assert reader.buffered == 0


@settings(max_examples=200, deadline=None)
@given(
    method=TOKEN,
    path=st.text("abc/%?=&;.", max_size=10).map(lambda text: b"/" + text.encode()),
    fields=st.lists(FIELD, max_size=6),
    body=st.one_of(st.none(), st.binary(max_size=60)),
    chunks=st.lists(st.integers(1, 20), max_size=5),
    trailers=st.lists(FIELD, max_size=3),
    places=st.lists(st.integers(0, 400), max_size=5),
)
def test_what_is_rendered_is_read(
    method: bytes,
    path: bytes,
    fields: list[tuple[bytes, bytes]],
    body: bytes | None,
    chunks: list[int],
    trailers: list[tuple[bytes, bytes]],
    places: list[int],
) -> None:
    """A request put together by the grammar is read as what it was put together from."""
    if method == b"CONNECT":
        return
    lines = [b"%b: %b" % field for field in fields]
    if body is None:
        wire = get(*lines, start=b"%b %b HTTP/1.1" % (method, path))
    elif chunks:
        wire = get(*lines, b"Transfer-Encoding: chunked", start=b"%b %b HTTP/1.1" % (method, path))
        rest = body
        for size in chunks:
            piece, rest = rest[:size], rest[size:]
            wire += b"%x\r\n%b\r\n" % (len(piece), piece) if piece else b""
        wire += (b"%X;a\r\n%b\r\n" % (len(rest), rest) if rest else b"") + b"0\r\n"
        wire += b"".join(b"%b:%b\r\n" % field for field in trailers) + b"\r\n"
    else:
        wire = get(*lines, b"Content-Length: %d" % len(body), start=b"%b %b HTTP/1.1" % (method, path)) + body
    marks = [0, *sorted(min(place, len(wire)) for place in places), len(wire)]
    outcome = observe(RequestReader(), [wire[a:b] for a, b in itertools.pairwise(marks)])
    assert outcome.error is None
    assert not outcome.waiting
    (request,) = outcome.requests
    assert (request.method, request.target) == (method.decode(), path)
    assert request.headers is not None
    assert request.headers[1 : 1 + len(fields)] == tuple((name.lower(), value) for name, value in fields)
    assert (request.body or b"") == (body or b"")
    if chunks and body is not None:
        assert request.trailers == tuple((name.lower(), value) for name, value in trailers)


def _in_h11s_spelling(request: Request) -> Request:
    """h11 hands out the transfer coding in lower case."""
    headers = request.headers or ()
    return replace(
        request,
        headers=tuple((name, value.lower() if name == b"transfer-encoding" else value) for name, value in headers),
    )


@settings(max_examples=300, deadline=None)
@given(damaged())
@example(post(b"TRANSFER-encoding: ChUnKeD", body=b"0\r\n\r\n"))
def test_what_we_accept_h11_reads_in_the_same_way(wire: bytes) -> None:
    """h11 is laxer: each request that we read, it reads equally, unless it refuses it for a reason of its own."""
    h11_engine = pytest.importorskip("pounce_http1.h11_engine")
    ours = observe(RequestReader(), [wire])
    theirs = observe(h11_engine.H11RequestReader(), [wire])
    for our, their in zip(ours.requests, theirs.requests, strict=False):
        if our.complete and their.complete:
            assert _in_h11s_spelling(our) == their
    complete = sum(request.complete for request in ours.requests)
    assert sum(request.complete for request in theirs.requests) >= complete or theirs.error is not None


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 20), st.integers(1, 5)), max_size=4), st.integers(0, 60), st.binary(max_size=2)
)
def test_runs_of_equal_chunks_are_read_as_chunks(runs: list[tuple[int, int]], cut_at: int, odd: bytes) -> None:
    """Which are read together when they are there together; here some bytes of them are cut off or replaced."""
    wire = b"".join(b"%x\r\n%b\r\n" % (size, b"x" * size) * count for size, count in runs) + b"0\r\n\r\n"
    if odd:
        wire = wire[: -cut_at or None] + odd + wire[len(wire) - cut_at + len(odd) :]
    wire = post(b"Transfer-Encoding: chunked", body=wire)
    one_by_one = observe(RequestReader(LIMITS), [wire[at : at + 1] for at in range(len(wire))])
    for engine in (RequestReader(LIMITS), HeadFirst(RequestReader(LIMITS))):
        together = observe(engine, [wire])
        assert (together.requests, type(together.error), together.waiting) == (
            one_by_one.requests,
            type(one_by_one.error),
            one_by_one.waiting,
        )


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8))
def test_a_body_by_length_is_what_was_sent(parts: list[bytes]) -> None:
    body = b"".join(parts)
    outcome = observe(RequestReader(), [post(b"Content-Length: %d" % len(body)), *parts, get()])
    assert [request.body for request in outcome.requests] == [body or None, None]
