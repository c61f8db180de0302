"""Response heads: what may leave, and what must not."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pounce_http1 import (
    LAST_CHUNK,
    DateCache,
    LocalProtocolError,
    ProtocolError,
    encode_chunk,
    encode_header_line,
    encode_last_chunk,
    encode_status_line,
    render_response_head,
)


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (200, b"HTTP/1.1 200 OK\r\n"),
        (103, b"HTTP/1.1 103 Early Hints\r\n"),
        (404, b"HTTP/1.1 404 Not Found\r\n"),
        (299, b"HTTP/1.1 299 \r\n"),
        (100, b"HTTP/1.1 100 Continue\r\n"),
        (999, b"HTTP/1.1 999 \r\n"),
    ],
)
def test_status_line(status: int, line: bytes) -> None:
    assert encode_status_line(status) == line


@pytest.mark.parametrize("status", [0, 99, 1000, -200, "200", 200.5, None, b"200", True, 10**30])
def test_status_line_refuses(status: Any) -> None:
    with pytest.raises(LocalProtocolError, match="100 to 999"):
        encode_status_line(status)


def test_status_lines_are_ascii_and_one_line() -> None:
    for status in HTTPStatus:
        line = encode_status_line(status.value)
        assert line.isascii()
        assert line.count(b"\r") == line.count(b"\n") == 1


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        (b"content-type", b"text/plain", b"content-type: text/plain\r\n"),
        (b"X", b"", b"X: \r\n"),
        (b"x", b"a\tb c", b"x: a\tb c\r\n"),
        (b"x", b"\x80\xff", b"x: \x80\xff\r\n"),
        (b"!#$%&'*+-.^_`|~09Az", b"x", b"!#$%&'*+-.^_`|~09Az: x\r\n"),
    ],
)
def test_header_line(name: bytes, value: bytes, line: bytes) -> None:
    assert encode_header_line(name, value) == line


@pytest.mark.parametrize("name", [b"", b" ", b"a b", b"a:", b":", b"a\r\nb", b"a\n", b"a\x00", b"\xe4", b"a\x7f"])
def test_header_line_refuses_names(name: bytes) -> None:
    with pytest.raises(LocalProtocolError, match="not a token"):
        encode_header_line(name, b"x")


@pytest.mark.parametrize("byte", [*range(9), *range(10, 32), 127])
def test_header_line_refuses_control_characters(byte: int) -> None:
    for value in (bytes([byte]), b"a%cb" % byte, b"a%c" % byte):
        with pytest.raises(LocalProtocolError, match="'x-name'"):
            encode_header_line(b"x-name", value)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("x-name", b"x", "header names are bytes, but 'x-name' is str"),
        (None, b"x", "header names are bytes, but None is NoneType"),
        (b"x-name", "x", "value of 'x-name' is str"),
        (b"x-name", None, "value of 'x-name' is NoneType"),
        (b"x-name", 5, "value of 'x-name' is int"),
        (b"x-name", bytearray(b"x"), "value of 'x-name' is bytearray"),
    ],
)
def test_header_line_wants_bytes(name: Any, value: Any, words: str) -> None:
    with pytest.raises(LocalProtocolError, match=words) as error:
        encode_header_line(name, value)
    assert error.value.status == 500
    assert isinstance(error.value, ValueError)
    assert isinstance(error.value, ProtocolError)


@given(name=st.binary(max_size=8), value=st.binary(max_size=30))
def test_header_line_never_splits(name: bytes, value: bytes) -> None:
    """Whatever is given, either an error or exactly one line comes out."""
    try:
        line = encode_header_line(name, value)
    except LocalProtocolError:
        return
    assert line.count(b"\n") == line.count(b"\r") == 1
    assert line.endswith(b"\r\n")
    assert b"\0" not in line


def test_chunks() -> None:
    assert encode_chunk(b"hello") == b"5\r\nhello\r\n"
    assert encode_chunk(b"x" * 255).startswith(b"ff\r\n")
    assert encode_chunk(b"") == b""
    assert encode_last_chunk() == LAST_CHUNK == b"0\r\n\r\n"
    assert encode_last_chunk([b"a: b\r\n", b"c: d\r\n"]) == b"0\r\na: b\r\nc: d\r\n\r\n"


def test_whole_head() -> None:
    head = render_response_head(200, [(b"content-length", b"0"), (b"x", b"y")])
    assert head == b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx: y\r\n\r\n"
    assert render_response_head(204, []) == b"HTTP/1.1 204 No Content\r\n\r\n"


def test_date_is_rendered_once_a_second() -> None:
    cache = DateCache()
    line = cache.header_line(784111777.0)
    assert line == b"date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    assert cache.header_line(784111777.999) is line
    assert cache.header_line(784111778.0) == b"date: Sun, 06 Nov 1994 08:49:38 GMT\r\n"
    assert cache.header_line(784111777.5) == line  # the clock was set back
    assert cache.header_line(0.5) == b"date: Thu, 01 Jan 1970 00:00:00 GMT\r\n"
