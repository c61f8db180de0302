"""What is particular to the engine over h11; the rest is in test_cases.py and test_reader.py, for both engines."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pounce_http1 import HeadersTooLarge, Limits, RemoteProtocolError, RequestHead
from pounce_http1.testing.case import get

H11RequestReader = pytest.importorskip("pounce_http1.h11_engine").H11RequestReader


def test_an_unfinished_head_is_bounded_as_a_whole() -> None:
    limits = Limits(limit_request_line=1000, limit_request_header_size=1000)
    reader = H11RequestReader(limits)
    reader.receive_data(b"GET / HTTP/1.1\r\nX: " + b"a" * 1500)
    assert reader.maybe_next_event() is None
    reader.receive_data(b"a" * 1000)
    with pytest.raises(HeadersTooLarge) as error:
        reader.maybe_next_event()
    assert error.value.status == 431
    assert reader.buffered == 0


def test_a_message_quotes_no_more_than_the_beginning_of_a_line() -> None:
    reader = H11RequestReader()
    reader.receive_data(b"GET / " + b"a" * 5000 + b" HTTP/1.1\r\n\r\n")
    with pytest.raises(RemoteProtocolError) as error:
        reader.maybe_next_event()
    assert "illegal request line" in str(error.value)
    assert len(str(error.value)) < 210


@pytest.mark.parametrize("size", [1, 2, 3])
def test_an_empty_line_before_each_request(size: int) -> None:
    wire = (b"\r\n" + get()) * 3
    reader = H11RequestReader()
    heads = 0
    for start in range(0, len(wire), size):
        reader.receive_data(wire[start : start + size])
        while isinstance(reader.maybe_next_event(), RequestHead):
            heads += 1
    assert heads == 3


def test_the_package_does_not_import_h11() -> None:
    code = "import sys, pounce_http1, pounce_http1.testing; sys.exit('h11' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
