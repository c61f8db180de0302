"""The HTTP part of ASGI's web specification 2.5: the connection scope."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

from tests.conformance.requests import GET, Scopes, answer, ask

if TYPE_CHECKING:
    from pathlib import Path

    from pounce_testing import Variant
    from pounce_testing.fixtures import Serve


def scope_of(serve: Serve, request: bytes, **settings: Any) -> dict[str, Any]:
    app = Scopes()
    ask(serve(app, **settings), request)
    return app.only


def test_each_request_has_a_scope_of_its_own(serve: Serve) -> None:
    app = Scopes()
    with serve(app).connect() as client:
        for path in (b"one", b"two"):
            client.send(GET.replace(b" / ", b" /%s " % path))
            client.read_response()
    first, second = app.seen
    assert first is not second
    assert (first["path"], second["path"]) == ("/one", "/two")
    assert first["client"] == second["client"], "it was the same connection"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_version_is_that_of_the_request(serve: Serve, version: str) -> None:
    request = f"GET / HTTP/{version}\r\nHost: x\r\n\r\n".encode()
    assert scope_of(serve, request)["http_version"] == version


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"])
def test_the_method_is_in_upper_case(serve: Serve, method: str) -> None:
    request = f"{method} / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode()
    assert scope_of(serve, request)["method"] == method


def test_a_method_in_another_case_is_passed_on_as_it_came(serve: Serve) -> None:
    """Methods are case-sensitive (RFC 9110, 9.1): ``get`` is not GET, and must not become it behind a proxy."""
    assert scope_of(serve, b"get / HTTP/1.1\r\nHost: x\r\n\r\n")["method"] == "get"


def test_the_scheme(serve: Serve, variant: Variant) -> None:
    assert scope_of(serve, GET)["scheme"] == ("https" if variant.tls else "http")


PATHS = {
    # target: (path, raw_path, query_string)
    b"/": ("/", b"/", b""),
    b"/a%20b": ("/a b", b"/a%20b", b""),
    b"/%C3%BC": ("/\u00fc", b"/%C3%BC", b""),
    b"/a%2Fb": ("/a/b", b"/a%2Fb", b""),
    b"/a%252Fb": ("/a%2Fb", b"/a%252Fb", b""),
    b"/%FF": ("/\ufffd", b"/%FF", b""),
    b"/a?b=%20&c=%C3%BC": ("/a", b"/a", b"b=%20&c=%C3%BC"),
    b"/a?": ("/a", b"/a", b""),
    b"/a?b?c": ("/a", b"/a", b"b?c"),
    b"//a/../b": ("//a/../b", b"//a/../b", b""),
    b"http://example.org/a?b": ("/a", b"/a", b"b"),
}


@pytest.mark.parametrize("target", PATHS, ids=lambda target: target.decode())
def test_path_raw_path_and_query_string(serve: Serve, target: bytes) -> None:
    scope = scope_of(serve, b"GET %s HTTP/1.1\r\nHost: example.org\r\n\r\n" % target)
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == PATHS[target]


@pytest.mark.parametrize(("root_path", "path"), [("", "/a"), ("/app", "/app/a")])
def test_the_root_path(serve: Serve, root_path: str, path: str) -> None:
    scope = scope_of(serve, b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n", root_path=root_path)
    assert (scope["root_path"], scope["path"]) == (root_path, path)


def test_headers_keep_their_order_and_their_duplicates(serve: Serve) -> None:
    lines = b"Host: x\r\nB: 1\r\nA: 2\r\nB: 3\r\nB: 1\r\nX-Latin: \xe9\r\n"
    expected = [(b"host", b"x"), (b"b", b"1"), (b"a", b"2"), (b"b", b"3"), (b"b", b"1"), (b"x-latin", b"\xe9")]
    headers = scope_of(serve, b"GET / HTTP/1.1\r\n" + lines + b"\r\n")["headers"]
    assert [tuple(pair) for pair in headers] == expected


def test_cookies_are_left_as_they_are(serve: Serve) -> None:
    headers = scope_of(serve, b"GET / HTTP/1.1\r\nHost: x\r\nCookie: a=1; b=2\r\nCookie: c=3\r\n\r\n")["headers"]
    assert [value for name, value in headers if name == b"cookie"] == [b"a=1; b=2", b"c=3"]


def test_client_and_server_over_tcp(serve: Serve) -> None:
    app = Scopes()
    server = serve(app)
    with server.connect() as client:
        client.send(GET)
        client.read_response()
        assert tuple(app.only["client"]) == client.socket.getsockname()
        assert tuple(app.only["server"]) == client.socket.getpeername() == server.address


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this platform has no UNIX sockets")
def test_client_and_server_over_a_unix_socket(serve: Serve, tmp_path: Path) -> None:
    path = str(tmp_path / "pounce.sock")
    app = Scopes()
    tls = serve(app, uds=path).client_context()
    with socket.socket(socket.AF_UNIX) as plain:
        plain.connect(path)
        with plain if tls is None else tls.wrap_socket(plain, server_hostname="localhost") as client:
            client.sendall(GET.replace(b"Host", b"Connection: close\r\nHost"))
            while client.recv(65536):
                pass
    assert tuple(app.only["server"]) == (path, None)
    assert app.only["client"] is None


def test_the_state_is_a_shallow_copy_of_the_lifespans(serve: Serve) -> None:
    shared: list[int] = []
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            scope["state"]["shared"] = shared
            await send({"type": "lifespan.startup.complete"})
            await receive()
            seen.append(sorted(scope["state"]))
            await send({"type": "lifespan.shutdown.complete"})
            return
        seen.append(sorted(scope["state"]))
        assert scope["state"]["shared"] is shared
        scope["state"]["own"] = True
        await answer(send)

    server = serve(app)
    assert [ask(server).status for _ in range(2)] == [200, 200]
    server.stop()
    assert seen == [["shared"]] * (2 + server.config.workers)
