"""The same limits under another server, in a thread of this process: they are plain ASGI middleware."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import queue
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.middleware import limited_applications as applications

if TYPE_CHECKING:
    from collections.abc import Iterator

uvicorn = pytest.importorskip("uvicorn")


@contextlib.contextmanager
def running(app: Any) -> Iterator[tuple[str, int]]:
    """Serve it while the block runs: host and port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_level="critical", ws="wsproto", loop="asyncio", lifespan="on")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=asyncio.run, args=(server.serve([listening]),))
        thread.start()
        try:
            yield listening.getsockname()
        finally:
            server.should_exit = True
            server.force_exit = True
            thread.join(20)


def get(address: tuple[str, int], path: str = "/") -> http.client.HTTPResponse:
    client = http.client.HTTPConnection(*address, timeout=20)
    try:
        client.request("GET", path)
        answer = client.getresponse()
        answer.read()
        return answer
    finally:
        client.close()


def open_websocket(address: tuple[str, int]) -> Any:
    return connect(f"ws://{address[0]}:{address[1]}/ws", open_timeout=20, close_timeout=20, proxy=None)


def test_rate_limit() -> None:
    with running(applications.rate_limited(2)) as address:
        assert get(address).getheader("ratelimit", "").startswith('"default";r=1;t=')
        with open_websocket(address):
            pass
        refused = get(address)
        assert (refused.status, refused.getheader("ratelimit-policy")) == (429, '"default";q=2;w=3600')
        with pytest.raises(InvalidStatus) as denied:
            open_websocket(address)
        assert denied.value.response.status_code == 429


def test_load_shedding_and_who_leaves() -> None:
    events: queue.Queue[str] = queue.Queue()
    with running(applications.shed(1, 1, applications.cancelled(events.put))) as address:
        first = socket.create_connection(address)
        first.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
        assert events.get(timeout=20) == "begun"
        answers: queue.Queue[int] = queue.Queue()
        waiting = threading.Thread(target=lambda: answers.put(get(address).status))
        waiting.start()
        # One of these waits and the other is refused, whichever comes first; the one that waits is let in at the end.
        other = threading.Thread(target=lambda: answers.put(get(address).status))
        other.start()
        assert answers.get(timeout=20) == 503
        first.close()
        assert events.get(timeout=20) == "cancelled"
        assert answers.get(timeout=20) == 200
        waiting.join()
        other.join()


def test_a_deadline() -> None:
    with running(applications.deadlined()) as address:
        assert get(address, "/slow").status == 504
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            get(address, "/begun")
        assert get(address).status == 200


def test_health() -> None:
    with running(applications.healthy(None)) as address:
        assert get(address, "/healthz").status == 200
        assert get(address, "/readyz").status == 200
