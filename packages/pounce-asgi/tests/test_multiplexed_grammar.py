"""Octets that may and may not be in names, values, targets and hosts: the same as over HTTP/1.1."""

from __future__ import annotations

import pytest

from pounce_asgi.multiplexed import grammar

TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def test_every_octet() -> None:
    for number in range(256):
        octet = bytes([number])
        upper = octet != octet.lower()
        assert grammar.is_token(octet) is (octet in TOKEN)
        assert grammar.is_field_name(octet) is (octet in TOKEN and not upper)
        assert grammar.is_field_value(b"a" + octet + b"a") is (number == 9 or 32 <= number != 127)
        assert grammar.is_target(octet) is (0x21 <= number < 0x7F and octet != b"#")


def test_empty_ones() -> None:
    assert not grammar.is_token(b"")
    assert not grammar.is_field_name(b"")
    assert grammar.is_field_value(b"")


@pytest.mark.parametrize("value", [b" a", b"a ", b"\ta", b"a\t", b" "])
def test_white_space_at_the_ends(value: bytes) -> None:
    assert not grammar.is_field_value(value)


@pytest.mark.parametrize(
    ("host", "valid"),
    [
        (b"example.org", True),
        (b"example.org:", True),
        (b"example.org:65535", True),
        (b"example.org:65536", False),
        (b"example.org:8_0", False),
        (b"my_service:80", True),
        (b"a%20b", True),
        (b"a%2", False),
        (b"[::1]", True),
        (b"[::1]:443", True),
        (b"[::g]", False),
        (b"[1::2::3]", False),
        (b"[v1.x:y]", True),
        (b"::1", False),
        (b"user@host", False),
        (b"a/b", False),
        (b"", False),
        (b":80", False),
    ],
)
def test_hosts(host: bytes, valid: bool) -> None:
    assert grammar.is_valid_host(host) is valid


@pytest.mark.parametrize(
    ("value", "length"),
    [
        (b"0", 0),
        (b"007", 7),
        (b"9223372036854775807", 2**63 - 1),
        (b"9223372036854775808", None),
        (b"", None),
        (b"+1", None),
        (b"1_0", None),
        (b"1, 1", None),
        (b"\xd9\xa1", None),
        (b"9" * 10_000, None),
    ],
)
def test_lengths(value: bytes, length: int | None) -> None:
    assert grammar.parse_length(value) == length
