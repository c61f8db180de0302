"""What has been reported of the request that is being served. Knows nothing of Sentry.

A failure passes several layers that report it: a framework's integration, the ASGI middleware, the server's log. Sentry
drops what it has just seen in the same context, but an application that runs in a thread has a context of its own.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

__all__ = ["CURRENT", "RequestReport", "hide_requests", "is_to_be_sent"]

_BODIES: Final = frozenset({"http.response.body", "http.response.pathsend", "http.response.zerocopysend"})
_SECRET_VARIABLES: Final = frozenset({"asgi_scope", "environ", "headers", "query_string", "scope", "wsgi_environ"})
_SERVER_LOG: Final = "pounce.error"
_MARK: Final = "__pounce_reported__"
"""Attribute of exceptions that have been reported, or are not to be. It is for the server's log, which is written
outside of the request."""


class RequestReport:
    """Takes the place of ``receive`` and ``send``. Owned by its request, also in the thread of its application."""

    __slots__ = ("_complete", "_receive", "_send", "_trailers", "gone", "is_http", "seen")

    def __init__(
        self, scope: Any, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        self.is_http = scope["type"] == "http"
        self.gone = False
        """The client has left before it was answered."""
        self.seen: list[BaseException] = []
        self._complete = False
        self._trailers = False
        self._receive = receive
        self._send = send

    async def receive(self) -> Any:
        """The application's ``receive``."""
        message = await self._receive()
        if message["type"].endswith(".disconnect") and not self._complete:
            self.gone = True
        return message

    async def send(self, message: Any) -> None:
        """The application's ``send``."""
        try:
            await self._send(message)
        except OSError:  # what servers raise when the client has left (ASGI HTTP 2.4, Disconnect)
            self.gone = self.gone or not self._complete
            raise
        kind = message["type"]
        if kind == "http.response.start":
            self._trailers = bool(message.get("trailers"))
        elif kind == "http.response.trailers":
            self._complete = not message.get("more_trailers")
        elif kind in _BODIES and not self._trailers:
            self._complete = not message.get("more_body")

    def wants(self, error: BaseException) -> bool:
        """Whether an exception is to be reported: the first time, and not when nobody waits for the answer any more."""
        if self.gone or any(one is error for one in self.seen):
            return False
        self.seen.append(error)
        return True


CURRENT: ContextVar[RequestReport | None] = ContextVar("pounce_sentry_request", default=None)


def is_to_be_sent(event: Any, hint: Any) -> bool:
    """Whether an event, of a request or of anything else in the process, is sent."""
    report = CURRENT.get()
    if event.get("type") == "transaction":
        return report is None or not (report.gone and report.is_http)
    error = ((hint or {}).get("exc_info") or (None, None, None))[1]
    if error is None:
        return True
    if event.get("logger") == _SERVER_LOG and hasattr(error, _MARK):
        return False
    if report is None:
        return True
    _mark(error)
    return report.wants(error)


def hide_requests(event: Any) -> None:
    """Take requests out of the local variables of an exception's stack: all fields are in them, also the secret ones.

    Sentry tells the request elsewhere, without those.
    """
    for error in (event.get("exception") or {}).get("values") or ():
        for frame in (error.get("stacktrace") or {}).get("frames") or ():
            variables = frame.get("vars")
            if variables:
                for name, value in variables.items():
                    if name in _SECRET_VARIABLES or _is_request(value):
                        variables[name] = "[Filtered]"


def _is_request(value: Any) -> bool:
    """Scopes, and requests of Starlette, which are mappings too. Sentry shows the keys of local mappings quoted."""
    return isinstance(value, dict) and ("'headers'" in value or "headers" in value)


def _mark(error: BaseException) -> None:
    try:
        setattr(error, _MARK, True)
    except (AttributeError, TypeError):  # a class that forbids it: its failure may be told twice
        return
