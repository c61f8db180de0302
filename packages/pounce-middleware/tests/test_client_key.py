"""Whom a request is counted for."""

from __future__ import annotations

from typing import Any

import pytest
from asgi_calls import http_scope

from pounce_middleware.client_key import address_key, key_function


def of_query(scope: Any) -> str | None:
    return scope["query_string"].decode() or None


NOT_A_FUNCTION = 5


@pytest.mark.parametrize(
    ("one", "other", "prefix", "same"),
    [
        ("192.0.2.1", "192.0.2.1", 64, True),
        ("192.0.2.1", "192.0.2.2", 64, False),
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", 64, True),
        ("2001:db8::1", "2001:0DB8:0::5", 64, True),
        ("2001:db8::1", "2001:db8:0:1::1", 64, False),
        ("2001:db8:0:0::1", "2001:db8:0:ff::1", 56, True),
        ("2001:db8:0:0::1", "2001:db8:0:100::1", 56, False),
        ("2001:db8:0:0::1", "2001:db8:0:3::1", 62, True),
        ("2001:db8:0:0::1", "2001:db8:0:4::1", 62, False),
        ("2001:db8::1", "2001:db8::2", 128, False),
        ("::ffff:192.0.2.1", "192.0.2.1", 64, True),
        ("::ffff:c000:201", "192.0.2.1", 64, True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", 64, False),
        ("fe80::1%eth0", "fe80::1%eth1", 64, True),
        ("", "192.0.2.1", 64, False),
        ("not:an:address", "not:an:address", 64, True),
    ],
)
def test_addresses_of_one_client(one: str, other: str, prefix: int, same: bool) -> None:
    assert (address_key(one, prefix) == address_key(other, prefix)) is same


def test_clients_without_an_address_share_a_key() -> None:
    key = key_function("client")
    assert key(http_scope(client=None)) == key(http_scope(client=("", 0))) == "unix"
    assert key(http_scope(client=None)) != key(http_scope())


def test_a_header_field_and_who_leaves_it_out() -> None:
    key = key_function("X-Api-Key")
    mine = key(http_scope(headers=[(b"accept", b"*/*"), (b"x-api-key", b"mine")]))
    assert mine != key(http_scope(headers=[(b"x-api-key", b"yours")]))
    assert key(http_scope()) == key_function("client")(http_scope()) != mine
    # A value is no address, and no key is large.
    assert key(http_scope(headers=[(b"x-api-key", b"192.0.2.1")])) != key(http_scope())
    assert len(key(http_scope(headers=[(b"x-api-key", b"a" * 10_000)])) or "") < 300


def test_a_function() -> None:
    key = key_function(f"{__name__}:of_query")
    assert key(http_scope(query_string=b"me")) == "me"
    assert key(http_scope()) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("two words", "is neither client, nor the name of a header field"),
        ("no_such_module_here:key", "cannot be imported: No module named"),
        ("os.path:no_such_name", "cannot be imported: .*no_such_name"),
        (":f", "cannot be imported"),
        ("math:pi", "is not a function"),
        ("asyncio:sleep", "is a coroutine function"),
    ],
)
def test_what_is_no_key(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        key_function(text)
