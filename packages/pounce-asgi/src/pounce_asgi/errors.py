"""The errors of the request engine and of the server around it.

One tree with the same attributes everywhere, so that nobody keeps a table beside it: ``status`` is the answer that the
client gets (None when the error belongs to no request) and ``must_close`` says whether the connection can carry another
request afterwards. The branches tell whose fault it is: the operator's (``ConfigError``, ``AppImportError``,
``LifespanError``), the application's (``ApplicationError``), the request's (``RequestError``), or nobody's
(``ClientGone``, ``ServiceUnavailable``).
"""

# ruff: noqa: N818 - the names say what happened; a suffix on every one of them would add nothing.

from __future__ import annotations

__all__ = [
    "AppImportError",
    "ApplicationError",
    "ClientGone",
    "ConfigError",
    "ContentLengthMismatch",
    "ExpectationFailed",
    "IncompleteBody",
    "IncompleteResponse",
    "InvalidMessage",
    "InvalidResponseHeader",
    "LifespanError",
    "MissingResponse",
    "PounceError",
    "RequestError",
    "RequestTimeout",
    "RequestTooLarge",
    "ServiceUnavailable",
    "UnexpectedMessage",
]


class PounceError(Exception):
    """The root of the tree. The message says what happened and, where there is one, the next step to take."""

    status: int | None = None
    """The HTTP status that answers the request, or None when no request is concerned."""

    must_close: bool = False
    """The connection must end after the answer: where the next request would begin is not known any more."""


class ConfigError(PounceError):
    """A setting is wrong. The message names it, where it came from and what is allowed."""


class AppImportError(PounceError):
    """The application could not be imported or is not an ASGI application."""


class LifespanError(PounceError):
    """The application failed in lifespan startup or shutdown, or took longer than its time limit."""


class ApplicationError(PounceError):
    """The application broke the ASGI contract. Raised in the application, where its author can see it."""

    status = 500


class UnexpectedMessage(ApplicationError):
    """A message of a known type came when the state of the exchange does not allow it, or its type is unknown."""


class InvalidMessage(ApplicationError, TypeError):
    """A message lacks a key or holds a value of a wrong Python type (ASGI 3.0, "Error Handling")."""


class InvalidResponseHeader(ApplicationError, ValueError):
    """A response header field cannot be sent as it is: a wrong type, or octets that RFC 9110 5.1 or 5.5 forbids."""


class ContentLengthMismatch(ApplicationError):
    """The body is longer or shorter than the content-length that the application announced (RFC 9110, 8.6)."""

    must_close = True


class MissingResponse(ApplicationError):
    """The application returned without starting a response."""


class IncompleteResponse(ApplicationError):
    """The application returned before the last body (or trailers) message of its response."""

    must_close = True


class ClientGone(PounceError, OSError):
    """``send()`` was called after the client left (ASGI HTTP 2.4, "Disconnected Client").

    Nobody's fault: it may pass through the application and is not logged as an error.
    """

    must_close = True


class RequestError(PounceError):
    """The request cannot be served. ``status`` and ``must_close`` of one error may differ from those of its class,
    so that the error of a wire protocol keeps its meaning when it is translated.
    """

    status: int = 400
    must_close: bool = True
    setting: str = ""
    """The limit that was reached, where it was one."""

    def __init__(
        self, message: str, *, status: int | None = None, must_close: bool | None = None, setting: str | None = None
    ) -> None:
        super().__init__(message)
        if setting is not None:
            self.setting = setting
        if status is not None:
            self.status = status
        if must_close is not None:
            self.must_close = must_close


class RequestTimeout(RequestError):
    """The request did not arrive in time (RFC 9110, 15.5.9)."""

    status = 408


class RequestTooLarge(RequestError):
    """The body is larger than ``max_request_body`` (RFC 9110, 15.5.14)."""

    status = 413
    setting = "max_request_body"


class ExpectationFailed(RequestError):
    """The request has an expectation other than ``100-continue`` (RFC 9110, 10.1.1)."""

    status = 417
    must_close = False


class IncompleteBody(RequestError):
    """The connection ended, or the wire broke, before the body was complete (RFC 9112, 8)."""


class ServiceUnavailable(PounceError):
    """The server is over a limit or is stopping (RFC 9110, 15.6.4). ``retry_after`` is in whole seconds."""

    status = 503
    must_close = True

    def __init__(self, message: str, *, retry_after: int = 1) -> None:
        super().__init__(message)
        self.retry_after = retry_after
