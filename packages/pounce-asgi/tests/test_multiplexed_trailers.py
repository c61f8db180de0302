"""Request trailers by themselves (RFC 9113, 8.1; RFC 9110, 6.5)."""

from __future__ import annotations

import pytest

from pounce_asgi import RequestError
from pounce_asgi.multiplexed import MessageFault
from pounce_asgi.multiplexed.trailers import judge_trailers


def test_good_ones() -> None:
    judge_trailers([(b"x-checksum", b"abc"), (b"grpc-status", b"0")], 100)
    judge_trailers([], 0)


@pytest.mark.parametrize("field", [(b":path", b"/"), (b"X", b"y"), (b"x", b"\0"), (b"upgrade", b"x"), (b"", b"")])
def test_malformed(field: tuple[bytes, bytes]) -> None:
    with pytest.raises(MessageFault):
        judge_trailers([field], 100)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ([(b"content-length", b"1")], 400),
        ([(b"cookie", b"a=b")], 400),
        ([(b"x", b"y")] * 101, 431),
        ([(b"x", b"y" * 17_000)], 431),
    ],
)
def test_answered(fields: list[tuple[bytes, bytes]], status: int) -> None:
    with pytest.raises(RequestError) as caught:
        judge_trailers(fields, 100)
    assert caught.value.status == status
