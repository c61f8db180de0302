"""The whole chain over every protocol: one table of requests and what is answered, over HTTP/1.1, HTTP/2 and HTTP/3,
and what of it there is for WebSockets; in worker threads, worker processes, and threads that serve one at a time.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from pounce_testing import TestServer, Variant, throw_away_certificate
from pounce_testing.fixtures import over
from pounce_testing.matrix import WORKER_KINDS
from tests.clients.http3_client import LIBRARIES, connected
from tests.end_to_end.test_websocket import HANDSHAKE
from tests.end_to_end.websocket_client import WebSocketClient
from tests.middleware.chain_applications import EVERYTHING_ON, LONG

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pounce_testing.fixtures import Serve

APP: Final = "tests.middleware.chain_applications:tell"
SETTINGS: Final[dict[str, Any]] = EVERYTHING_ON | {
    "rate_limit": "2/h",
    "rate_limit_key": "tests.middleware.chain_applications:counted",
    "request_timeout": 1.5,
}
"""As everything, but that some of it is met by one request."""

KINDS: Final = tuple(kind for kind in WORKER_KINDS if kind.name in ("threads", "processes", "pool"))
TLS: Final = Variant(name="tls", settings={"tls": True}, needs=("cryptography",))
SOURCE: Final = Path(__file__).with_name("who.py").read_bytes()
ORIGIN: Final = {"Origin": "https://app.example"}
THROUGH: Final = {"x-mark": "own", "x-frame-options": "DENY", "x-content-type-options": "nosniff"}
"""What is in each answer of the application."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A request and its answer."""

    path: str
    status: int = 200
    method: str = "GET"
    sent: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    fields: Mapping[str, str | None] = field(default_factory=dict)
    """With these values; None is for a field that is not there."""
    text: str = ""
    """Is in the body."""
    times: int = 1
    """How often it is asked, the last answer being the one."""
    status_http2: int = 0
    """Where it is another than over HTTP/1.1."""


ROWS: Final = {
    "through": Row(path="/a", fields={**THROUGH, "x-seen": "/a"}, text='"path": "/a"'),
    "live": Row(path="/healthz", fields={"cache-control": "no-store", "x-mark": None, "x-seen": None}, text="live"),
    "ready": Row(path="/readyz", fields={"x-frame-options": None, "x-request-id": None}, text='"server"'),
    "id": Row(
        path="/a", sent={"X-Request-ID": "of-a-proxy"}, fields={"x-request-id": "of-a-proxy"}, text='"of-a-proxy"'
    ),
    "client": Row(
        path="/a",
        sent={"X-Forwarded-For": "6.6.6.6, 192.0.2.7", "X-Forwarded-Proto": "https"},
        fields={"strict-transport-security": "max-age=31536000"},
        text='"client": "192.0.2.7", "scheme": "https"',
    ),
    "host": Row(
        path="/a",
        status=400,
        status_http2=421,
        sent={"Host": "evil.example"},
        fields={**THROUGH, "x-mark": None, "x-seen": "/a"},
    ),
    "preflight": Row(
        path="/a",
        method="OPTIONS",
        sent={**ORIGIN, "Access-Control-Request-Method": "GET"},
        fields={"access-control-allow-origin": "https://app.example", "x-mark": None, "x-frame-options": "DENY"},
    ),
    "cors": Row(path="/a", sent=ORIGIN, fields={"access-control-allow-origin": "https://app.example", **THROUGH}),
    "foreign": Row(path="/a", sent={"Origin": "https://evil.example"}, fields={"access-control-allow-origin": None}),
    "compressed": Row(
        path="/long", sent={"Accept-Encoding": "gzip"}, fields={"content-encoding": "gzip", **THROUGH}, text=LONG
    ),
    "file": Row(
        path="/files/who.py",
        fields={"content-length": str(len(SOURCE)), "x-frame-options": "DENY", "x-mark": None},
        text=SOURCE.decode(),
    ),
    "part": Row(
        path="/files/who.py",
        status=206,
        sent={"Range": "bytes=3-6", "Accept-Encoding": "gzip"},
        fields={"content-range": f"bytes 3-6/{len(SOURCE)}", "content-encoding": None},
        text=SOURCE[3:7].decode(),
    ),
    "no file": Row(path="/files/%2e%2e/conftest.py", status=404, fields={"x-frame-options": "DENY"}),
    "body": Row(path="/echo", method="POST", body=b"x" * 300_000, text="300000", fields=THROUGH),
    "broken": Row(path="/broken", status=500, text="this page shows it", fields={"x-frame-options": "DENY"}),
    "slow": Row(path="/slow", status=504, sent=ORIGIN, fields={"access-control-allow-origin": "https://app.example"}),
    "limited": Row(
        path="/limited",
        status=429,
        sent=ORIGIN,
        times=3,
        fields={
            "ratelimit-policy": '"default";q=2;w=3600',
            "x-frame-options": "DENY",
            "x-seen": "/limited",
            "x-mark": None,
        },
    ),
}


def ask(client: httpx.Client, row: Row) -> None:
    """Ask, and hold the answer against the row."""
    for _ in range(row.times):
        answer = client.request(row.method, row.path, headers=dict(row.sent), content=row.body)
    expected = row.status
    if answer.http_version == "HTTP/2" and row.status_http2:
        expected = row.status_http2
    assert answer.status_code == expected, answer.text
    assert {name: answer.headers.get(name) for name in row.fields} == dict(row.fields)
    assert row.text in answer.text
    assert len(answer.headers.get_list("x-request-id")) == (0 if row.path in ("/healthz", "/readyz") else 1)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
@over(KINDS)
def test_over_http1(serve_shared: Serve, row: Row) -> None:
    server = serve_shared(APP, **SETTINGS)
    with httpx.Client(base_url=server.url, trust_env=False, timeout=20) as client:
        ask(client, row)


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
@over([kind & TLS for kind in KINDS])
def test_over_http2(serve_shared: Serve, row: Row) -> None:
    server = serve_shared(APP, **SETTINGS)
    context = server.client_context()
    assert context is not None
    with httpx.Client(
        base_url=server.url, http1=False, http2=True, verify=context, trust_env=False, timeout=20
    ) as client:
        ask(client, row)


HANDSHAKE_FOR_ANOTHER_HOST: Final = HANDSHAKE.replace(b"Host: x", b"Host: evil.example") % b"a"

# -- WebSocket -------------------------------------------------------------------------------------------------------


@over(KINDS)
def test_a_websocket(serve_shared: Serve) -> None:
    server = serve_shared(APP, **SETTINGS)
    sent = {"X-Request-ID": "of-a-proxy", "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https"}
    with WebSocketClient(server, "a", additional_headers=sent) as websocket:
        known = json.loads(websocket.recv())
        websocket.send("and back")
        assert websocket.recv() == "and back"
        assert websocket.response is not None
        assert websocket.response.headers["x-request-id"] == "of-a-proxy"
    assert (known["client"], known["scheme"], known["request_id"]) == ("192.0.2.7", "wss", "of-a-proxy")


@over(KINDS)
def test_websockets_that_are_denied(serve_shared: Serve) -> None:
    server = serve_shared(APP, **SETTINGS)
    with pytest.raises(InvalidStatus) as broken:
        WebSocketClient(server, "broken")
    assert broken.value.response.status_code == 500
    assert b"this page shows it" in (broken.value.response.body or b"")
    with server.connect() as client:
        client.send(HANDSHAKE_FOR_ANOTHER_HOST)
        assert client.read_response().status == 400
    statuses = []
    for _ in range(12):
        try:
            with WebSocketClient(server, "limited"):
                statuses.append(101)
        except InvalidStatus as denied:
            statuses.append(denied.response.status_code)
    assert set(statuses) <= {101, 429}
    assert statuses.count(101) <= 2
    assert 429 in statuses


# -- HTTP/3 ----------------------------------------------------------------------------------------------------------

LIBRARY: Final = next(iter(LIBRARIES), "")


@pytest.mark.skipif(not LIBRARY, reason="NEITHER AIOQUIC NOR QH3 IS INSTALLED: it has not run")
def test_over_http3() -> None:
    """Those rows that need nothing but a path."""
    rows = [row for row in ROWS.values() if not row.sent and row.body is None and row.times == 1]
    assert len(rows) > 5

    async def visit(server: TestServer) -> None:
        async with connected(LIBRARY, server.quic_port, throw_away_certificate().certfile) as client:
            for row in rows:
                answer = await client.ask(row.path)
                assert answer.status == row.status, row
                found = {name: answer.fields.get(name.encode()) for name in row.fields}
                assert found == {name: value and value.encode() for name, value in row.fields.items()}
                assert row.text in answer.body.decode()
            posted = await client.ask("/echo", body=b"x" * 60_000)  # far from `request_timeout` on a slow machine
            assert (posted.status, posted.body) == (200, b"60000")
            foreign = client.begin("/a", authority="evil.example")
            await asyncio.wait_for(foreign.over.wait(), 20)
            assert foreign.status == 421
            limited = [(await client.ask("/limited")).status for _ in range(3)]
            assert limited == [200, 200, 429]

    with TestServer(APP, http3=True, **SETTINGS) as server:
        asyncio.run(visit(server))
