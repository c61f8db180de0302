"""Shows what has gone wrong, while an application is being developed.

An exception that comes out of the application before its response has started is answered with a page, and raised
again: the server logs it as ever, once. In production this middleware is not in the chain.

Frameworks catch exceptions themselves, answer 500, and raise again. So a response with the status 500 is held back
until the application has returned, and the page takes its place if there was an exception.
"""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi.client_gone import is_client_gone
from pounce_middleware.error_page.html import load_page
from pounce_middleware.error_page.negotiation import wanted_form
from pounce_middleware.error_page.plain import as_json, as_text
from pounce_middleware.error_page.redaction import Redaction
from pounce_middleware.error_page.report import make_report
from pounce_middleware.error_page.request_data import BODY_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_asgi.types import AnyApplication, ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_middleware.error_page.settings import ErrorPageSettings

__all__ = ["ErrorPageMiddleware"]

logger = logging.getLogger("pounce.debug")

HELD_SIZE: Final = 65536
"""Bytes of a response 500 that are held back; one that is longer is no error message."""

_START: Final = frozenset(
    {"http.response.start", "websocket.accept", "websocket.close", "websocket.http.response.start"}
)
_COMMON: Final = ((b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff"))


class ErrorPageMiddleware:
    """ASGI middleware for ``http`` and ``websocket`` scopes, for development only. Stands next to the application."""

    def __init__(self, app: AnyApplication, *, secrets: Iterable[str] = ()) -> None:
        """``secrets`` are values of settings that no page may show; those in the environment are found by name."""
        self.app = app
        self._secrets = tuple(secrets)

    @classmethod
    def from_settings(
        cls,
        app: AnyApplication,
        settings: ErrorPageSettings,  # noqa: ARG003 - nothing but on and off
        *,
        secrets: Iterable[str] = (),
    ) -> ErrorPageMiddleware:
        """With the options of the command line."""
        return cls(app, secrets=secrets)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve the request, and show what goes wrong."""
        if scope["type"] != "http" and scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        # What the application does to the scope is no part of the request.
        watched = _Watched(receive, send)
        try:
            await self.app(scope, watched.receive, watched.send)
        except Exception as error:
            if not watched.started and not is_client_gone(error):
                await self._try_to_show(error, scope, watched, send)
            raise
        await watched.release()

    async def _try_to_show(self, error: Exception, scope: Any, watched: _Watched, send: Any) -> None:
        """Whatever becomes of the page, the server is to hear of what the application has raised."""
        try:
            await self._show(error, scope, watched, send)
        except Exception as failure:
            if not is_client_gone(failure):
                logger.exception("The page of an error could not be shown")

    async def _show(self, error: Exception, scope: Any, watched: _Watched, send: Any) -> None:
        websocket = scope["type"] == "websocket"
        if websocket and "websocket.http.response" not in (scope.get("extensions") or {}):
            return
        content_type, body, more = self.page(error, scope, bytes(watched.body))
        kind = "websocket.http.response" if websocket else "http.response"
        length = (b"content-length", b"%d" % len(body))
        fields = [(b"content-type", content_type), length, *_COMMON, *more]
        await send({"type": f"{kind}.start", "status": 500, "headers": fields})
        await send({"type": f"{kind}.body", "body": b"" if scope.get("method") == "HEAD" else body})

    def page(
        self, error: BaseException, scope: Any, body: bytes = b""
    ) -> tuple[bytes, bytes, tuple[tuple[bytes, bytes], ...]]:
        """Content type, body and more fields of the page in the form that the client wants."""
        redaction = Redaction(self._secrets, os.environ)
        report = make_report(error, scope, body, redaction)
        form = wanted_form(scope)
        if form == "json":
            return b"application/json", as_json(report).encode("utf-8", "replace"), ()
        html = load_page() if form == "html" else None
        if html is None:
            return b"text/plain; charset=utf-8", as_text(report).encode("utf-8", "replace"), ()
        fields = ((b"content-security-policy", html.policy.encode("ascii")), (b"referrer-policy", b"no-referrer"))
        return b"text/html; charset=utf-8", html.render(report).encode("utf-8", "replace"), fields


class _Watched:
    """The ``receive`` and ``send`` of one request: keeps the beginning of its body, holds back a response 500."""

    __slots__ = ("_held", "_held_size", "_receive", "_send", "body", "started")

    def __init__(self, receive: Any, send: Any) -> None:
        self._receive = receive
        self._send = send
        self._held: list[Any] = []
        self._held_size = 0
        self.body = bytearray()
        self.started = False
        """Something of the response has gone out: there is no place for a page."""

    async def receive(self) -> Any:
        """The next message to the application."""
        message = await self._receive()
        if message["type"] == "http.request" and len(self.body) < BODY_SIZE:
            self.body += message.get("body", b"")[: BODY_SIZE - len(self.body)]
        return message

    async def send(self, message: Any) -> None:
        """A message of the application."""
        kind = message["type"]
        if not self.started:
            if kind == "http.response.start" and message["status"] == 500 and not self._held:
                self._held.append(message)
                return
            if self._held:
                self._held.append(message)
                self._held_size += len(message.get("body", b""))
                if kind == "http.response.body" and self._held_size <= HELD_SIZE:
                    return
                await self.release()
                return
            self.started = kind in _START
        await self._send(message)

    async def release(self) -> None:
        """Send what was held back: it was no exception, or there is too much of it."""
        held, self._held = self._held, []
        if held:
            self.started = True
        for message in held:
            await self._send(message)
