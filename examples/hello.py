"""The smallest ASGI application.

Serve it with ``pounce examples.hello:app``, then ``curl -i http://127.0.0.1:8000/``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable, Scope


async def app(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Answer every request with the same line."""
    assert scope["type"] == "http", "this application speaks HTTP only"
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"Hello, world!"})
