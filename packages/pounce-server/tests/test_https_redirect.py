"""Where plain HTTP is sent."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest

from pounce import ServerConfig
from pounce.addresses import Address
from pounce.https_redirect import HttpsRedirect
from pounce.redirect_server import RedirectServer


def scope(path: bytes = b"/", query: bytes = b"", hosts: tuple[bytes, ...] = (b"example.org",), **more: Any) -> Any:
    made: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": path.decode("latin-1"),
        "raw_path": path,
        "query_string": query,
        "headers": [(b"accept", b"*/*"), *((b"host", host) for host in hosts)],
    }
    return made | more


def answers(port: int, asked: dict[str, Any]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(HttpsRedirect(port)(asked, receive, send))
    return sent


@pytest.mark.parametrize(
    ("port", "asked", "location"),
    [
        (443, scope(), b"https://example.org/"),
        (8443, scope(), b"https://example.org:8443/"),
        (443, scope(hosts=(b"example.org:8080",)), b"https://example.org/"),
        (8443, scope(hosts=(b"example.org:80",)), b"https://example.org:8443/"),
        (443, scope(hosts=(b"example.org:",)), b"https://example.org/"),
        (443, scope(hosts=(b" Example.Org\t",)), b"https://Example.Org/"),
        (443, scope(hosts=(b"localhost",)), b"https://localhost/"),
        (443, scope(hosts=(b"a_b.example.org.",)), b"https://a_b.example.org./"),
        (8443, scope(hosts=(b"127.0.0.1:80",)), b"https://127.0.0.1:8443/"),
        (8443, scope(hosts=(b"[::1]:80",)), b"https://[::1]:8443/"),
        (443, scope(hosts=(b"[2001:db8::1]",)), b"https://[2001:db8::1]/"),
        (443, scope(b"/a/b", b"x=1&y=2"), b"https://example.org/a/b?x=1&y=2"),
        (443, scope(b"/a%20b%2Fc", b"q=%26"), b"https://example.org/a%20b%2Fc?q=%26"),
        (443, scope(b"//other.org/x"), b"https://example.org//other.org/x"),
        (443, scope(b"/x", b"a?b/c"), b"https://example.org/x?a?b/c"),
        (443, scope(b"/?"), b"https://example.org/%3F"),
        (443, scope(b"/\xc3\xbc<\r\n x"), b"https://example.org/%C3%BC%3C%0D%0A%20x"),
        (443, scope(b"/", b'\r\n"\xff'), b"https://example.org/?%0D%0A%22%FF"),
        (443, scope(b"*"), b"https://example.org/"),
        (443, scope(b""), b"https://example.org/"),
        (443, scope(b"/x") | {"raw_path": None, "path": "/ü ö"}, b"https://example.org/%C3%BC%20%C3%B6"),
    ],
)
def test_the_same_place_over_https(port: int, asked: dict[str, Any], location: bytes) -> None:
    start, body = answers(port, asked)
    assert (start["type"], start["status"]) == ("http.response.start", 308)
    assert start["headers"] == [(b"content-length", b"0"), (b"location", location)]
    assert body == {"type": "http.response.body", "body": b""}


@pytest.mark.parametrize(
    "hosts",
    [
        (),
        (b"",),
        (b"a.org", b"b.org"),
        (b"a.org", b"a.org"),
        (b"user@a.org",),
        (b"a.org/evil",),
        (b"a.org?x",),
        (b"a.org#x",),
        (b"a.org\\b",),
        (b"a.org, b.org",),
        (b"a.org b.org",),
        (b"a.org\r\nx: y",),
        (b"a.org\n",),
        (b"a.org:80:80",),
        (b"a.org:http",),
        (b"a.org:123456",),
        (b":80",),
        (b"-a.org",),
        (b".",),
        (b"[::1",),
        (b"::1",),
        (b"[x]",),
        (b"[]",),
        (b"b\xc3\xbccher.example",),
        (b"%41.org",),
        (b"a" * 300,),
    ],
)
def test_a_host_that_is_none_is_not_answered_with(hosts: tuple[bytes, ...]) -> None:
    start, body = answers(443, scope(hosts=hosts))
    assert start["status"] == 400
    assert all(name != b"location" for name, _ in start["headers"])
    assert body["body"].startswith(b"This port sends clients to HTTPS")
    assert (b"content-length", b"%d" % len(body["body"])) in start["headers"]


def test_a_websocket_is_refused() -> None:
    (close,) = answers(443, {"type": "websocket"})
    assert close == {"type": "websocket.close", "code": 1008, "reason": "use wss"}


def test_there_is_no_lifespan() -> None:
    with pytest.raises(NotImplementedError):
        answers(443, {"type": "lifespan"})


@pytest.mark.parametrize(
    ("allowed", "host", "status"),
    [((), b"evil.example", 308), (("a.example",), b"evil.example", 400), (("a.example",), b"a.example", 308)],
)
def test_nobody_is_sent_to_a_host_that_is_not_served(allowed: tuple[str, ...], host: bytes, status: int) -> None:
    """A cache between may keep the answer for everybody (RFC 9110, 15.4.9)."""
    settings = {"port": 0, "ssl_certfile": "a.pem", "ssl_redirect_port": 0, "allowed_hosts": allowed}
    server = RedirectServer(ServerConfig.of({"app": "a:app", **settings}), [Address("127.0.0.1", 8443)])
    server.start()
    try:
        with socket.create_connection(("127.0.0.1", server.port), 10) as client:
            client.sendall(b"GET /x HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % host)
            answer = client.makefile("rb").read()
    finally:
        server.stop()
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert (b"\r\nlocation: https://%b:8443/x\r\n" % host in answer) is (status == 308)
