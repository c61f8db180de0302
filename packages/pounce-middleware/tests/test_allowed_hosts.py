"""Which values of Host are served."""

from __future__ import annotations

import pytest
from asgi_doubles import Application, call, http_scope, websocket_scope

from pounce_middleware import AllowedHostsMiddleware, AllowedHostsSettings
from pounce_middleware.allowed_hosts import MEMO_SIZE

# Allowed, the Host, whether it is served.
CASES = [
    ("example.com", b"example.com", True),
    ("example.com", b"EXAMPLE.com:8443", True),
    ("example.com", b"example.com.", True),
    ("Example.com", b"example.com", True),
    ("example.com", b"www.example.com", False),
    ("example.com", b"example.com.evil.example", False),
    ("example.com", b"evilexample.com", False),
    ("*.example.com", b"www.example.com", True),
    ("*.example.com", b"a.b.example.com:80", True),
    ("*.example.com", b"example.com", False),
    ("*.example.com", b"evilexample.com", False),
    ("*", b"anything.example", True),
    ("*", b"not a host", False),
    ("127.0.0.1", b"127.0.0.1:8000", True),
    ("[::1]", b"[::1]:8000", True),
    ("::1", b"[0:0::1]", True),
    ("::1", b"::1", False),
    ("example.com", b"", False),
    ("example.com", b"example.com@evil.example", False),
    ("example.com", b"evil.example/example.com", False),
    ("example.com", b"example.com, evil.example", False),
    ("example.com", b"\xff", False),
]


@pytest.mark.parametrize(("allowed", "host", "served"), CASES)
def test_hosts(allowed: str, host: bytes, served: bool) -> None:
    app = Application()
    middleware = AllowedHostsMiddleware(app, allowed_hosts=(allowed,))
    for _ in range(2):
        response = call(middleware, http_scope(headers=[(b"host", host)]))
        assert response.status == (200 if served else 400)
    assert app.calls == (2 if served else 0)


@pytest.mark.parametrize(
    ("version", "host", "status"),
    [("1.1", b"a.example", 400), ("2", b"a.example", 421), ("3", b"a.example", 421), ("2", b"a b", 400)],
)
def test_another_host_on_a_connection_that_several_share(version: str, host: bytes, status: int) -> None:
    middleware = AllowedHostsMiddleware(Application(), allowed_hosts=("example.com",))
    assert call(middleware, http_scope(http_version=version, headers=[(b"host", host)])).status == status


@pytest.mark.parametrize("hosts", [[], [b"example.com", b"example.com"]])
def test_no_host_and_two(hosts: list[bytes]) -> None:
    middleware = AllowedHostsMiddleware(Application(), allowed_hosts=("*",))
    assert call(middleware, http_scope(headers=[(b"host", host) for host in hosts])).status == 400


def test_exempt_paths() -> None:
    middleware = AllowedHostsMiddleware(Application(), allowed_hosts=("a.example",), exempt_paths=("/healthz",))
    assert call(middleware, http_scope(path="/healthz")).status == 200
    assert call(middleware, http_scope(path="/healthz/x")).status == 400


def test_websocket_is_denied() -> None:
    middleware = AllowedHostsMiddleware(Application({"type": "websocket.accept"}), allowed_hosts=("a.example",))
    response = call(middleware, websocket_scope(extensions={"websocket.http.response": {}}))
    assert response.status == 400
    (closed,) = call(middleware, websocket_scope()).messages
    assert closed["type"] == "websocket.close"
    (accepted,) = call(middleware, websocket_scope(headers=[(b"host", b"a.example")])).messages
    assert accepted["type"] == "websocket.accept"


def test_lifespan_passes() -> None:
    app = Application({"type": "lifespan.startup.complete"})
    call(AllowedHostsMiddleware(app, allowed_hosts=("a.example",)), {"type": "lifespan"})
    assert app.calls == 1


def test_the_memory_is_bounded() -> None:
    middleware = AllowedHostsMiddleware(Application(), allowed_hosts=("*.example.com",))
    for number in range(MEMO_SIZE + 10):
        assert call(middleware, http_scope(headers=[(b"host", b"%d.example.com" % number)])).status == 200
    assert len(middleware._memo.served) == MEMO_SIZE


@pytest.mark.parametrize(
    "wrong", ["", "example.com:80", "https://example.com", "*example.com", "a.*.b", "a b", "[::1]:80"]
)
def test_settings_out_of_range(wrong: str) -> None:
    with pytest.raises(ValueError, match="allowed_hosts"):
        AllowedHostsSettings(allowed_hosts=(wrong,))


def test_from_settings() -> None:
    settings = AllowedHostsSettings(allowed_hosts=("a.example",))
    middleware = AllowedHostsMiddleware.from_settings(Application(), settings, exempt_paths=("/readyz",))
    assert call(middleware, http_scope()).status == 400
    assert call(middleware, http_scope(path="/readyz")).status == 200
