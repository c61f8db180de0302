"""One application for the tests of WebSockets: what it does follows from the path."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tests.end_to_end.signals import Signals

if TYPE_CHECKING:
    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope, WebSocketScope

__all__ = ["APPLICATION", "app"]

APPLICATION: Final = "tests.end_to_end.websocket_application:app"

COUNT: Final = 200
"""Messages of a burst: more than may wait on either side."""


async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"an ordinary answer"})
        return
    if scope["type"] == "websocket":
        assert (await receive())["type"] == "websocket.connect"
        await ACTIONS[scope["path"].partition("/")[2].partition("/")[0]](scope, receive, send)


async def echo(scope: WebSocketScope, receive: Any, send: Any) -> None:
    """Send back what comes, and tell the test how the client left."""
    protocols = scope["subprotocols"]
    headers = [(b"x-chosen", b"yes")]
    await send({"type": "websocket.accept", "subprotocol": protocols[0] if protocols else None, "headers": headers})
    while (message := await receive())["type"] == "websocket.receive":
        kind = "text" if message.get("text") is not None else "bytes"
        await send({"type": "websocket.send", kind: message[kind]})
    if scope["query_string"]:
        farewell = json.dumps([message["code"], message.get("reason")])
        Signals.of_query(scope["query_string"]).set("left", farewell)


async def describe(scope: WebSocketScope, receive: Any, send: Any) -> None:
    """Send the scope."""
    await send({"type": "websocket.accept"})
    told = {name: scope[name] for name in ("type", "scheme", "http_version", "path", "subprotocols")}
    told["extensions"] = sorted(scope["extensions"])
    await send({"type": "websocket.send", "text": json.dumps(told)})
    await send({"type": "websocket.close", "code": 4001, "reason": "told"})


async def reject(scope: WebSocketScope, receive: Any, send: Any) -> None:
    """Close before accepting."""
    await send({"type": "websocket.close"})


async def deny(scope: WebSocketScope, receive: Any, send: Any) -> None:
    """Answer with a response of its own."""
    headers = [(b"content-type", b"text/plain"), (b"x-why", b"tests")]
    await send({"type": "websocket.http.response.start", "status": 401, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b"not ", "more_body": True})
    await send({"type": "websocket.http.response.body", "body": b"you"})


async def fail(scope: WebSocketScope, receive: Any, send: Any) -> None:
    """Raise before accepting."""
    raise RuntimeError("as the test wants it")


async def fail_late(scope: WebSocketScope, receive: Any, send: Any) -> None:
    """Raise after accepting."""
    await send({"type": "websocket.accept"})
    raise RuntimeError("as the test wants it")


async def burst(scope: WebSocketScope, receive: Any, send: Any) -> None:
    """Many messages that nobody has asked for."""
    await send({"type": "websocket.accept"})
    for number in range(COUNT):
        await send({"type": "websocket.send", "bytes": number.to_bytes(4, "big") * 4096})


async def slow(scope: WebSocketScope, receive: Any, send: Any) -> None:
    """Read nothing before the test says so; then count what came before the goodbye."""
    await send({"type": "websocket.accept"})
    signals = Signals.of_query(scope["query_string"])
    await signals.wait_in_loop("read")
    count = 0
    while (await receive())["type"] == "websocket.receive":
        count += 1
    signals.set("counted", str(count))


ACTIONS: Final = {action.__name__: action for action in (echo, describe, reject, deny, fail, fail_late, burst, slow)}
