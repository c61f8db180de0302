"""Response fields that make browsers careful. What the application sets itself always wins.

The defaults are those that break no ordinary site: a policy for scripts has to be written for the application, so
without ``security_csp`` only framing is forbidden. Strict-Transport-Security goes out over https alone (RFC 6797, 7.2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_middleware.security_headers_settings import CSP, FRAMES, Pair, SecurityHeadersSettings

if TYPE_CHECKING:
    from pounce_asgi.types import AnyApplication, ASGIReceiveCallable, ASGISendCallable, Scope

__all__ = ["SecurityHeadersMiddleware"]


class SecurityHeadersMiddleware:
    """ASGI middleware for ``http`` scopes. Must see the scheme that trusted proxies tell."""

    def __init__(self, app: AnyApplication, settings: SecurityHeadersSettings | None = None) -> None:
        self.app = app
        settings = settings or SecurityHeadersSettings(security_headers=True)
        self._fields = {scheme: settings.fields(https=scheme == "https") for scheme in ("http", "https")}

    @classmethod
    def from_settings(cls, app: AnyApplication, settings: SecurityHeadersSettings) -> SecurityHeadersMiddleware:
        """With the options of the command line."""
        return cls(app, settings)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve the request, and add to its response."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        fields = self._fields["https" if scope["scheme"] == "https" else "http"]

        def send_with_fields(message: Any) -> Any:
            # No coroutine of its own: what it returns is that of the server's send().
            if message["type"] == "http.response.start":
                own = [*message.get("headers", ())]
                message = {**message, "headers": own + _missing(fields, own)}
            return send(message)

        await self.app(scope, receive, send_with_fields)


def _missing(fields: tuple[Pair, ...], own: list[Any]) -> list[Pair]:
    """Those that the application has not set. Its own policy decides about frames too, in the old field as well."""
    names = {bytes(name).lower() for name, _ in own}
    return [pair for pair in fields if pair[0] not in names and not (pair[0] == FRAMES and CSP in names)]
