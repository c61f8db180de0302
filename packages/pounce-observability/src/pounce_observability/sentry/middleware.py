"""Reports failures of the application to Sentry, with the data of their requests, and requests as transactions.

Sentry's own ASGI middleware does that. Around it this one sees to it that a failure is reported once, whoever else
reports it, and not at all when the client has left: then the application fails because nobody is there.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from pounce_observability.sentry.hidden_query import QueryHiding
from pounce_observability.sentry.request_report import CURRENT, RequestReport, hide_requests, is_to_be_sent
from pounce_observability.sentry.sdk import (
    DEFAULT_DENYLIST,
    SentryAsgiMiddleware,
    SentryWsgiMiddleware,
    add_global_event_processor,
    sentry_sdk,
)

if TYPE_CHECKING:
    from typing import Self

    from pounce_asgi.types import AnyApplication, ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_observability.sentry.settings import SentrySettings

__all__ = ["SentryMiddleware", "reporting_wsgi"]

_lock: Final = threading.Lock()
_installed: list[Any] = []  # the processor of this process, guarded by the lock
_secret_names: Final = frozenset(name.lower() for name in DEFAULT_DENYLIST)


class SentryMiddleware:
    """ASGI middleware for all scopes. No state of its own: any number of loops and threads may call it.

    Frameworks that Sentry knows (Starlette, FastAPI, Django, Flask, ...) add what they know to the same transaction.
    """

    def __init__(self, app: AnyApplication, *, wsgi: bool = False) -> None:
        """Sentry must be set up by the time of the first request: by `start_sentry`, or by the program.

        ``wsgi``: the application is a WSGI one that was lifted to ASGI after it has gone through `reporting_wsgi`. Then
        Sentry's WSGI layer reports, in the thread of the application: its integrations read the body of the request,
        which would block an event loop, and would wait there for what this very loop has to bring.
        """
        self.app = app
        # Under its usual name it asks to be removed wherever Starlette is installed.
        self._reporting: Any = (
            app
            if wsgi
            else SentryAsgiMiddleware(
                _hiding(app),
                transaction_style="url",
                mechanism_type="pounce",
                span_origin="auto.http.pounce",
                asgi_version=3,
            )
        )
        _install_processor()

    @classmethod
    def from_settings(cls, app: AnyApplication, _settings: SentrySettings, *, wsgi: bool = False) -> Self:
        """The settings are those of `start_sentry`."""
        return cls(app, wsgi=wsgi)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve, and report what fails."""
        if scope["type"] == "lifespan":
            # An application without a lifespan raises, which says so. What fails in one is in the server's log.
            await self.app(scope, receive, send)
            return
        report = RequestReport(scope, receive, send)
        current = CURRENT.set(report)
        try:
            await self._reporting(scope, report.receive, report.send)
        except GeneratorExit:  # a loop was closed with the request on it: that comes from another context
            raise
        except BaseException:
            _leave(report, current)
            raise
        _leave(report, current)


def reporting_wsgi(app: Any) -> Any:
    """A WSGI application that reports to Sentry: what is to be lifted under a `SentryMiddleware` with ``wsgi``."""

    def hiding(environ: Any, start_response: Any) -> Any:
        _hide_query(environ.get("QUERY_STRING", ""))
        return app(environ, start_response)

    return SentryWsgiMiddleware(hiding, span_origin="auto.http.pounce")


def _hiding(app: AnyApplication) -> ASGI3Application:
    """The application, within Sentry's layer."""

    async def hiding(scope: Any, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        _hide_query(scope["query_string"].decode("latin-1"))
        await app(scope, receive, send)

    return hiding


def _hide_query(query: str) -> None:
    """In the events of this request. Processors run in the order in which they came, those of the current scope last:
    frameworks add theirs to the isolation scope after this, but an answer that is iterated has that scope alone.
    """
    hiding = QueryHiding(query, _secret_names)
    sentry_sdk.get_isolation_scope().add_event_processor(hiding)
    sentry_sdk.get_current_scope().add_event_processor(hiding)


def _leave(report: RequestReport, current: Any) -> None:
    report.seen.clear()  # an exception knows the frames that know the report
    CURRENT.reset(current)


def _install_processor() -> None:
    """Once for the process: it is for all clients, also those that the program sets up later."""

    def processor(event: Any, hint: Any) -> Any:
        if not is_to_be_sent(event, hint):
            return None
        hide_requests(event)
        return event

    with _lock:
        if not _installed:
            add_global_event_processor(processor)
            _installed.append(processor)
