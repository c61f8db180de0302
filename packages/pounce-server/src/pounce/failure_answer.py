"""The answer to a request whose application has failed, sent through the chain: it has the fields of all others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import ClientGone

if TYPE_CHECKING:
    from pounce_asgi import ASGI3Application

__all__ = ["FailureAnswer"]

BODY: Final = b"500 Internal Server Error\nthe application failed\n"


class FailureAnswer:
    """ASGI middleware for ``http`` scopes. What it answers for it raises again: the server writes it to the log."""

    def __init__(self, app: ASGI3Application) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve the request, or answer 500."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        def watched(message: Any) -> Any:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            return send(message)

        try:
            await self.app(scope, receive, watched)
        except Exception as error:
            if not started and not isinstance(error, ClientGone):
                headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", b"%d" % len(BODY))]
                await send({"type": "http.response.start", "status": 500, "headers": headers})
                await send({"type": "http.response.body", "body": BODY})
            raise
