"""The tree of errors."""

from __future__ import annotations

import pytest

from pounce_http1 import LocalProtocolError, ProtocolError, RemoteProtocolError, errors
from pounce_http1.errors import quote

CLASSES = [getattr(errors, name) for name in errors.__all__ if name != "quote"]


@pytest.mark.parametrize("error", CLASSES, ids=lambda error: error.__name__)
def test_errors_carry_their_answer(error: type[ProtocolError]) -> None:
    assert error.status in {400, 414, 431, 500, 501, 505}
    assert error.must_close is True
    assert error.__doc__
    sides = issubclass(error, RemoteProtocolError) + issubclass(error, LocalProtocolError)
    assert sides == (error is not ProtocolError)


def test_ours_are_500_and_value_errors() -> None:
    assert LocalProtocolError.status == 500
    assert issubclass(LocalProtocolError, ValueError)
    assert not issubclass(RemoteProtocolError, ValueError)


def test_quote_is_short_and_printable() -> None:
    assert quote(b"a\r\n\x00\xff") == r"'a\r\n\x00\xff'"
    assert quote(bytearray(b"x")) == "'x'"
    long = quote(b"\x00" * 10_000)
    assert len(long) < 300
    assert long.endswith("(10000 bytes)")
