"""Each table says what its grammar says, for every byte."""

from __future__ import annotations

import re

import pytest

from pounce_http1 import grammar


@pytest.mark.parametrize(
    ("table", "pattern"),
    [
        (grammar.TOKEN_BYTES, rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"),
        (grammar.FIELD_BYTES, rb"[\t\x20-\x7e\x80-\xff]"),
        (grammar.TARGET_BYTES, rb"[\x21-\x22\x24-\x7e]"),
        (grammar.HEX_BYTES, rb"[0-9a-fA-F]"),
    ],
    ids=["token", "field", "target", "hex"],
)
def test_tables(table: bytes, pattern: bytes) -> None:
    assert len(table) == 256
    for byte in range(256):
        one = bytes([byte])
        assert (one.translate(table) == one) == bool(re.fullmatch(pattern, one, re.DOTALL)), one


def test_token_pattern_and_table_agree() -> None:
    for byte in range(256):
        one = bytes([byte])
        assert (one.translate(grammar.TOKEN_BYTES) == one) == bool(grammar.TOKEN.fullmatch(one))


@pytest.mark.parametrize("pattern", [grammar.TOKEN, grammar.HOST, grammar.USUAL_HOST, grammar.CHUNK_SIZE])
def test_patterns_do_not_match_before_a_line_feed(pattern: re.Pattern[bytes]) -> None:
    assert pattern.fullmatch(b"a")
    for tail in (b"\n", b"\r", b"\r\n", b"\0", b" "):
        assert pattern.fullmatch(b"a" + tail) is None
