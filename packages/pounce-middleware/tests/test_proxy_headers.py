"""What becomes of a request that proxies have passed on."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from asgi_doubles import Application, call, http_scope, websocket_scope

from pounce_middleware import ProxyHeaderSettings, ProxyHeadersMiddleware
from pounce_middleware.proxy_headers import MEMO_SIZE

XFF = b"x-forwarded-for"
PROTO = b"x-forwarded-proto"
PEER = ("127.0.0.1", 40000)


def passed(*fields: tuple[bytes, bytes], scope: Any = None, client: Any = PEER, **options: Any) -> dict[str, Any]:
    """The scope that an application sees of a request with these fields."""
    app = Application()
    scope = scope or http_scope(client=client, headers=[(b"host", b"inner:8000"), *fields])
    call(ProxyHeadersMiddleware(app, **options), scope)
    return app.scope


# Trusted networks, values of X-Forwarded-For, the client.
CLIENTS = [
    (("127.0.0.1",), [b"192.0.2.1"], ("192.0.2.1", 0)),
    (("127.0.0.1",), [b"192.0.2.1:4711"], ("192.0.2.1", 4711)),
    (("127.0.0.1",), [b"[2001:db8::1]:4711"], ("2001:db8::1", 4711)),
    (("127.0.0.1",), [b"2001:db8::1"], ("2001:db8::1", 0)),
    (("127.0.0.1",), [b"6.6.6.6, 192.0.2.1"], ("192.0.2.1", 0)),
    (("127.0.0.1",), [b"6.6.6.6", b"192.0.2.1"], ("192.0.2.1", 0)),
    (("127.0.0.1", "10.0.0.0/8"), [b"6.6.6.6, 192.0.2.1, 10.0.0.1", b"10.0.0.2"], ("192.0.2.1", 0)),
    (("127.0.0.1", "10.0.0.0/8"), [b"10.0.0.1, 10.0.0.2"], ("10.0.0.1", 0)),
    # The walk stops at what is not well formed, and at who is not told.
    (("127.0.0.1", "10.0.0.0/8"), [b"192.0.2.1, evil, 10.0.0.2"], ("10.0.0.2", 0)),
    (("127.0.0.1", "10.0.0.0/8"), [b"192.0.2.1, unknown, 10.0.0.2"], ("10.0.0.2", 0)),
    (("127.0.0.1",), [b"evil"], PEER),
    (("127.0.0.1",), [b"unknown"], PEER),
    (("127.0.0.1",), [b""], PEER),
    (("127.0.0.1",), [b"192.0.2.1, "], ("192.0.2.1", 0)),
    # Who is not trusted is not believed.
    (("10.0.0.0/8",), [b"192.0.2.1"], PEER),
    (("unix",), [b"192.0.2.1"], PEER),
    ((), [b"192.0.2.1"], PEER),
    # With everybody trusted, only the nearest hop is known to be written by who has connected.
    (("*",), [b"6.6.6.6, 192.0.2.1"], ("192.0.2.1", 0)),
    (("*", "10.0.0.0/8"), [b"6.6.6.6, 192.0.2.1, 10.0.0.1"], ("192.0.2.1", 0)),
]


@pytest.mark.parametrize(("trusted", "values", "client"), CLIENTS)
def test_client(trusted: tuple[str, ...], values: list[bytes], client: object) -> None:
    scope = passed(*((XFF, value) for value in values), trusted=trusted)
    assert scope["client"] == client


def test_client_of_a_unix_socket() -> None:
    assert passed((XFF, b"192.0.2.1"), client=None, trusted=("unix",))["client"] == ("192.0.2.1", 0)
    assert passed((XFF, b"192.0.2.1"), client=None, trusted=("127.0.0.1",))["client"] is None


# So many hops, values of X-Forwarded-For, the client.
COUNTED = [
    (1, [b"6.6.6.6, 192.0.2.1"], ("192.0.2.1", 0)),
    (2, [b"6.6.6.6, 192.0.2.1, 198.51.100.7"], ("192.0.2.1", 0)),
    (2, [b"192.0.2.1"], PEER),  # too short: its left end is not the one that the first proxy has written
    (2, [b"evil, 198.51.100.7"], PEER),
    (3, [b"192.0.2.1", b"198.51.100.7"], PEER),
    (1, [], PEER),
]


@pytest.mark.parametrize(("hops", "values", "client"), COUNTED)
def test_counted_hops(hops: int, values: list[bytes], client: object) -> None:
    scope = passed(*((XFF, value) for value in values), (PROTO, b"https"), trusted=("*",), hops=hops)
    assert scope["client"] == client
    assert scope["scheme"] == ("http" if client == PEER else "https")


# Fields, the scheme.
SCHEMES = [
    ([(PROTO, b"https")], "https"),
    ([(PROTO, b"HTTPS")], "https"),
    ([(PROTO, b"wss")], "https"),
    ([(PROTO, b"http")], "http"),
    ([(PROTO, b"javascript")], "http"),
    ([(PROTO, b"")], "http"),
    ([(PROTO, b"http, https")], "https"),  # without a chain the nearest proxy's
    ([(PROTO, b"http"), (PROTO, b"https")], "https"),
    ([(XFF, b"6.6.6.6, 192.0.2.1"), (PROTO, b"https, http")], "http"),
    ([(XFF, b"192.0.2.1, 10.0.0.1"), (PROTO, b"https, http")], "https"),  # each proxy has added its own
    ([(XFF, b"192.0.2.1, 10.0.0.1"), (PROTO, b"https")], "https"),  # the first has, and the others left it
]


@pytest.mark.parametrize(("fields", "scheme"), SCHEMES)
def test_scheme(fields: list[tuple[bytes, bytes]], scheme: str) -> None:
    assert passed(*fields, trusted=("127.0.0.1", "10.0.0.0/8"))["scheme"] == scheme


@pytest.mark.parametrize(("value", "scheme"), [(b"https", "wss"), (b"wss", "wss"), (b"http", "ws"), (b"x", "ws")])
def test_scheme_of_a_websocket(value: bytes, scheme: str) -> None:
    scope = websocket_scope(headers=[(PROTO, value), (XFF, b"192.0.2.1")])
    app = Application({"type": "websocket.accept"})
    call(ProxyHeadersMiddleware(app), scope)
    assert app.scope["scheme"] == scheme
    assert app.scope["client"] == ("192.0.2.1", 0)


EVERYTHING = ("for", "proto", "host", "port", "prefix")
# Fields, the Host that the application sees.
HOSTS = [
    ([(b"x-forwarded-host", b"shop.example")], b"shop.example"),
    ([(b"x-forwarded-host", b"Shop.example:8443")], b"shop.example:8443"),
    ([(b"x-forwarded-host", b"[2001:DB8::1]")], b"[2001:db8::1]"),
    ([(b"x-forwarded-host", b"evil.example, shop.example")], b"shop.example"),
    ([(b"x-forwarded-host", b"shop.example"), (b"x-forwarded-port", b"8443")], b"shop.example:8443"),
    ([(b"x-forwarded-host", b"shop.example"), (b"x-forwarded-port", b"443"), (PROTO, b"https")], b"shop.example"),
    ([(b"x-forwarded-host", b"shop.example:1"), (b"x-forwarded-port", b"2")], b"shop.example:1"),
    ([(b"x-forwarded-host", b"a/b")], b"inner:8000"),
    ([(b"x-forwarded-host", b"a b")], b"inner:8000"),
    ([(b"x-forwarded-port", b"9")], b"inner:8000"),
    ([(b"x-forwarded-port", b"x")], b"inner:8000"),
]


@pytest.mark.parametrize(("fields", "host"), HOSTS)
def test_host(fields: list[tuple[bytes, bytes]], host: bytes) -> None:
    headers = passed(*fields, parts=EVERYTHING)["headers"]
    assert [value for name, value in headers if name == b"host"] == [host]


def test_port_beside_the_host_that_came() -> None:
    scope = http_scope(headers=[(b"host", b"shop.example"), (b"x-forwarded-port", b"8443")])
    assert (b"host", b"shop.example:8443") in passed(scope=scope, parts=("port",))["headers"]


def test_host_is_not_believed_unless_it_is_named() -> None:
    scope = passed((b"x-forwarded-host", b"evil.example"), (b"x-forwarded-prefix", b"/evil"))
    assert (b"host", b"inner:8000") in scope["headers"]
    assert scope["root_path"] == ""


# X-Forwarded-Prefix; root_path, path, raw_path.
PREFIXES = [
    (b"/api", "/api", "/api/items", b"/api/items"),
    (b"/api/", "/api", "/api/items", b"/api/items"),
    (b"/a/b%20c", "/a/b c", "/a/b c/items", b"/a/b%20c/items"),
    *((bad, "", "/items", b"/items") for bad in (b"/", b"", b"api", b"//evil.example", b"/a//b", b"/a/../b", b"/..")),
    *((bad, "", "/items", b"/items") for bad in (b"/a?b", b"/a#b", b"/a b", b"/\\evil", b"/a%2fb", b"/a%5cb", b"/%00")),
    *((bad, "", "/items", b"/items") for bad in (b"/a%0d%0aset-cookie:x", b"/%1b", b"/a%09", b"/a%7f", b"/%1F")),
    *(
        (bad, "", "/items", b"/items")
        for bad in (b"/a/%2e%2E/b", b"/a/./c", b"/%2e", b"/" + b"a" * 600, b"/a\xe9", b"https://x", b"/.")
    ),
]


@pytest.mark.parametrize(("value", "root_path", "path", "raw_path"), PREFIXES)
def test_prefix(value: bytes, root_path: str, path: str, raw_path: bytes) -> None:
    scope = passed((b"x-forwarded-prefix", value), parts=("prefix",))
    assert (scope["root_path"], scope["path"], scope["raw_path"]) == (root_path, path, raw_path)


def test_prefix_before_a_root_path() -> None:
    scope = http_scope(
        root_path="/v1", path="/v1/items", raw_path=b"/v1/items", headers=[(b"x-forwarded-prefix", b"/a")]
    )
    seen = passed(scope=scope, parts=("prefix",))
    assert (seen["root_path"], seen["path"], seen["raw_path"]) == ("/a/v1", "/a/v1/items", b"/a/v1/items")


def test_one_family_at_a_time() -> None:
    fields = (
        (XFF, b"192.0.2.1"),
        (PROTO, b"https"),
        (b"forwarded", b'for="[2001:db8::1]:5";proto=http;host=a.example'),
    )
    seen = passed(*fields)
    assert (seen["client"], seen["scheme"]) == (("192.0.2.1", 0), "https")
    seen = passed(*fields, family="forwarded")
    assert (seen["client"], seen["scheme"]) == (("2001:db8::1", 5), "http")
    assert (b"host", b"inner:8000") in seen["headers"]
    assert (b"host", b"a.example") in passed(*fields, family="forwarded", parts=EVERYTHING)["headers"]


def test_forwarded_tells_the_scheme_of_the_hop_of_the_client() -> None:
    value = b"for=6.6.6.6;proto=x, for=192.0.2.1;proto=https, for=10.0.0.1;proto=http"
    seen = passed((b"forwarded", value), family="forwarded", trusted=("127.0.0.1", "10.0.0.0/8"))
    assert (seen["client"], seen["scheme"]) == (("192.0.2.1", 0), "https")


def test_removing_what_is_not_believed() -> None:
    fields = ((XFF, b"192.0.2.1"), (b"x-forwarded-host", b"evil"), (b"forwarded", b"for=6.6.6.6"), (b"accept", b"*/*"))
    trusted = passed(*fields, strip=True)
    assert [name for name, _ in trusted["headers"]] == [b"host", XFF, b"accept"]
    stranger = passed(*fields, strip=True, trusted=("10.0.0.1",))
    assert [name for name, _ in stranger["headers"]] == [b"host", b"accept"]
    assert stranger["client"] == PEER


def test_removing_what_becomes_the_same_variable() -> None:
    """CGI has one name for hyphens and underscores (RFC 3875, 4.1.18), and so have some applications."""
    fields = ((b"x_forwarded_for", b"6.6.6.6"), (b"x-forwarded_proto", b"https"), (b"x_other", b"1"))
    for trusted in (("127.0.0.1",), ("10.0.0.1",)):
        seen = passed(*fields, strip=True, trusted=trusted)
        assert [name for name, _ in seen["headers"]] == [b"host", b"x_other"]
        assert (seen["client"], seen["scheme"]) == (PEER, "http")


def test_fields_stay_without_being_asked_to_remove_them() -> None:
    assert (XFF, b"192.0.2.1") in passed((XFF, b"192.0.2.1"), trusted=("10.0.0.1",))["headers"]


def test_headers_of_the_server_are_not_changed() -> None:
    mine = [(b"host", b"inner"), (b"x-forwarded-host", b"shop.example")]
    seen = passed(scope=http_scope(headers=mine), parts=("host",))
    assert mine == [(b"host", b"inner"), (b"x-forwarded-host", b"shop.example")]
    assert seen["headers"] is not mine


def test_the_same_again_and_from_another_peer() -> None:
    app = Application()
    middleware = ProxyHeadersMiddleware(app, trusted=("10.0.0.1",))
    for client, seen in [("10.0.0.1", "192.0.2.1"), ("10.0.0.2", "10.0.0.2"), ("10.0.0.1", "192.0.2.1")] * 2:
        call(middleware, http_scope(client=(client, 1), headers=[(XFF, b"192.0.2.1")]))
        assert app.scope["client"][0] == seen


def test_the_memory_is_bounded() -> None:
    middleware = ProxyHeadersMiddleware(Application())
    scope = http_scope(headers=[(XFF, b"1" * 100_000)])
    call(middleware, scope)
    assert not middleware._memo.reports
    for number in range(MEMO_SIZE + 10):
        call(middleware, http_scope(headers=[(XFF, b"10.0.%d.%d" % divmod(number, 256))]))
    assert 0 < len(middleware._memo.reports) <= MEMO_SIZE


def test_threads_at_once() -> None:
    middleware = ProxyHeadersMiddleware(Application(), trusted=("127.0.0.1",))
    wrong: list[object] = []
    barrier = threading.Barrier(4)

    def work(me: int) -> None:
        barrier.wait()
        for number in range(100):
            scope = http_scope(headers=[(XFF, b"10.%d.0.%d" % (me, number))])
            call(middleware, scope)
            if scope["client"] != (f"10.{me}.0.{number}", 0):
                wrong.append(scope["client"])

    threads = [threading.Thread(target=work, args=(me,)) for me in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_lifespan_passes() -> None:
    app = Application({"type": "lifespan.startup.complete"})
    scope = {"type": "lifespan", "state": {}}
    assert call(ProxyHeadersMiddleware(app), scope).messages == [{"type": "lifespan.startup.complete"}]
    assert app.scope is scope


# Settings; whether it is on, and whom it trusts then.
SWITCHES = [
    ({}, False, None),
    ({"proxy_headers": True}, True, ("127.0.0.1", "::1")),
    ({"forwarded_allow_ips": ("*",)}, True, ("*",)),
    ({"forwarded_allow_ips": ("*",), "proxy_headers": False}, False, None),
]


@pytest.mark.parametrize(("values", "on", "trusted"), SWITCHES)
def test_switch(values: Any, on: bool, trusted: object) -> None:
    settings = ProxyHeaderSettings(**values)
    assert settings.proxy_headers_on is on
    assert trusted in (None, settings.trusted)


@pytest.mark.parametrize(
    "wrong",
    [{"forwarded_allow_ips": ("x",)}, {"forwarded_family": "x"}, {"forwarded_parts": ("x",)}, {"forwarded_hops": 0}],
)
def test_settings_out_of_range(wrong: Any) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ProxyHeaderSettings(**wrong)


def test_from_settings() -> None:
    app = Application()
    settings = ProxyHeaderSettings(forwarded_allow_ips=("127.0.0.1",), forwarded_family="forwarded")
    call(ProxyHeadersMiddleware.from_settings(app, settings), http_scope(headers=[(b"forwarded", b"for=192.0.2.1")]))
    assert app.scope["client"] == ("192.0.2.1", 0)
