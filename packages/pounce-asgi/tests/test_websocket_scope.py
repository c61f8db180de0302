"""The scope of a WebSocket, key by key."""

from __future__ import annotations

from typing import Any

from exchange_doubles import Head
from websocket_exchange_doubles import ACCEPT, EXTENDED_CONNECT, Parts, Steps

from pounce_asgi import Peer, WebSocketScope

Run = Any
TLS: Any = {
    "server_cert": None,
    "client_cert_chain": [],
    "client_cert_name": None,
    "client_cert_error": None,
    "tls_version": 0x0304,
    "cipher_suite": 0x1301,
}


def scope_of(run: Run, head: Head, **options: Any) -> dict[str, Any]:
    app = Steps(ACCEPT)

    async def main() -> None:
        await Parts(app, head, **options).start()

    run(main)
    return app.scope


def test_the_whole_scope(run: Run) -> None:
    state = {"key": object()}
    fields = ((b"host", b"example"), (b"cookie", b"\xff"))
    head = Head(raw_path=b"/a%20b/%C3%A4", query_string=b"q=%20", headers=fields)
    scope = scope_of(run, head, state=state, subprotocols=("one", "two"))
    assert scope == {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.5"},
        "http_version": "1.1",
        "scheme": "ws",
        "path": "/a b/ä",
        "raw_path": b"/a%20b/%C3%A4",
        "query_string": b"q=%20",
        "root_path": "",
        "headers": [*fields],
        "client": ("192.0.2.7", 51234),
        "server": ("192.0.2.1", 8000),
        "subprotocols": ["one", "two"],
        "state": state,
        "extensions": {"websocket.http.response": {}},
    }
    assert scope.keys() == WebSocketScope.__required_keys__
    assert scope["state"] is not state


def test_over_tls_behind_a_root_path_and_over_http2(run: Run) -> None:
    peer = Peer(("192.0.2.7", 51234), ("192.0.2.1", 8000), "https", 5, TLS)
    scope = scope_of(run, EXTENDED_CONNECT, peer=peer, root_path="/api")
    assert scope["scheme"] == "wss"
    assert scope["extensions"] == {"websocket.http.response": {}, "tls": TLS}
    assert scope["extensions"]["tls"] is not TLS
    assert scope["http_version"] == "2"
    assert (scope["root_path"], scope["path"], scope["raw_path"]) == ("/api", "/api/chat", b"/api/chat")
    assert scope["subprotocols"] == []
    assert "method" not in scope
