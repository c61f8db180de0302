"""Small parts by themselves: tables against their grammar, limits, errors, framing rules, hosts."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

import pytest

from pounce_http1 import Limits, LocalProtocolError, ProtocolError, RemoteProtocolError, errors
from pounce_http1 import grammar as g
from pounce_http1.errors import LimitExceeded, quote
from pounce_http1.field_lines import DECISIVE_NAMES, KNOWN_NAMES
from pounce_http1.framing import FORBIDDEN_IN_TRAILERS, chunk_size


@pytest.mark.parametrize(
    ("table", "pattern"),
    [
        (g.TOKEN_BYTES, rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"),
        (g.FIELD_BYTES, rb"[\t\x20-\x7e\x80-\xff]"),
        (g.TARGET_BYTES, rb"[\x21-\x7e](?<!#)"),
        (g.HEX_BYTES, rb"[0-9a-fA-F]"),
        (g.HOST_NAME_BYTES, rb"[0-9a-zA-Z._~-]"),
    ],
    ids=["token", "field", "target", "hex", "host"],
)
def test_tables_say_what_the_grammar_says(table: bytes, pattern: bytes) -> None:
    assert len(table) == 256
    for byte in range(256):
        one = bytes([byte])
        assert (one.translate(table) == one) == bool(re.fullmatch(pattern, one, re.DOTALL)), one


def test_token_pattern_and_table_agree() -> None:
    for byte in range(256):
        one = bytes([byte])
        assert (one.translate(g.TOKEN_BYTES) == one) == bool(g.TOKEN.fullmatch(one))


@pytest.mark.parametrize("field", dataclasses.fields(Limits), ids=lambda field: field.name)
def test_limits(field: Any) -> None:
    assert field.metadata["help"].endswith(".")
    assert field.metadata["unit"] in {"bytes", "fields"}
    minimum = field.metadata["minimum"]
    assert getattr(Limits(**{field.name: minimum}), field.name) == minimum
    for wrong in (minimum - 1, -1, "8192", 1.5, None, True):
        with pytest.raises(ValueError, match=field.name):
            Limits(**{field.name: wrong})


def test_limits_are_frozen_and_keyword_only() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Limits().limit_request_line = 5  # type: ignore[misc]
    with pytest.raises(TypeError):
        Limits(8192)  # type: ignore[misc]


ERRORS = [getattr(errors, name) for name in errors.__all__ if name != "quote"]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.__name__)
def test_errors_carry_their_answer(error: type[ProtocolError]) -> None:
    assert issubclass(error, ProtocolError)
    assert error.status in {400, 414, 431, 500, 501, 505}
    assert error.must_close is True
    assert error.__doc__
    if issubclass(error, LimitExceeded) and error is not LimitExceeded:
        assert error.setting in {field.name for field in dataclasses.fields(Limits)}
    assert issubclass(error, RemoteProtocolError) != issubclass(error, LocalProtocolError) or error is ProtocolError


def test_every_limit_has_its_error() -> None:
    named = {error.setting for error in ERRORS if issubclass(error, LimitExceeded)}
    assert named - {""} == {field.name for field in dataclasses.fields(Limits)}


def test_quote_is_short_and_printable() -> None:
    assert quote(b"a\r\n\x00\xff") == r"'a\r\n\x00\xff'"
    assert quote(bytearray(b"x")) == "'x'"
    long = quote(b"\x00" * 10_000)
    assert len(long) < 300
    assert long.endswith("(10000 bytes)")


def test_names_are_lower_case_and_decisive_ones_are_apart() -> None:
    assert all(lower == name.lower() for name, lower in KNOWN_NAMES.items())
    assert not DECISIVE_NAMES & set(KNOWN_NAMES.values())
    assert all(name == name.lower() for name in DECISIVE_NAMES | FORBIDDEN_IN_TRAILERS)


@pytest.mark.parametrize(("line", "size"), [(b"0", 0), (b"f", 15), (b"FF;a", 255), (b"0" * 15 + b"1", 1)])
def test_chunk_size(line: bytes, size: int) -> None:
    assert chunk_size(line) == size
