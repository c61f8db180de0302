"""Look-ups in header lists."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pounce_asgi import headers

FIELDS = [
    (b"accept", b"text/html"),
    (b"Accept", b"*/*"),
    (b"cookie", b"a=1"),
    (b"cookie", b"b=2"),
    (b"set-cookie", b"x"),
    (b"x-empty", b""),
]


@pytest.mark.parametrize(
    ("name", "first", "every", "together"),
    [
        (b"accept", b"text/html", [b"text/html", b"*/*"], b"text/html, */*"),
        (b"ACCEPT", b"text/html", [b"text/html", b"*/*"], b"text/html, */*"),
        (b"cookie", b"a=1", [b"a=1", b"b=2"], b"a=1; b=2"),
        (b"x-empty", b"", [b""], b""),
        (b"missing", None, [], None),
    ],
)
def test_look_ups(name: bytes, first: bytes | None, every: list[bytes], together: bytes | None) -> None:
    assert headers.get(FIELDS, name) == first
    assert headers.get_all(FIELDS, name) == every
    assert headers.combined(FIELDS, name) == together


def test_any_iterable_of_pairs_will_do() -> None:
    assert headers.get(((name, value) for name, value in FIELDS), b"cookie") == b"a=1"


def test_set_cookie_cannot_be_combined() -> None:
    assert headers.get_all(FIELDS, b"set-cookie") == [b"x"]
    with pytest.raises(ValueError, match="get_all"):
        headers.combined(FIELDS, b"Set-Cookie")


ELEMENTS = [
    (b"", []),
    (b",", []),
    (b" , \t,", []),
    (b"a", [b"a"]),
    (b"a,b", [b"a", b"b"]),
    (b" a \t, b ,,c", [b"a", b"b", b"c"]),
    (b'"a,b",c', [b'"a,b"', b"c"]),
    (b'x="1,2";q=1, y', [b'x="1,2";q=1', b"y"]),
    (b'"a\\",b",c', [b'"a\\",b"', b"c"]),
    (b'"open, c', [b'"open, c']),
    (b'"open\\', [b'"open\\']),
    (b'a"', [b'a"']),
    (b"a b,c", [b"a b", b"c"]),
    (b"a\n,b", [b"a\n", b"b"]),  # only SP and HTAB are optional white space (RFC 9110, 5.6.3)
    (b"\xa0,b", [b"\xa0", b"b"]),
]


@pytest.mark.parametrize(("value", "elements"), ELEMENTS)
def test_list_elements(value: bytes, elements: list[bytes]) -> None:
    assert headers.list_elements(value) == elements


@given(st.binary(max_size=40))
def test_list_elements_lose_nothing_but_commas_and_white_space(value: bytes) -> None:
    def dense(data: bytes) -> bytes:
        return data.translate(None, b", \t")

    assert dense(b"".join(headers.list_elements(value))) == dense(value)


def test_a_list_of_quotes_costs_linear_time() -> None:
    hostile = b'"\\' * 200_000
    assert headers.list_elements(hostile) == [hostile]


@pytest.mark.parametrize(
    ("value", "token", "found"),
    [
        (None, b"close", False),
        (b"", b"close", False),
        (b"close", b"close", True),
        (b"keep-alive, Close", b"cLOSE", True),
        (b"closed", b"close", False),
        (b"not close", b"close", False),
        (b'"a, close"', b"close", False),
        (b"gzip;q=0", b"gzip", False),
    ],
)
def test_contains_token(value: bytes | None, token: bytes, found: bool) -> None:
    assert headers.contains_token(value, token) is found
