"""The line-by-line reading of a head; test_linear_time.py counts its work."""

from __future__ import annotations

import pytest

from pounce_http1 import InvalidRequestLine, Limits
from pounce_http1.partial_head import PartialHead
from pounce_http1.testing.case import get


def test_reads_on_where_it_stopped() -> None:
    wire = get(b"X: y")
    partial = PartialHead(Limits(), b"")
    for byte in wire[:-1]:
        partial.data.append(byte)
        assert not partial.judged
        assert partial.advance() is None
        assert partial.judged
    partial.data += wire[-1:] + b"rest"
    head = partial.advance()
    assert head is not None
    assert head.headers[-1] == (b"x", b"y")
    assert partial.data[partial.end :] == b"rest"


def test_an_empty_line_is_skipped_and_not_counted() -> None:
    partial = PartialHead(Limits(), b"\r\n")
    assert partial.advance() is None
    assert partial.buffered == 0
    partial.data += b"G"
    assert partial.buffered == 1


def test_a_hint_for_tls() -> None:
    with pytest.raises(InvalidRequestLine, match="TLS"):
        PartialHead(Limits(), b"\x16\x03\x01").advance()
