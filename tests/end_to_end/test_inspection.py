"""What a worker tells of connections that carry more than one request, and the whole way to `pounce top`."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, Self

import h2.config
import h2.connection
import pytest

from pounce_asgi import ExchangeSettings, Http2Settings, WebSocketSettings
from pounce_h2 import Http2Wire
from pounce_observability.introspection import IntrospectionApp, IntrospectionSettings
from pounce_observability.introspection.client import IntrospectionClient, ServerAddress
from pounce_websocket import WebSocketWire
from pounce_workers import Protocols, ServingSettings, Worker, bind_tcp, bind_unix
from pounce_workers.serving.inspection import Inspection
from pounce_workers.serving.live_worker import LiveWorker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HANGS_AFTER = 15.0

TOP = "import sys; from pounce_observability.top import top; sys.exit(top(sys.argv[1], interval=0.2, once=True))"

HANDSHAKE = (
    b"GET /chat?token=secret HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


class Running:
    """A worker that speaks everything over TCP, in a thread."""

    def __init__(self, app: Any, sock: socket.socket) -> None:
        started = threading.Event()
        self.worker = Worker(
            app,
            [sock],
            settings=ServingSettings(exchange=ExchangeSettings(lifespan="off")),
            on_started=started.set,
            protocols=Protocols(
                http2=lambda host, websockets: Http2Wire(host, Http2Settings(), websockets),
                websocket=lambda host: WebSocketWire(host, WebSocketSettings()),
            ),
        )
        self._thread = threading.Thread(target=self.worker.run, name="worker under test", daemon=True)
        self._thread.start()
        assert started.wait(HANGS_AFTER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.worker.request_stop()
        self.worker.request_stop()
        self._thread.join(HANGS_AFTER)
        assert not self._thread.is_alive()


class Hanging:
    """Waits until it is let go, whatever it is asked over."""

    def __init__(self) -> None:
        self.open = threading.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            await self.listen(receive)
            return
        while not self.open.is_set():  # noqa: ASYNC110 - it is opened from another thread
            await asyncio.sleep(0.005)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    async def listen(self, receive: Any) -> None:
        while (await receive())["type"] != "websocket.disconnect":
            pass


def settled(look: Callable[[dict[str, Any]], Any], true: Callable[[Any], bool]) -> Any:
    """Ask until this is true of the answer."""
    end = time.monotonic() + HANGS_AFTER
    while not true(value := json.loads(json.dumps(look({})))):
        assert time.monotonic() < end, value
        time.sleep(0.005)
    return value


def inspection(running: Running) -> Inspection:
    return Inspection(lambda: [LiveWorker(0, 1, "thread", running.worker)], version="1.2.3")


def test_each_stream_of_a_connection_is_a_request() -> None:
    app, sock = Hanging(), bind_tcp("127.0.0.1", 0, 100)
    with Running(app, sock) as running, socket.create_connection(sock.getsockname(), HANGS_AFTER) as client:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True))
        connection.initiate_connection()
        for stream, path in ((1, "/first?a=1"), (3, "/second")):
            fields = [(":method", "GET"), (":path", path), (":authority", "x"), (":scheme", "http")]
            connection.send_headers(stream, fields, end_stream=True)
        client.sendall(connection.data_to_send())
        look = inspection(running)
        tasks = settled(look.tasks, lambda value: value["total"] == 2 and all(map(_sleeps, value["requests"])))
        connections = settled(look.connections, lambda value: value["total"] == 1)
        app.open.set()
        settled(look.tasks, lambda value: value["total"] == 0)
        idle = settled(look.connections, lambda value: value["connections"][0]["state"] == "idle")
    found = {each["path"]: each for each in tasks["requests"]}
    assert {each["stream_id"] for each in found.values()} == {1, 3}
    assert all(each["protocol"] == "h2" for each in found.values())
    assert found["/first"]["query"] == "a=*"
    (one,) = connections["connections"]
    assert (one["protocol"], one["state"], one["in_flight"], one["requests"]) == ("h2", "in_request", 2, 2)
    assert one["age"] > 0
    assert idle["connections"][0]["connection_id"] == one["connection_id"]


def _sleeps(request: dict[str, Any]) -> bool:
    return bool(request["stack"][-1]["function"] == "sleep")


def test_a_websocket_is_a_request_for_as_long_as_it_lives() -> None:
    app, sock = Hanging(), bind_tcp("127.0.0.1", 0, 100)
    with Running(app, sock) as running, socket.create_connection(sock.getsockname(), HANGS_AFTER) as client:
        client.sendall(HANDSHAKE)
        assert client.recv(4096).startswith(b"HTTP/1.1 101 ")
        look = inspection(running)
        tasks = settled(look.tasks, lambda value: value["requests"] and value["requests"][0]["stack"][1:])
        connections = settled(look.connections, lambda value: value["total"] == 1)
        client.close()
        settled(look.connections, lambda value: value["total"] == 0)
    (request,) = tasks["requests"]
    assert (request["kind"], request["path"], request["query"], request["status"]) == (
        "websocket",
        "/chat",
        "token=*",
        101,
    )
    assert [each["function"] for each in request["stack"]][:2] == ["__call__", "listen"]
    (one,) = connections["connections"]
    assert (one["protocol"], one["state"], one["path"]) == ("websocket", "in_request", "/chat")
    assert one["age"] > 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no UNIX sockets in Python")
def test_a_server_is_asked_over_its_socket(tmp_path: Path) -> None:
    app, sock = Hanging(), bind_tcp("127.0.0.1", 0, 100)
    with Running(app, sock) as running, socket.create_connection(sock.getsockname(), HANGS_AFTER) as client:
        look = inspection(running)

        def gather(name: str, arguments: dict[str, Any], _timeout: float) -> list[dict[str, Any]]:
            return [{"pid": 1, "worker_id": None, "generation": None, "value": look.answers[name](arguments)}]

        client.sendall(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n")
        settled(look.tasks, lambda value: value["total"] == 1)
        operators = IntrospectionApp(gather=gather, settings=IntrospectionSettings(), info={"version": "1.2.3"})
        path = str(tmp_path / "1.sock")
        with Running(operators, bind_unix(path, 10, mode=0o600)):
            status, body = IntrospectionClient(ServerAddress(path=path)).request("GET", "/_pounce/tasks")
            command = [sys.executable, "-c", TOP, path]
            shown = subprocess.run(command, check=False, capture_output=True, text=True, timeout=HANGS_AFTER)
        app.open.set()
    assert status == 200
    assert json.loads(body)["processes"][0]["value"]["requests"][0]["path"] == "/slow"
    assert shown.returncode == 0, shown.stderr
    assert "GET /slow" in shown.stdout
    assert "Pounce 1.2.3" in shown.stdout
