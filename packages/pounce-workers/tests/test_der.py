"""Reading DER: what fits, and that everything else is a ValueError."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pounce_workers.net.der import elements, first_element, object_identifier


@pytest.mark.parametrize(
    ("data", "tag", "content"),
    [
        ("0500", 5, ""),
        ("0401ff", 4, "ff"),
        ("0401ffee", 4, "ff"),  # what follows is left alone
        ("04820001aa", 4, "aa"),
        ("048101aa", 4, "aa"),
    ],
)
def test_first_element(data: str, tag: int, content: str) -> None:
    element = first_element(bytes.fromhex(data))
    assert (element.tag, element.content.hex()) == (tag, content)
    assert bytes.fromhex(data).startswith(element.whole)


def test_a_long_content() -> None:
    content = bytes(300)
    assert first_element(b"\x04\x82\x01\x2c" + content + b"more").content == content


@pytest.mark.parametrize("data", ["", "04", "0402aa", "0480aa0000", "0485000000000100", "1f810100", "0482", "048201"])
def test_what_is_not_der(data: str) -> None:
    with pytest.raises(ValueError, match="DER"):
        first_element(bytes.fromhex(data))


def test_children() -> None:
    series = first_element(bytes.fromhex("3006 0201 05 0401 aa"))
    assert [(one.tag, one.content) for one in series.children()] == [(2, b"\x05"), (4, b"\xaa")]


@pytest.mark.parametrize(
    ("content", "dotted"),
    [
        ("550403", "2.5.4.3"),
        ("2a864886f70d010901", "1.2.840.113549.1.9.1"),
        ("0992268993f22c640119", "0.9.2342.19200300.100.1.25"),
        ("883703", "2.999.3"),
        ("00", "0.0"),
        ("27", "0.39"),
        ("28", "1.0"),
    ],
)
def test_object_identifiers(content: str, dotted: str) -> None:
    assert object_identifier(bytes.fromhex(content)) == dotted


@pytest.mark.parametrize("content", ["", "80", "5584"])
def test_what_is_no_object_identifier(content: str) -> None:
    with pytest.raises(ValueError, match="object identifier"):
        object_identifier(bytes.fromhex(content))


@given(st.binary(max_size=60))
def test_anything_else_is_a_value_error(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert b"".join(one.whole for one in elements(data)) == data
    with contextlib.suppress(ValueError):
        assert object_identifier(data)
