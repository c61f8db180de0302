"""The rules of framing, by themselves; the case table has them on the wire."""

from __future__ import annotations

import pytest

from pounce_http1 import (
    ConflictingFraming,
    InvalidChunk,
    InvalidContentLength,
    InvalidTransferEncoding,
    RemoteProtocolError,
    UnsupportedTransferCoding,
)
from pounce_http1.framing import FORBIDDEN_IN_TRAILERS, body_framing, chunk_size


@pytest.mark.parametrize(
    ("version", "lengths", "codings", "framing"),
    [
        ("1.1", [], [], (None, False)),
        ("1.1", [b"0"], [], (0, False)),
        ("1.0", [b"12"], [], (12, False)),
        ("1.1", [b"9223372036854775807"], [], (2**63 - 1, False)),
        ("1.1", [], [b"Chunked"], (None, True)),
    ],
)
def test_accepted(version: str, lengths: list[bytes], codings: list[bytes], framing: tuple[int | None, bool]) -> None:
    assert body_framing(version, lengths, codings) == framing


@pytest.mark.parametrize(
    ("version", "lengths", "codings", "error"),
    [
        ("1.1", [b"5", b"5"], [], InvalidContentLength),
        ("1.1", ["٣".encode()], [], InvalidContentLength),
        ("1.1", [b"9223372036854775808"], [], InvalidContentLength),
        ("1.1", [b"5"], [b"chunked"], ConflictingFraming),
        ("1.0", [], [b"chunked"], InvalidTransferEncoding),
        ("1.1", [], [b"chunked", b"chunked"], InvalidTransferEncoding),
        ("1.1", [], [b"br"], UnsupportedTransferCoding),
    ],
)
def test_refused(version: str, lengths: list[bytes], codings: list[bytes], error: type[RemoteProtocolError]) -> None:
    with pytest.raises(error):
        body_framing(version, lengths, codings)


@pytest.mark.parametrize(("line", "size"), [(b"0", 0), (b"f", 15), (b"FF;a", 255), (b"0" * 15 + b"1", 1)])
def test_chunk_size(line: bytes, size: int) -> None:
    assert chunk_size(line) == size


@pytest.mark.parametrize("line", [b"", b"+5", b"0_5", b"0x5", b" 5", b"5 ", b"5\n", b"1" * 17, b"5;\n", b"5;\x00"])
def test_chunk_size_refused(line: bytes) -> None:
    with pytest.raises(InvalidChunk):
        chunk_size(line)


def test_forbidden_trailers_are_lower_case() -> None:
    assert {name.lower() for name in FORBIDDEN_IN_TRAILERS} == FORBIDDEN_IN_TRAILERS
