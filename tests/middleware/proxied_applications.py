"""What an application behind proxies sees, with every middleware for that around it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pounce_middleware import (
    AllowedHostsMiddleware,
    ApplicationTimingMiddleware,
    ErrorPageMiddleware,
    HooksMiddleware,
    ProxyHeadersMiddleware,
    RequestIdMiddleware,
    SecurityHeadersMiddleware,
    ServerTimingMiddleware,
)

if TYPE_CHECKING:
    from pounce_middleware import HookedRequest, HookedResponse

PROXIES = ("127.0.0.0/8", "::1", "unix")


async def tell(scope: Any, receive: Any, send: Any) -> None:
    """What is known of the client, as JSON; in the one message of a WebSocket, too."""
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await send({"type": "lifespan.shutdown.complete"})
        return
    if scope["path"] == "/broken":
        raise LookupError("this page shows it")
    known = {name: scope[name] for name in ("client", "scheme", "path", "root_path")}
    known["host"] = next(value for name, value in scope["headers"] if name == b"host").decode()
    known["request_id"] = scope["state"]["request_id"]
    text = json.dumps(known)
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": text})
        await send({"type": "websocket.close"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": text.encode()})


def on_request(head: HookedRequest) -> None:
    head.state["seen"] = head.path


def on_response(head: HookedResponse) -> None:
    head.headers.append((b"x-seen", head.request.state["seen"].encode()))


def surrounded() -> Any:
    """All of them."""
    app: Any = ErrorPageMiddleware(ApplicationTimingMiddleware(tell))
    app = AllowedHostsMiddleware(app, allowed_hosts=("127.0.0.1", "localhost", "shop.example"))
    app = SecurityHeadersMiddleware(app)
    app = HooksMiddleware(app, on_request=[on_request], on_response=[on_response])
    app = ServerTimingMiddleware(app)
    app = ProxyHeadersMiddleware(app, trusted=PROXIES, parts=("for", "proto", "host", "port", "prefix"))
    return RequestIdMiddleware(app, trusted=PROXIES)


app = surrounded()
