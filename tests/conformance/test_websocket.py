"""The WebSocket part of ASGI's web specification 2.5, and the extension for responses that deny a handshake."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.conformance.requests import WAIT_SECONDS
from tests.end_to_end.websocket_client import WebSocketClient

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pounce_testing import TestServer, Variant
    from pounce_testing.fixtures import Serve

KEYS = {
    "type",
    "asgi",
    "http_version",
    "scheme",
    "path",
    "raw_path",
    "query_string",
    "root_path",
    "headers",
    "client",
    "server",
    "subprotocols",
    "state",
    "extensions",
}


class Conversation:
    """An application that does one thing with each WebSocket, and keeps what it saw and what was raised."""

    def __init__(self, action: Callable[[Any, Any, Any], Awaitable[object]]) -> None:
        self.scopes: list[dict[str, Any]] = []
        self.results: list[object] = []
        self.over = threading.Event()
        self._action = action

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "websocket":
            return
        self.scopes.append(scope)
        assert await receive() == {"type": "websocket.connect"}
        try:
            self.results.append(await self._action(scope, receive, send))
        except Exception as error:
            self.results.append(error)
            raise
        finally:
            self.over.set()

    @property
    def result(self) -> Any:
        """What the only conversation led to."""
        assert self.over.wait(WAIT_SECONDS)
        assert len(self.results) == 1
        return self.results[0]


def opened(server: TestServer, path: str = "/", **options: Any) -> WebSocketClient:
    return WebSocketClient(server, path.removeprefix("/"), **options)


def closed_with(client: WebSocketClient) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as closed:
        client.recv()
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code, closed.value.rcvd.reason


async def accept(send: Any, **details: Any) -> None:
    await send({"type": "websocket.accept", **details})


def test_the_scope(serve: Serve, variant: Variant) -> None:
    async def action(scope: Any, receive: Any, send: Any) -> object:
        await accept(send)
        return (await receive())["type"]

    app = Conversation(action)
    with opened(serve(app, root_path="/r"), "/a%20b?c=%20", subprotocols=["one", "two"]):
        pass
    assert app.result == "websocket.disconnect"
    (scope,) = app.scopes
    assert scope.keys() == KEYS
    assert scope["asgi"] == {"version": "3.0", "spec_version": "2.5"}
    assert (scope["http_version"], scope["scheme"]) == ("1.1", "wss" if variant.tls else "ws")
    assert (scope["path"], scope["raw_path"], scope["query_string"]) == ("/r/a b", b"/r/a%20b", b"c=%20")
    assert scope["subprotocols"] == ["one", "two"]
    assert (b"upgrade", b"websocket") in [(name, value.lower()) for name, value in scope["headers"]]


def test_the_handshake_waits_for_the_application(serve: Serve) -> None:
    may_accept = threading.Event()

    async def action(scope: Any, receive: Any, send: Any) -> object:
        await asyncio.to_thread(may_accept.wait, WAIT_SECONDS)
        await accept(send, subprotocol="two", headers=[(b"x-chosen", b"yes")])
        return None

    server = serve(Conversation(action))
    with server.connect(timeout=0.2) as early:
        early.send(
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            b"Sec-WebSocket-Protocol: one, two\r\n\r\n"
        )
        with pytest.raises(TimeoutError):
            early.at_end()
        early.socket.settimeout(WAIT_SECONDS)
        may_accept.set()
        response = early.read_response("HEAD")
    assert response.status == 101
    assert response.header(b"sec-websocket-protocol") == b"two"
    assert response.header(b"x-chosen") == b"yes"


def test_a_refusal_is_a_403(serve: Serve) -> None:
    async def action(scope: Any, receive: Any, send: Any) -> object:
        await send({"type": "websocket.close"})
        return (await receive())["type"]

    app = Conversation(action)
    with pytest.raises(InvalidStatus) as refused:
        opened(serve(app))
    assert refused.value.response.status_code == 403
    assert app.result == "websocket.disconnect"


def test_fragments_are_joined_and_pings_answered(serve: Serve) -> None:
    async def action(scope: Any, receive: Any, send: Any) -> object:
        await accept(send)
        return [await receive() for _ in range(2)]

    app = Conversation(action)
    with opened(serve(app)) as client:
        client.send(["one ", "two ", "three"])
        client.ping()
        client.send(b"bytes")
        assert app.result == [
            {"type": "websocket.receive", "text": "one two three"},
            {"type": "websocket.receive", "bytes": b"bytes"},
        ]


def test_a_message_is_bytes_or_text(serve: Serve) -> None:
    async def action(scope: Any, receive: Any, send: Any) -> object:
        await accept(send)
        await send({"type": "websocket.send", "text": "text"})
        await send({"type": "websocket.send", "bytes": b"bytes"})
        await send({"type": "websocket.send", "bytes": b"none", "text": None})
        await send({"type": "websocket.send", "bytes": None, "text": ""})
        for wrong in ({}, {"text": "a", "bytes": b"b"}, {"text": None, "bytes": None}):
            with pytest.raises(Exception, match="text"):
                await send({"type": "websocket.send", **wrong})
        return "all were refused"

    app = Conversation(action)
    with opened(serve(app)) as client:
        assert [client.recv() for _ in range(4)] == ["text", b"bytes", b"none", ""]
        assert app.result == "all were refused"


def test_closing(serve: Serve) -> None:
    async def action(scope: Any, receive: Any, send: Any) -> object:
        await accept(send)
        await send({"type": "websocket.close", "code": 4001, "reason": "enough"})
        return None

    with opened(serve(Conversation(action))) as client:
        assert closed_with(client) == (4001, "enough")


def test_closing_is_1000_by_itself(serve: Serve) -> None:
    async def action(scope: Any, receive: Any, send: Any) -> object:
        await accept(send)
        await send({"type": "websocket.close"})
        return None

    with opened(serve(Conversation(action))) as client:
        assert closed_with(client) == (1000, "")


@pytest.mark.parametrize("code", [1000, 1001, 4999])
def test_the_code_and_the_reason_of_the_client(serve: Serve, code: int) -> None:
    async def action(scope: Any, receive: Any, send: Any) -> object:
        await accept(send)
        return await receive()

    app = Conversation(action)
    with opened(serve(app)) as client:
        client.close(code, "goodbye")
    assert app.result == {"type": "websocket.disconnect", "code": code, "reason": "goodbye"}


def test_a_goodbye_without_a_code_is_1005(serve: Serve) -> None:
    async def action(scope: Any, receive: Any, send: Any) -> object:
        await accept(send)
        return (await receive())["code"]

    app = Conversation(action)
    with serve(app).connect() as client:
        client.send(
            b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        assert client.read_response("HEAD").status == 101
        client.send(b"\x88\x80\0\0\0\0")
        assert app.result == 1005


def test_sending_after_the_client_has_left_raises(serve: Serve) -> None:
    async def action(scope: Any, receive: Any, send: Any) -> object:
        await accept(send)
        assert (await receive())["type"] == "websocket.disconnect"
        with pytest.raises(OSError, match="disconnect"):
            await send({"type": "websocket.send", "text": "late"})
        return "it was raised"

    app = Conversation(action)
    with opened(serve(app)):
        pass
    assert app.result == "it was raised"


def test_a_response_that_denies(serve: Serve) -> None:
    async def action(scope: Any, receive: Any, send: Any) -> object:
        assert scope["extensions"]["websocket.http.response"] == {}
        headers = [(b"x-why", b"tests")]
        await send({"type": "websocket.http.response.start", "status": 402, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b"pay ", "more_body": True})
        await send({"type": "websocket.http.response.body", "body": b"first"})
        return None

    with pytest.raises(InvalidStatus) as denied:
        opened(serve(Conversation(action)))
    response = denied.value.response
    assert (response.status_code, response.body, response.headers["x-why"]) == (402, b"pay first", "tests")
