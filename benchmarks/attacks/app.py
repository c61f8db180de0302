"""What is attacked: a small answer, a large one, bodies that are read, and WebSockets that listen, or talk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

__all__ = ["app"]

Message = dict[str, Any]
PIECE: Final = b"x" * 65536
PIECES: Final = 4000


async def app(
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """An ASGI application."""
    match scope["type"]:
        case "http" if scope["path"] == "/large":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for _ in range(PIECES):
                await send({"type": "http.response.body", "body": PIECE, "more_body": True})
            await send({"type": "http.response.body"})
        case "http":
            while scope["method"] == "POST":
                message = await receive()
                if message["type"] == "http.disconnect" or not message["more_body"]:
                    break
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
            await send({"type": "http.response.body", "body": b"ok"})
        case "websocket":
            await send({"type": "websocket.accept"})
            for _ in range(PIECES if scope["path"] == "/large" else 0):
                await send({"type": "websocket.send", "bytes": PIECE})
            while (await receive())["type"] != "websocket.disconnect":
                pass
        case _:
            raise NotImplementedError
