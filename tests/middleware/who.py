"""Says who its client is; for workers with an event loop and for those that block."""

from __future__ import annotations

from typing import Any

from pounce_asgi import SyncRequest, SyncResponse


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    body = ":".join(map(str, scope["client"] or ())).encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


class Who:
    """The same for workers that block."""

    def handle(self, request: SyncRequest) -> SyncResponse:
        return SyncResponse(body=":".join(map(str, request.client or ())).encode())


sync_app = Who()
