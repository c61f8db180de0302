"""Where an answer ends, however it is cut."""

from __future__ import annotations

import pytest

from pounce_testing.bench.answer_reader import AnswerError, AnswerReader

WHOLE = {
    "length": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", (200, False)),
    "no body": (b"HTTP/1.1 204 No Content\r\n\r\n", (204, False)),
    "length and close": (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nConnection: close\r\n\r\n", (404, True)),
    "chunked": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", (200, False)),
}


@pytest.mark.parametrize("case", WHOLE)
def test_cut_anywhere(case: str) -> None:
    wire, expected = WHOLE[case]
    for cut in range(1, len(wire)):
        reader = AnswerReader()
        assert reader.receive(wire[:cut]) is None
        assert reader.receive(wire[cut:]) == expected
        assert reader.receive(wire) == expected, "the next one"


def test_one_that_ends_with_the_connection() -> None:
    reader = AnswerReader()
    assert reader.receive(b"HTTP/1.0 200 OK\r\n\r\nhello") is None
    assert reader.closed() == 200


@pytest.mark.parametrize("wire", [b"", b"SSH", b"HTTP/1.1 200 OK\r\nContent-Le", WHOLE["length"][0][:-1]])
def test_one_that_is_cut_off(wire: bytes) -> None:
    reader = AnswerReader()
    assert reader.receive(wire) is None
    assert reader.closed() is None


@pytest.mark.parametrize("wire", [b"SSH-2.0\r\n\r\n", b"HTTP/1.1\r\n\r\n", WHOLE["length"][0] + b"!"])
def test_what_is_no_answer(wire: bytes) -> None:
    with pytest.raises(AnswerError):
        AnswerReader().receive(wire)


def test_heads_that_differ_are_not_kept_for_ever() -> None:
    reader = AnswerReader()
    for number in range(600):
        head = b"HTTP/1.1 200 OK\r\nX: %d\r\nContent-Length: 0\r\n\r\n" % number
        assert reader.receive(head) == (200, False)
    assert len(reader._known) <= 256
