"""The same middleware under another server: it is plain ASGI. That one's own proxy headers have to be off."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from websockets.sync.client import connect

from tests.middleware.proxied_applications import surrounded
from tests.middleware.test_proxy_headers_served import FIELDS, KNOWN

if TYPE_CHECKING:
    from collections.abc import Iterator

uvicorn = pytest.importorskip("uvicorn")


@contextlib.contextmanager
def running(app: Any) -> Iterator[tuple[str, int]]:
    """Serve it while the block runs: host and port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_level="critical", ws="wsproto", loop="asyncio", proxy_headers=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=asyncio.run, args=(server.serve([listening]),))
        thread.start()
        try:
            yield listening.getsockname()
        finally:
            server.should_exit = True
            server.force_exit = True
            thread.join(20)


def test_every_middleware() -> None:
    with running(surrounded()) as (host, port):
        client = http.client.HTTPConnection(host, port, timeout=20)
        client.request("GET", "/items", headers=FIELDS)
        answer = client.getresponse()
        assert json.loads(answer.read()) == KNOWN
        assert answer.getheader("x-request-id") == "id-of-the-proxy"
        assert answer.getheader("x-seen") == "/api/items"
        assert answer.getheader("x-frame-options") == "DENY"
        assert answer.getheader("strict-transport-security")
        assert "app;" in (answer.getheader("server-timing") or "")

        client.request("GET", "/items", headers={"Host": "evil.example"})
        answer = client.getresponse()
        answer.read()
        assert answer.status == 400

        client.request("GET", "/broken", headers={"Accept": "application/json"})
        answer = client.getresponse()
        assert json.loads(answer.read())["error"] == {
            "type": "LookupError",
            "message": "this page shows it",
            "notes": [],
        }
        client.close()

        url = f"ws://{host}:{port}/items"
        with connect(url, open_timeout=20, close_timeout=20, proxy=None, additional_headers=FIELDS) as websocket:
            assert json.loads(websocket.recv()) == KNOWN | {"scheme": "wss"}
