"""The buffer between the wire and ``receive()``."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pounce_asgi.request_body import BODY_BUFFER, RequestBody


def test_the_buffer_is_64_kib() -> None:
    assert BODY_BUFFER == 65536


def test_empty() -> None:
    body = RequestBody()
    assert (body.take(), body.waiting, body.received, body.complete, body.failed) == (b"", 0, 0, False, False)


def test_reading_pauses_when_64_kib_wait() -> None:
    body = RequestBody()
    assert body.feed(b"x" * (BODY_BUFFER - 1)) is False
    assert body.feed(b"x") is True
    assert len(body.take()) == BODY_BUFFER
    assert body.feed(b"x") is False
    assert body.received == BODY_BUFFER + 1


def test_a_single_chunk_is_not_copied() -> None:
    chunk = b"x" * 1000
    body = RequestBody()
    body.feed(chunk)
    assert body.take() is chunk


def test_discard() -> None:
    body = RequestBody()
    body.feed(b"abc")
    body.discard()
    assert (body.take(), body.waiting, body.received) == (b"", 0, 3)


@given(st.lists(st.one_of(st.none(), st.binary(min_size=1, max_size=9))))
def test_what_goes_in_comes_out_in_order(steps: list[bytes | None]) -> None:
    body = RequestBody()
    put, got = b"", b""
    for step in steps:
        if step is None:
            got += body.take()
        else:
            put += step
            body.feed(step)
        assert body.waiting == len(put) - len(got)
    assert got + body.take() == put
    assert body.received == len(put)
