"""The answer that a middleware gives in place of the application, to a request or to the handshake of a WebSocket."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi import ASGIReceiveCallable, ASGISendCallable

__all__ = ["refuse"]

Field = tuple[bytes, bytes]

TRY_AGAIN_LATER: Final = 1013
"""The close code of the WebSocket registry (RFC 6455, 11.7) for a server that is over a limit."""


async def refuse(
    scope: Any,
    receive: ASGIReceiveCallable,
    send: ASGISendCallable,
    status: int,
    detail: str,
    fields: Sequence[Field] = (),
) -> None:
    """Answer with ``status`` and a line of plain text; ``detail`` may say nothing that the client may not know.

    A WebSocket is denied with the same answer where the server offers ``websocket.http.response``, and closed before
    its handshake elsewhere, for which the client gets a 403.
    """
    body = f"{status} {HTTPStatus(status).phrase}\n{detail}\n".encode("ascii", "replace")
    headers: list[Field] = [
        (b"content-type", b"text/plain; charset=utf-8"),
        (b"content-length", b"%d" % len(body)),
        *fields,
    ]
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": False})
        return
    if (await receive())["type"] != "websocket.connect":
        return  # it has gone
    if "websocket.http.response" in scope.get("extensions", ()):
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": body, "more_body": False})
    else:
        await send({"type": "websocket.close", "code": TRY_AGAIN_LATER, "reason": ""})
