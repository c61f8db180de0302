"""The ASGI 3 interface as types: scopes, messages, and the callables between server and application.

Scopes and messages are TypedDicts after the ASGI HTTP & WebSocket specification 2.5, the lifespan specification 2.0,
the TLS extension 0.2 and the documented extensions. A key that Pounce always sets in what it gives to an application
is required here, even where the specification lets a server leave it out; a key that an application may leave out of
what it sends is ``NotRequired``.
"""

# Annotations are evaluated here: postponed ones would hide NotRequired from __optional_keys__ at run time.

from collections.abc import Awaitable, Callable, Iterable
from typing import IO, Any, Literal, NotRequired, Protocol, TypedDict

__all__ = [
    "ASGI2Application",
    "ASGI2Instance",
    "ASGI3Application",
    "ASGIApplication",
    "ASGIReceiveCallable",
    "ASGIReceiveEvent",
    "ASGISendCallable",
    "ASGISendEvent",
    "ASGIVersions",
    "Address",
    "AnyApplication",
    "Extensions",
    "HTTPDisconnectEvent",
    "HTTPRequestEvent",
    "HTTPResponseBodyEvent",
    "HTTPResponseDebugEvent",
    "HTTPResponseEarlyHintEvent",
    "HTTPResponsePathsendEvent",
    "HTTPResponsePushEvent",
    "HTTPResponseStartEvent",
    "HTTPResponseTrailersEvent",
    "HTTPResponseZeroCopySendEvent",
    "HTTPScope",
    "Headers",
    "LifespanScope",
    "LifespanShutdownCompleteEvent",
    "LifespanShutdownEvent",
    "LifespanShutdownFailedEvent",
    "LifespanStartupCompleteEvent",
    "LifespanStartupEvent",
    "LifespanStartupFailedEvent",
    "Message",
    "Scope",
    "TLSExtension",
    "WWWScope",
    "WebSocketAcceptEvent",
    "WebSocketCloseEvent",
    "WebSocketConnectEvent",
    "WebSocketDisconnectEvent",
    "WebSocketReceiveEvent",
    "WebSocketResponseBodyEvent",
    "WebSocketResponseStartEvent",
    "WebSocketScope",
    "WebSocketSendEvent",
]

Headers = Iterable[tuple[bytes, bytes]]
"""Header fields as an application sends them: any iterable of pairs, names in lower case."""

Address = tuple[str, int | None]
"""Host and port, or the path of a UNIX socket and None."""


class ASGIVersions(TypedDict):
    """``scope["asgi"]``: the version of ASGI, and of the specification that the scope's type belongs to."""

    version: Literal["3.0"]
    spec_version: str


class TLSExtension(TypedDict):
    """``scope["extensions"]["tls"]``; present only if the connection is over TLS."""

    server_cert: str | None
    client_cert_chain: Iterable[str]
    client_cert_name: str | None
    client_cert_error: str | None
    tls_version: int | None
    cipher_suite: int | None


Extensions = TypedDict(
    "Extensions",
    {
        "http.response.debug": NotRequired[dict[str, Any]],
        "http.response.early_hint": NotRequired[dict[str, Any]],
        "http.response.pathsend": NotRequired[dict[str, Any]],
        "http.response.push": NotRequired[dict[str, Any]],
        "http.response.trailers": NotRequired[dict[str, Any]],
        "http.response.zerocopysend": NotRequired[dict[str, Any]],
        "tls": NotRequired[TLSExtension],
        "websocket.http.response": NotRequired[dict[str, Any]],
    },
)
"""``scope["extensions"]``: what the server offers beyond the core; the presence of a key is the offer."""


# ----------------------------------------------------------------------------------------------------------- Scopes


class HTTPScope(TypedDict):
    """One HTTP request. Every request gets its own dict, header list, ``asgi`` dict and shallow copy of the state."""

    type: Literal["http"]
    asgi: ASGIVersions
    http_version: str
    method: str
    scheme: str
    path: str
    raw_path: bytes
    query_string: bytes
    root_path: str
    headers: list[tuple[bytes, bytes]]
    client: tuple[str, int] | None
    server: Address | None
    state: dict[str, Any]
    extensions: Extensions


class WebSocketScope(TypedDict):
    """One WebSocket connection."""

    type: Literal["websocket"]
    asgi: ASGIVersions
    http_version: str
    scheme: str
    path: str
    raw_path: bytes
    query_string: bytes
    root_path: str
    headers: list[tuple[bytes, bytes]]
    client: tuple[str, int] | None
    server: Address | None
    subprotocols: list[str]
    state: dict[str, Any]
    extensions: Extensions


class LifespanScope(TypedDict):
    """The life of one event loop."""

    type: Literal["lifespan"]
    asgi: ASGIVersions
    state: dict[str, Any]


WWWScope = HTTPScope | WebSocketScope
Scope = HTTPScope | WebSocketScope | LifespanScope


# ------------------------------------------------------------------------------------------------------------- HTTP


class HTTPRequestEvent(TypedDict):
    """A piece of the request body; the last has ``more_body`` False."""

    type: Literal["http.request"]
    body: bytes
    more_body: bool


class HTTPDisconnectEvent(TypedDict):
    """The client left, or the response is complete."""

    type: Literal["http.disconnect"]


class HTTPResponseStartEvent(TypedDict):
    """Status and header fields; ``trailers`` announces a trailers message after the body."""

    type: Literal["http.response.start"]
    status: int
    headers: NotRequired[Headers]
    trailers: NotRequired[bool]


class HTTPResponseBodyEvent(TypedDict):
    """A piece of the response body."""

    type: Literal["http.response.body"]
    body: NotRequired[bytes]
    more_body: NotRequired[bool]


class HTTPResponseTrailersEvent(TypedDict):
    """Extension ``http.response.trailers``: fields after the body."""

    type: Literal["http.response.trailers"]
    headers: NotRequired[Headers]
    more_trailers: NotRequired[bool]


class HTTPResponseEarlyHintEvent(TypedDict):
    """Extension ``http.response.early_hint``: values of Link fields for a 103 response (RFC 8297)."""

    type: Literal["http.response.early_hint"]
    links: Iterable[bytes]


class HTTPResponsePathsendEvent(TypedDict):
    """Extension ``http.response.pathsend``: the whole body is the file at this absolute path."""

    type: Literal["http.response.pathsend"]
    path: str


class HTTPResponseZeroCopySendEvent(TypedDict):
    """Extension ``http.response.zerocopysend``: a piece of the body is ``count`` bytes of an open file, or all to its
    end, from ``offset`` or else from its position. The application closes it.
    """

    type: Literal["http.response.zerocopysend"]
    file: IO[bytes] | int
    offset: NotRequired[int | None]
    count: NotRequired[int | None]
    more_body: NotRequired[bool]


class HTTPResponsePushEvent(TypedDict):
    """Extension ``http.response.push``: an HTTP/2 push promise."""

    type: Literal["http.response.push"]
    path: str
    headers: Headers


class HTTPResponseDebugEvent(TypedDict):
    """Extension ``http.response.debug``: what a framework tells its tests, before the response starts."""

    type: Literal["http.response.debug"]
    info: dict[str, Any]


# -------------------------------------------------------------------------------------------------------- WebSocket


class WebSocketConnectEvent(TypedDict):
    """The client asks for the connection."""

    type: Literal["websocket.connect"]


class WebSocketAcceptEvent(TypedDict):
    """The application takes the connection."""

    type: Literal["websocket.accept"]
    subprotocol: NotRequired[str | None]
    headers: NotRequired[Headers]


class WebSocketReceiveEvent(TypedDict):
    """A message from the client: one of ``bytes`` and ``text`` is there and not None."""

    type: Literal["websocket.receive"]
    bytes: NotRequired[bytes | None]
    text: NotRequired[str | None]


class WebSocketSendEvent(TypedDict):
    """A message to the client: exactly one of ``bytes`` and ``text`` is not None."""

    type: Literal["websocket.send"]
    bytes: NotRequired[bytes | None]
    text: NotRequired[str | None]


class WebSocketDisconnectEvent(TypedDict):
    """The connection is over; 1005 when no code was received, 1006 when it broke (RFC 6455, 7.4.1)."""

    type: Literal["websocket.disconnect"]
    code: int
    reason: str


class WebSocketCloseEvent(TypedDict):
    """The application ends the connection, or refuses it with a 403 before it was accepted."""

    type: Literal["websocket.close"]
    code: NotRequired[int]
    reason: NotRequired[str | None]


class WebSocketResponseStartEvent(TypedDict):
    """Extension ``websocket.http.response``: the head of an HTTP response that denies the connection."""

    type: Literal["websocket.http.response.start"]
    status: int
    headers: NotRequired[Headers]


class WebSocketResponseBodyEvent(TypedDict):
    """Extension ``websocket.http.response``: a piece of its body."""

    type: Literal["websocket.http.response.body"]
    body: NotRequired[bytes]
    more_body: NotRequired[bool]


# --------------------------------------------------------------------------------------------------------- Lifespan


class LifespanStartupEvent(TypedDict):
    """The loop is about to serve."""

    type: Literal["lifespan.startup"]


class LifespanStartupCompleteEvent(TypedDict):
    """The application is ready."""

    type: Literal["lifespan.startup.complete"]


class LifespanStartupFailedEvent(TypedDict):
    """The application cannot start; the server must not serve."""

    type: Literal["lifespan.startup.failed"]
    message: NotRequired[str]


class LifespanShutdownEvent(TypedDict):
    """No request is in flight and none will come."""

    type: Literal["lifespan.shutdown"]


class LifespanShutdownCompleteEvent(TypedDict):
    """The application has cleaned up."""

    type: Literal["lifespan.shutdown.complete"]


class LifespanShutdownFailedEvent(TypedDict):
    """The application could not clean up."""

    type: Literal["lifespan.shutdown.failed"]
    message: NotRequired[str]


# -------------------------------------------------------------------------------------------------------- Callables

ASGIReceiveEvent = (
    HTTPRequestEvent
    | HTTPDisconnectEvent
    | WebSocketConnectEvent
    | WebSocketReceiveEvent
    | WebSocketDisconnectEvent
    | LifespanStartupEvent
    | LifespanShutdownEvent
)
"""What ``receive()`` gives."""

ASGISendEvent = (
    HTTPResponseStartEvent
    | HTTPResponseBodyEvent
    | HTTPResponseTrailersEvent
    | HTTPResponseEarlyHintEvent
    | HTTPResponsePathsendEvent
    | HTTPResponseZeroCopySendEvent
    | HTTPResponsePushEvent
    | HTTPResponseDebugEvent
    | WebSocketAcceptEvent
    | WebSocketSendEvent
    | WebSocketCloseEvent
    | WebSocketResponseStartEvent
    | WebSocketResponseBodyEvent
    | LifespanStartupCompleteEvent
    | LifespanStartupFailedEvent
    | LifespanShutdownCompleteEvent
    | LifespanShutdownFailedEvent
)
"""What ``send()`` takes."""

Message = ASGIReceiveEvent | ASGISendEvent
"""Any message, in either direction."""

ASGIReceiveCallable = Callable[[], Awaitable[ASGIReceiveEvent]]
ASGISendCallable = Callable[[ASGISendEvent], Awaitable[None]]

ASGI3Application = Callable[[Scope, ASGIReceiveCallable, ASGISendCallable], Awaitable[None]]
"""An application of today: one coroutine function."""
AnyApplication = Callable[[Any, Any, Any], Awaitable[None]]
"""What takes an application asks for this: frameworks declare their scopes and messages as types of their own."""


class ASGI2Instance(Protocol):
    """What calling an ASGI 2 application with a scope gives."""

    def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable, /) -> Awaitable[None]:
        """Serve the connection of that scope."""


ASGI2Application = Callable[[Scope], ASGI2Instance]
"""A legacy application: a class, or another callable, that is first called with the scope alone."""

ASGIApplication = ASGI2Application | ASGI3Application
