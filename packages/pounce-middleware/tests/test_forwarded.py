"""The grammar of Forwarded and X-Forwarded-For, read from the right."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pounce_middleware.forwarded import MOST_HOPS, Hop, Node, forwarded_for_hops, forwarded_hops, parse_node

NODES = [
    ("192.0.2.43", Node("192.0.2.43", 0)),
    ("192.0.2.43:47011", Node("192.0.2.43", 47011)),
    ("[2001:DB8:cafe::17]", Node("2001:db8:cafe::17", 0)),
    ("[2001:db8:cafe::17]:4711", Node("2001:db8:cafe::17", 4711)),
    ("[::ffff:192.0.2.1]", Node("192.0.2.1", 0)),
    ("unknown", Node(None, 0)),
    ("Unknown:80", Node(None, 80)),
    ("_hidden", Node(None, 0)),
    ("_SEVKISEK:_port", Node(None, 0)),
    ("192.0.2.43:_obf", Node("192.0.2.43", 0)),
    *((bad, None) for bad in ("", "_", "a", "192.0.2", "192.0.2.256", "192.0.2.1:", "192.0.2.1:65536", "192.0.2.1:x")),
    *((bad, None) for bad in ("2001:db8::1", "[2001:db8::1", "[192.0.2.1]", "[::1%eth0]", "192.0.2.1 ", "unknowns")),
    *((bad, None) for bad in ("192.0.2.1:123456", "[::1]80", "01.2.3.4", "\u0661.2.3.4", "1.2.3.4\n")),
]
BARE = [
    ("2001:db8::1", Node("2001:db8::1", 0)),
    ("::1", Node("::1", 0)),
    ("::ffff:192.0.2.1", Node("192.0.2.1", 0)),
    ("[::1]:80", Node("::1", 80)),
    ("192.0.2.1:80", Node("192.0.2.1", 80)),
    *((bad, None) for bad in ("2001:db8::1:", "fe80::1%eth0", ":::", "1:2:3", '"1.2.3.4"')),
]


@pytest.mark.parametrize(("text", "node"), NODES)
def test_nodes(text: str, node: Node | None) -> None:
    assert parse_node(text) == node


@pytest.mark.parametrize(("text", "node"), BARE)
def test_nodes_of_x_forwarded_for(text: str, node: Node | None) -> None:
    assert parse_node(text, bare_ipv6=True) == node


A = Hop(Node("192.0.2.1", 0))
B = Hop(Node("192.0.2.2", 0))
LISTS: list[tuple[list[str], list[Hop | None]]] = [
    ([], []),
    ([""], []),
    (["192.0.2.1"], [A]),
    (["192.0.2.1, 192.0.2.2"], [B, A]),
    (["192.0.2.1 ,\t192.0.2.2,"], [B, A]),
    (["192.0.2.1", "192.0.2.2"], [B, A]),
    ([",,192.0.2.1,,,", "", ",192.0.2.2"], [B, A]),
    (["nonsense, 192.0.2.2"], [B, None]),
    (["192.0.2.1, nonsense"], [None]),
    (["192.0.2.1, nonsense, 192.0.2.2"], [B, None]),
    (["192.0.2.1; 192.0.2.2"], [None]),
]


@pytest.mark.parametrize(("lines", "hops"), LISTS)
def test_x_forwarded_for(lines: list[str], hops: list[Hop | None]) -> None:
    assert list(forwarded_for_hops(lines)) == hops


FORWARDED: list[tuple[list[str], list[Hop | None]]] = [
    ([], []),
    ([""], []),
    (["for=192.0.2.1"], [A]),
    (['For="192.0.2.1"'], [A]),
    (['for="[2001:db8:cafe::17]:4711"'], [Hop(Node("2001:db8:cafe::17", 4711))]),
    (["for=192.0.2.1;proto=https;by=203.0.113.43"], [A._replace(proto="https")]),
    (['for=192.0.2.1;host="a.example:8443"'], [A._replace(host="a.example:8443")]),
    (["for=192.0.2.1, for=192.0.2.2"], [B, A]),
    (["for=192.0.2.1", "for=192.0.2.2"], [B, A]),
    ([", for=192.0.2.1,, for=192.0.2.2 ,"], [B, A]),
    (["for=192.0.2.1 ; proto=http;;"], [A._replace(proto="http")]),
    (["proto=https"], [Hop(None, proto="https")]),
    ([r'for=192.0.2.1;host="a\"b,c\\"'], [A._replace(host='a"b,c\\')]),
    (['for=192.0.2.1;x="a, for=192.0.2.66, b", for=192.0.2.2'], [B, A]),
    (['for=192.0.2.1;x="a, for=192.0.2.66;y="'], [A]),
    (["for=unknown, for=_x"], [Hop(Node(None, 0)), Hop(Node(None, 0))]),
    # What a client has begun cannot take the proxy's element with it.
    (['for="192.0.2.66, for=192.0.2.2'], [B, None]),
    ([r'for="192.0.2.66\, for=192.0.2.2;proto=https'], [B._replace(proto="https"), None]),
    (['for="192.0.2.66, for=192.0.2.2;host="a.example:80"'], [B._replace(host="a.example:80"), None]),
    (['for="', 'for="192.0.2.2"'], [B, None]),
    # Not well formed.
    (["for=2001:db8::1"], [None]),
    (["for=192.0.2.1:80"], [None]),
    (["for=192.0.2.1;for=192.0.2.2"], [None]),
    (["for=192.0.2.1;For=192.0.2.1"], [None]),
    (["for= 192.0.2.1"], [None]),
    (["for =192.0.2.1"], [None]),
    (["for"], [None]),
    (["for="], [None]),
    (["for=192.0.2.1 proto=http"], [None]),
    (["192.0.2.1"], [None]),
    (['for=192.0.2.1;x="\x00"'], [None]),
    (["for=nonsense, for=192.0.2.2"], [B, None]),
]


@pytest.mark.parametrize(("lines", "hops"), FORWARDED)
def test_forwarded(lines: list[str], hops: list[Hop | None]) -> None:
    assert list(forwarded_hops(lines)) == hops


@given(st.text(alphabet='for=1.2,;"\\ x[:]_', max_size=60))
def test_a_client_can_write_anything_to_the_left(left: str) -> None:
    mine = 'for=192.0.2.1;host="a, \\" b"'
    first, *_ = forwarded_hops([f"{left}, {mine}"])
    assert first == A._replace(host='a, " b')
    first, *_ = forwarded_hops([left, mine])
    assert first == A._replace(host='a, " b')


@given(st.lists(st.text(alphabet="1.2,:[]a ", max_size=40), max_size=3))
def test_nor_can_it_in_x_forwarded_for(left: list[str]) -> None:
    first, *_ = forwarded_for_hops([*left, "192.0.2.1"])
    assert first == A


@pytest.mark.parametrize(
    "line", ["," * 65000, '",' * 32000, "for=1.1.1.1," * 5000, "for=a;" * 10000, " " * 65000, ";" * 65000]
)
@pytest.mark.parametrize("read", [forwarded_hops, forwarded_for_hops])
def test_long_fields_take_no_long_time(read: object, line: str) -> None:
    begin = time.process_time()
    for count, _ in enumerate(read([line])):  # type: ignore[operator]
        if count == MOST_HOPS:
            break
    assert time.process_time() - begin < 1.0
