"""One WebSocket as its span sees it, from the handshake to the end of the application. Owned by its loop.

The conventions say nothing of WebSockets. The handshake is an HTTP request and described as one; the rest has names of
its own. The metrics of HTTP leave it out: it lasts as long as its client likes, which says nothing of the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_observability.tracing.http_trace import type_name
from pounce_observability.tracing.request_attributes import span_name
from pounce_observability.tracing.route import route_of
from pounce_observability.tracing.telemetry import mark_failed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from opentelemetry.trace import Span

__all__ = ["WebSocketTrace"]


class WebSocketTrace:
    """Takes the place of ``receive`` and ``send``."""

    __slots__ = (
        "_attributes",
        "_code",
        "_gone",
        "_receive",
        "_received",
        "_scope",
        "_send",
        "_sent",
        "_span",
        "_status",
    )

    def __init__(
        self,
        span: Span,
        attributes: dict[str, Any],
        scope: Any,
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        self._span = span
        self._attributes = attributes
        self._scope = scope
        self._receive = receive
        self._send = send
        self._gone = False
        self._code: int | None = None
        self._received = self._sent = 0
        self._status: int | None = None
        """Of the answer to the handshake."""

    async def receive(self) -> Any:
        """The application's ``receive``."""
        message = await self._receive()
        kind = message["type"]
        if kind == "websocket.receive":
            self._received += 1
        elif kind == "websocket.disconnect":
            self._gone = True
            if self._code is None:
                self._code = message.get("code", 1005)  # RFC 6455, 7.1.5: no code was sent
        return message

    async def send(self, message: Any) -> None:
        """The application's ``send``."""
        try:
            await self._send(message)
        except OSError:
            self._gone = True
            raise
        kind = message["type"]
        if kind == "websocket.send":
            self._sent += 1
        elif kind == "websocket.accept":
            # RFC 6455, 4.2.2; over HTTP/2 and HTTP/3 it is a CONNECT that succeeds (RFC 8441, 5).
            self._status = 101 if self._attributes["http.request.method"] == "GET" else 200
        elif kind == "websocket.http.response.start":
            self._status = message["status"]
        elif kind == "websocket.close":
            if self._status is None:
                self._status = 403
            elif self._code is None:
                self._code = message.get("code", 1000)

    def finish(self, error: BaseException | None = None) -> None:
        """The application has returned, or raised this."""
        span = self._span
        if error is not None and self._gone:
            error = None  # it could not go on without its client
        if error is not None and self._status is None:
            self._status = 500
        if span.is_recording():
            attributes: dict[str, Any] = {
                "pounce.websocket.messages_received": self._received,
                "pounce.websocket.messages_sent": self._sent,
            }
            if self._status is not None:
                attributes["http.response.status_code"] = self._status
            if self._code is not None:
                attributes["pounce.websocket.close_code"] = self._code
            route = route_of(self._scope)
            if route is not None:
                attributes["http.route"] = route
                span.update_name(f"{span_name(self._attributes)} {route}")
            span.set_attributes(attributes)
            if error is not None:
                mark_failed(span, type_name(error), error)
            elif self._status is not None and self._status >= 500:
                mark_failed(span, str(self._status))
        span.end()
