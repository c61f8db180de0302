"""A span of every request, and metrics, by OpenTelemetry's stable conventions for HTTP servers.

Plain ASGI middleware: it works under any server, starts no task, and has no state of its own but what never changes,
so that any number of loops and threads may call one instance.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Any, Final

from pounce_observability.tracing.http_trace import HttpTrace
from pounce_observability.tracing.request_attributes import known_methods, method_of, request_attributes, span_name
from pounce_observability.tracing.settings import TracingSettings
from pounce_observability.tracing.telemetry import Telemetry, attach, current_server_span, detach
from pounce_observability.tracing.websocket_trace import WebSocketTrace

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Self

    from opentelemetry.metrics import MeterProvider
    from opentelemetry.trace import Span, TracerProvider

    from pounce_asgi.types import AnyApplication, ASGIReceiveCallable, ASGISendCallable, Scope

__all__ = ["STATE_KEY", "TracingMiddleware"]

STATE_KEY: Final = "pounce.tracing"
"""Where in ``scope["state"]`` the parts of the middleware that stand elsewhere find the telemetry and the span."""

_OTHERS: Final = tuple(f"opentelemetry.instrumentation.{name}" for name in ("asgi", "wsgi"))
"""What every instrumentation of a web framework is built on."""

_log = logging.getLogger("pounce.tracing")


class TracingMiddleware:
    """ASGI middleware for ``http`` and ``websocket`` scopes."""

    def __init__(
        self,
        app: AnyApplication,
        *,
        exclude: Iterable[str] = (),
        metrics: bool = True,
        worker_id: int | None = None,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
    ) -> None:
        """Paths in ``exclude`` are left alone; one that ends in ``*`` stands for all that begin so. Without providers
        those of the process are used, also when they are set only later.

        Raises:
            ValueError: a path to exclude is none.
        """
        paths = TracingSettings(otel_exclude=tuple(exclude)).otel_exclude
        self.app = app
        self._excluded = frozenset(path for path in paths if not path.endswith("*"))
        self._excluded_below = tuple(path[:-1] for path in paths if path.endswith("*"))
        self._telemetry = Telemetry(measures=metrics, tracer_provider=tracer_provider, meter_provider=meter_provider)
        self._methods = known_methods()
        self._own: dict[str, Any] = {} if worker_id is None else {"pounce.worker.id": worker_id}
        _tell_of_others(measures=metrics)

    @classmethod
    def from_settings(cls, app: AnyApplication, settings: TracingSettings, *, worker_id: int | None = None) -> Self:
        """With the options of the command line."""
        return cls(app, exclude=settings.otel_exclude, metrics=settings.otel_metrics, worker_id=worker_id)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Trace the request."""
        if scope["type"] == "lifespan" or self._excludes(scope["path"]):
            await self.app(scope, receive, send)
            return
        outer = current_server_span()
        if outer is not None:
            self._join(outer)
            await self.app(scope, receive, send)
            return
        attributes = request_attributes(scope, method_of(scope), self._methods)
        attributes.update(self._own)
        span, context = self._telemetry.start_server_span(span_name(attributes), scope["headers"], attributes)
        trace: HttpTrace | WebSocketTrace
        if scope["type"] == "http":
            trace = HttpTrace(span, attributes, self._telemetry.instruments, scope, receive, send)
        else:
            trace = WebSocketTrace(span, attributes, scope, receive, send)
        scope.setdefault("state", {})[STATE_KEY] = (self._telemetry, span)
        token = attach(context)
        try:
            await self.app(scope, trace.receive, trace.send)
        except GeneratorExit:  # a loop was closed with the request on it: that comes from elsewhere, in another context
            trace.finish()
            raise
        except BaseException as error:
            detach(token)
            trace.finish(error)
            raise
        detach(token)
        trace.finish()

    def _excludes(self, path: str) -> bool:
        return path in self._excluded or path.startswith(self._excluded_below)

    def _join(self, span: Span) -> None:
        """Somebody else has traced the request already, from outside: it gets no second span of a server."""
        if span.is_recording():
            span.set_attributes(self._own)
        if "server span" not in _said:
            _said.add("server span")
            _log.warning(
                "Requests arrive with a server span already, from an instrumentation outside of TracingMiddleware: it"
                " makes no second one. Take one of the two away."
            )


_said: set[str] = set()  # what has been told in this process; at worst two threads tell the same


def _tell_of_others(*, measures: bool) -> None:
    """Instrumentations of frameworks find the span and make theirs its children; only metrics would be double."""
    found = [name for name in _OTHERS if name in sys.modules]
    key = " ".join(found)
    if not found or key in _said:
        return
    _said.add(key)
    metrics = " Both measure http.server.*: switch otel_metrics off, or that." if measures else ""
    _log.info(
        "%s is in use as well: its spans become internal ones below those of the server.%s",
        " and ".join(found),
        metrics,
    )
