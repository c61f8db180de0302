"""What an application behind proxies sees, over every kind of worker that has ASGI: the same over HTTP/1.1, HTTP/2 and
WebSocket.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx

from pounce_testing.fixtures import over
from pounce_testing.matrix import WORKER_KINDS
from tests.end_to_end.websocket_client import WebSocketClient

if TYPE_CHECKING:
    from pounce_testing.fixtures import Serve

APP = "tests.middleware.proxied_applications:app"

FIELDS = {
    "x-forwarded-for": "6.6.6.6, 192.0.2.7",
    "x-forwarded-proto": "https",
    "x-forwarded-host": "shop.example",
    "x-forwarded-port": "8443",
    "x-forwarded-prefix": "/api",
    "x-request-id": "id-of-the-proxy",
}
LINES = "".join(f"{name}: {value}\r\n" for name, value in FIELDS.items())
KNOWN = {
    "client": ["192.0.2.7", 0],
    "scheme": "https",
    "path": "/api/items",
    "root_path": "/api",
    "host": "shop.example:8443",
    "request_id": "id-of-the-proxy",
}


def get(server: Any, path: str, lines: str = "", host: str = "127.0.0.1") -> Any:
    with server.connect() as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n".encode())
        return client.read_response()


@over([kind for kind in WORKER_KINDS if not kind.blocking])
def test_every_middleware(serve: Serve) -> None:
    server = serve(APP)
    answer = get(server, "/items", LINES)
    assert (answer.status, json.loads(answer.body)) == (200, KNOWN)
    assert answer.header(b"x-request-id") == b"id-of-the-proxy"
    assert answer.header(b"x-seen") == b"/api/items"
    assert answer.header(b"x-content-type-options") == b"nosniff"
    assert answer.header(b"strict-transport-security") == b"max-age=31536000"
    assert b"queue;" in (answer.header(b"server-timing") or b"")

    plain = get(server, "/items")
    assert json.loads(plain.body)["scheme"] == "http"
    assert json.loads(plain.body)["client"][0] == "127.0.0.1"
    assert plain.header(b"strict-transport-security") is None
    assert len(plain.header(b"x-request-id") or b"") == 36

    assert get(server, "/items", host="evil.example").status == 400
    broken = get(server, "/broken", "Accept: text/html\r\n")
    assert broken.status == 500
    assert b"this page shows it" in broken.body
    assert (broken.header(b"content-security-policy") or b"").startswith(b"default-src 'none'; style-src 'sha256-")


@over([kind for kind in WORKER_KINDS if not kind.blocking and not kind.processes])
def test_the_other_protocols(serve: Serve) -> None:
    server = serve(APP)
    context = server.client_context() or False
    with httpx.Client(http1=False, http2=True, verify=context, trust_env=False, timeout=20) as client:
        answer = client.get(f"{server.url}/items", headers=FIELDS)
        assert (answer.http_version, answer.json()) == ("HTTP/2", KNOWN)
    with WebSocketClient(server, "items", additional_headers=FIELDS) as websocket:
        known = json.loads(websocket.recv())
    assert known == KNOWN | {"scheme": "wss"}
