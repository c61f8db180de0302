"""An answer that a middleware gives in place of the application: over HTTP, or to whoever asks for a WebSocket."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pounce_asgi.types import ASGIReceiveCallable

__all__ = ["Answer"]

POLICY_VIOLATION = 1008
"""RFC 6455, 7.4.1. Before the handshake is accepted every server makes a 403 of it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole response. Without a body it is the status in plain text."""

    status: int
    body: bytes | None = None
    content_type: bytes = b"text/plain; charset=utf-8"
    headers: tuple[tuple[bytes, bytes], ...] = ()
    """More fields, names in lower case."""

    async def __call__(self, scope: Any, receive: ASGIReceiveCallable, send: Any) -> None:
        """Send it. A server that cannot deny a WebSocket with a response, lacking the extension, is told to close."""
        websocket = scope["type"] == "websocket"
        if websocket:
            await receive()  # websocket.connect: servers expect an application to have heard of it
            if "websocket.http.response" not in (scope.get("extensions") or {}):
                await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": ""})
                return
        kind = "websocket.http.response" if websocket else "http.response"
        body = self._text() if self.body is None else self.body
        length = (b"content-length", b"%d" % len(body))
        fields = [(b"content-type", self.content_type), length, *self.headers]
        await send({"type": f"{kind}.start", "status": self.status, "headers": fields})
        if not websocket and scope["method"] == "HEAD":
            body = b""
        await send({"type": f"{kind}.body", "body": body})

    def _text(self) -> bytes:
        try:
            phrase = f" {HTTPStatus(self.status).phrase}"
        except ValueError:
            phrase = ""
        return f"{self.status}{phrase}\n".encode()
