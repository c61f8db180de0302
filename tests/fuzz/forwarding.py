"""Forwarded (RFC 7239), X-Forwarded-* and what the middleware makes of them.

- Nothing is raised, whatever a field value holds.
- What a client writes before it hides and changes nothing of what a proxy has added behind it.
- A scope is changed to an address that is one, a scheme that is known and a Host that is valid.
- An element written by the grammar is read as what it was written from.
- A peer that is not trusted changes nothing.
"""

from __future__ import annotations

import contextlib
import ipaddress
from typing import Any

from pounce_http1.grammar import FIELD_BYTES
from pounce_http1.target import is_valid_host
from pounce_middleware.forwarded import MOST_HOPS, Hop, Node, forwarded_for_hops, forwarded_hops
from pounce_middleware.proxy_headers import ProxyHeadersMiddleware
from tests.fuzz.target import Target, chance_of, cut

__all__ = ["FORWARDING"]

PROXY = Hop(Node("192.0.2.1", 0), "https", "a.example")
ADDED = 'for=192.0.2.1;proto=https;host="a.example"'
PARTS = ("for", "proto", "host", "port", "prefix")


async def _nothing(*_: Any) -> None:
    return None


_FAMILIES = {
    (family, hops): ProxyHeadersMiddleware(
        _nothing,
        trusted=("10.0.0.0/8",),
        family=family,
        parts=PARTS if family == "x-forwarded" else PARTS[:3],
        hops=hops,
    )
    for family in ("x-forwarded", "forwarded")
    for hops in (None, 1, 3)
}


def _check_hops(text: str) -> None:
    for read in (forwarded_hops, forwarded_for_hops):
        for hop in read([text]):
            if hop is not None and hop.node is not None and hop.node.host is not None:
                assert str(ipaddress.ip_address(hop.node.host)) == hop.node.host
                assert 0 <= hop.node.port <= 65535
    for lines in ([f"{text},{ADDED}"], [f"{text} , {ADDED}"], [text, ADDED]):
        assert next(forwarded_hops(lines)) == PROXY, lines
    for lines in ([f"{text}, 192.0.2.1"], [text, "192.0.2.1"], [f"{text},[::ffff:1]:80"]):
        first = next(forwarded_for_hops(lines))
        assert first is not None
        assert first.node in (Node("192.0.2.1", 0), Node("::ffff:1", 80)), lines


def _check_rendered(text: str) -> None:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    if len(quoted) < 1000 and quoted.count(",") < 15 and "\t" not in text:
        (hop,) = forwarded_hops([f'host="{quoted}"'])
        assert hop == Hop(None, None, text)


def _check_scope(data: bytes) -> None:
    chance = chance_of(data)
    names = (b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-forwarded-port", b"x-forwarded-prefix")
    pairs = [(chance.choice((*names, b"forwarded", b"forwarded")), piece) for piece in cut(data, chance, 4)]
    for middleware in _FAMILIES.values():
        for peer in ("10.0.0.1", "203.0.113.9", None):
            _check_one_scope(middleware, [(b"host", b"own.example"), *pairs], peer)


def _check_one_scope(middleware: Any, headers: list[tuple[bytes, bytes]], peer: str | None) -> None:
    scope: dict[str, Any] = {
        "type": "http",
        "scheme": "http",
        "path": "/a",
        "raw_path": b"/a",
        "root_path": "",
        "headers": list(headers),
        "client": None if peer is None else (peer, 1),
    }
    before = dict(scope)
    with contextlib.suppress(StopIteration):
        middleware(scope, _nothing, _nothing).send(None)
    if peer is not None and not peer.startswith("10."):
        assert scope == before
    assert scope["scheme"] in ("http", "https")
    if scope["client"] is not None:
        host, port = scope["client"]
        assert str(ipaddress.ip_address(host)) == host
        assert 0 <= port <= 65535
    (host,) = (value for name, value in scope["headers"] if name == b"host")
    assert is_valid_host(host), host
    assert scope["path"].startswith("/")
    assert not scope["path"].startswith("//")
    assert "\0" not in scope["path"]
    assert ".." not in scope["path"].split("/")


def _check(data: bytes) -> None:
    text = data.translate(None, bytes(byte for byte in range(256) if FIELD_BYTES[byte] != byte)).decode("latin-1")
    _check_hops(text)
    _check_rendered(text)
    _check_scope(text.encode("latin-1"))
    list(forwarded_hops([data.decode("latin-1")]))  # an application's own middleware may have put anything there
    assert len([hop for hop in forwarded_hops([",".join(["for=10.0.0.1"] * 40)]) if hop]) >= MOST_HOPS


def _hops_of(size: int) -> bytes:
    return b"for=10.0.0.1," * (size // 13)


FORWARDING = Target(
    name="forwarded",
    promises="nothing is raised; a client hides nothing of a proxy's; what goes into a scope is valid",
    check=_check,
    seeds=(
        b"for=192.0.2.60;proto=http;by=203.0.113.43",
        b'for="[2001:db8::1]:4711";host="a.example:80"',
        b'for=_hidden, for="_a:_b", for=unknown',
        b'for=10.0.0.1;secret="a,b;c\\"d"',
        b"10.0.0.1, 10.0.0.2:80, [::1]:1, ::1, unknown",
        b"https",
        b"/prefix/a%20b",
        b"a.example:8443",
        b'for="unclosed, for=10.0.0.1',
        b'\\",for=1.2.3.4',
        b'a="\\',
        b"8443",
    ),
    dictionary=(
        b"for=",
        b"proto=https",
        b"host=",
        b"by=",
        b'"',
        b"\\",
        b'\\"',
        b",",
        b";",
        b"[::1]",
        b"10.0.0.1",
        b"%2e",
    ),
    modules=("pounce_middleware",),
    rounds=400,
    shapes=(
        lambda size: b"," * size,
        lambda size: b'for="' + b"," * size,
        lambda size: b'a="' + b"\\" * size,
        lambda size: b";" * size,
        lambda size: b" " * size + b",",
        lambda size: b" ;" * (size // 2) + b"!",
        lambda size: b"/a" * (size // 2) + b"!",
        lambda size: b'a=b;"' * (size // 5),
        _hops_of,
    ),
)
