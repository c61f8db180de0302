"""One HTTP request as its span and its metrics see it. Hot path; owned by the request, on its loop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from pounce_observability.tracing.request_attributes import span_name
from pounce_observability.tracing.route import route_of
from pounce_observability.tracing.telemetry import mark_failed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from opentelemetry.trace import Span

    from pounce_observability.tracing.telemetry import HttpInstruments

__all__ = ["HttpTrace", "type_name"]

_BODIES: Final = frozenset({"http.response.body", "http.response.pathsend", "http.response.zerocopysend"})
_LOWEST_FAILURE: Final = 500
"""Below it the request is the client's mistake, which is no error of a server ("HTTP spans", Status)."""


def type_name(error: BaseException) -> str:
    """What ``error.type`` says of an exception: its name as one would import it."""
    kind = type(error)
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"


class HttpTrace:
    """Takes the place of ``receive`` and ``send``, and ends the span when the response has ended.

    A response with status 5xx is the exception: frameworks answer for a failure first and raise it then, so its span
    waits for that, but ends at the time at which the response did.
    """

    __slots__ = (
        "_attributes",
        "_began",
        "_completed",
        "_ended",
        "_gone",
        "_instruments",
        "_receive",
        "_received",
        "_scope",
        "_send",
        "_sent",
        "_span",
        "_status",
        "_trailers",
    )

    def __init__(
        self,
        span: Span,
        attributes: dict[str, Any],
        instruments: HttpInstruments | None,
        scope: Any,
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[None]],
    ) -> None:
        """``attributes`` are those of the span, from which those of the metrics are taken."""
        self._span = span
        self._attributes = attributes
        self._instruments = instruments
        self._scope = scope
        self._receive = receive
        self._send = send
        self._began = time.perf_counter()
        self._completed: tuple[float, int] | None = None
        """When the response was complete: by the clock of durations, and by that of spans in nanoseconds."""
        self._ended = False
        self._gone = False
        self._received = 0
        self._sent: int | None = 0
        """Bytes of the body; None when the server sends them from a file whose size nobody has told."""
        self._status: int | None = None
        self._trailers = False
        if instruments is not None:
            instruments.active.add(1, self._common())

    async def receive(self) -> Any:
        """The application's ``receive``."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._received += len(message.get("body", b""))
        elif self._completed is None:
            self._gone = True
        return message

    async def send(self, message: Any) -> None:
        """The application's ``send``."""
        try:
            await self._send(message)
        except OSError:  # what servers raise when the client has left (ASGI HTTP 2.4, Disconnect)
            self._gone = True
            raise
        kind = message["type"]
        if kind == "http.response.start":
            self._status = message["status"]
            self._trailers = bool(message.get("trailers"))
        elif kind in _BODIES:
            self._count(message)
            if not self._trailers and not message.get("more_body"):
                self._complete()
        elif kind == "http.response.trailers" and not message.get("more_trailers"):
            self._complete()

    def finish(self, error: BaseException | None = None) -> None:
        """The application has returned, or raised this."""
        if self._ended:
            return
        if self._gone:
            error = None  # it could not go on without its client
        elif self._status is None:
            self._status = 500  # so every server answers for an application that has not, with a body of its own
            self._sent = None
        if self._gone:
            self._span.set_attribute("pounce.client_gone", True)
        self._end(error)

    def _count(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            size: int | None = len(message.get("body", b""))
        else:
            size = message.get("count")
        self._sent = None if size is None or self._sent is None else self._sent + size

    def _complete(self) -> None:
        if self._completed is None:
            self._completed = (time.perf_counter(), time.time_ns())
            if self._status is None or self._status < _LOWEST_FAILURE:
                self._end(None)

    def _end(self, error: BaseException | None) -> None:
        self._ended = True
        status = self._status
        error_type = None
        if error is not None:
            error_type = type_name(error)
        elif status is not None and status >= _LOWEST_FAILURE:
            error_type = str(status)
        route = route_of(self._scope)
        completed, completed_ns = self._completed or (time.perf_counter(), None)
        span = self._span
        if span.is_recording():
            self._describe(span, status, route)
            if error_type is not None:
                mark_failed(span, error_type, error)
        span.end(completed_ns)
        if self._instruments is not None:
            self._measure(self._instruments, completed - self._began, route, error_type)

    def _describe(self, span: Span, status: int | None, route: str | None) -> None:
        attributes: dict[str, Any] = {"http.request.body.size": self._request_size()}
        if status is not None:
            attributes["http.response.status_code"] = status
        if self._sent is not None:
            attributes["http.response.body.size"] = self._sent
        if route is not None:
            attributes["http.route"] = route
            span.update_name(f"{span_name(self._attributes)} {route}")
        span.set_attributes(attributes)

    def _common(self) -> dict[str, Any]:
        known = self._attributes
        return {"http.request.method": known["http.request.method"], "url.scheme": known["url.scheme"]}

    def _measure(self, instruments: HttpInstruments, seconds: float, route: str | None, error_type: str | None) -> None:
        attributes = self._common()
        instruments.active.add(-1, attributes)
        known = self._attributes
        attributes = {
            **attributes,
            "network.protocol.name": known["network.protocol.name"],
            "network.protocol.version": known["network.protocol.version"],
        }
        if self._status is not None:
            attributes["http.response.status_code"] = self._status
        if route is not None:
            attributes["http.route"] = route
        if error_type is not None:
            attributes["error.type"] = error_type
        instruments.duration.record(seconds, attributes)
        instruments.request_size.record(self._request_size(), attributes)
        if self._sent is not None:
            instruments.response_size.record(self._sent, attributes)

    def _request_size(self) -> int:
        """Bytes of the request's body: as announced, or as far as the application has read it."""
        for name, value in self._scope["headers"]:
            if name == b"content-length" and len(value) < 19 and value.isdigit():  # more is no 64-bit number
                return int(value)
        return self._received
