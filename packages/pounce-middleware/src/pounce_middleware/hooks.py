"""Plain functions that see the head of each request and of each response, for what needs no ASGI.

    def on_request(head): ...      # may change head.headers and head.state, and may return an Answer
    def on_response(head): ...     # may change head.status and head.headers

They run on the event loop, for each request, and so must not wait. An exception in one is the request's: 500.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import ConfigError
from pounce_middleware.coroutine_function import is_coroutine_function

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pounce_asgi.types import AnyApplication, ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_middleware.answer import Answer
    from pounce_middleware.hook_settings import HookSettings

__all__ = ["HookedRequest", "HookedResponse", "HooksMiddleware", "load_hook"]

Pair = tuple[bytes, bytes]

_HEADS: Final = frozenset({"http.response.start", "websocket.http.response.start"})


class HookedRequest:
    """The head of a request, as a hook sees it: a view of the ASGI scope."""

    __slots__ = ("scope",)

    def __init__(self, scope: Any) -> None:
        self.scope = scope

    @property
    def method(self) -> str:
        """GET for the handshake of a WebSocket, over whichever version of HTTP."""
        return str(self.scope.get("method", "GET"))

    @property
    def path(self) -> str:
        """Decoded."""
        return str(self.scope["path"])

    @property
    def query_string(self) -> bytes:
        """As it came."""
        return bytes(self.scope["query_string"])

    @property
    def headers(self) -> list[Pair]:
        """The fields, names in lower case; changes are seen by the application."""
        headers: list[Pair] = self.scope["headers"]
        return headers

    @property
    def client(self) -> tuple[str, int] | None:
        """Its address; None over a UNIX socket."""
        client: tuple[str, int] | None = self.scope.get("client")
        return client

    @property
    def state(self) -> dict[str, Any]:
        """What the request carries with it: ``request.state`` in Starlette."""
        state: dict[str, Any] = self.scope.setdefault("state", {})
        return state


class HookedResponse:
    """The head of a response, as a hook sees it. It may assign ``status`` and change ``headers``."""

    __slots__ = ("headers", "request", "status")

    def __init__(self, request: HookedRequest, status: int, headers: list[Pair]) -> None:
        self.request = request
        self.status = status
        self.headers = headers


class HooksMiddleware:
    """ASGI middleware for ``http`` and ``websocket`` scopes; of a WebSocket the response is one that denies it."""

    def __init__(
        self,
        app: AnyApplication,
        *,
        on_request: Iterable[Callable[[HookedRequest], Answer | None]] = (),
        on_response: Iterable[Callable[[HookedResponse], object]] = (),
    ) -> None:
        """The functions are called in this order.

        Raises:
            ConfigError: one would have to be awaited; the message names it.
        """
        self.app = app
        self._on_request = tuple(on_request)
        self._on_response = tuple(on_response)
        for setting, hooks in (("on_request", self._on_request), ("on_response", self._on_response)):
            for hook in hooks:
                _refuse_awaited(setting, repr(hook), hook)

    @classmethod
    def from_settings(cls, app: AnyApplication, settings: HookSettings) -> HooksMiddleware:
        """With the options of the command line.

        Raises:
            ConfigError: a function cannot be had; the message names it.
        """
        return cls(
            app,
            on_request=[load_hook("on_request", text) for text in settings.on_request],
            on_response=[load_hook("on_response", text) for text in settings.on_response],
        )

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Call the hooks, and the application unless one of them has answered."""
        if scope["type"] != "http" and scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        request = HookedRequest(scope)
        app = self.app
        for hook in self._on_request:
            answer = hook(request)
            if answer is not None:
                app = answer
                break
        await app(scope, receive, self._send_with_hooks(request, send) if self._on_response else send)

    def _send_with_hooks(self, request: HookedRequest, send: Any) -> Any:
        hooks = self._on_response

        def send_head(message: Any) -> Any:
            # No coroutine of its own: what it returns is that of the server's send().
            if message["type"] in _HEADS:
                response = HookedResponse(request, message["status"], [*message.get("headers", ())])
                for hook in hooks:
                    hook(response)
                message = {**message, "status": response.status, "headers": response.headers}
            return send(message)

        return send_head


def load_hook(setting: str, text: str) -> Callable[[Any], Any]:
    """The function that ``module:function`` names.

    Raises:
        ConfigError: it cannot be imported, is not there, cannot be called, or would have to be awaited.
    """
    module, _, path = text.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for name in path.split("."):
            found = getattr(found, name)
    except Exception as error:
        raise ConfigError(f"{setting}: {text} cannot be imported: {type(error).__name__}: {error}") from error
    if not callable(found):
        raise ConfigError(f"{setting}: {text} is not a function")
    _refuse_awaited(setting, text, found)
    return found  # type: ignore[no-any-return]


def _refuse_awaited(setting: str, text: str, hook: object) -> None:
    if is_coroutine_function(hook):
        raise ConfigError(f"{setting}: {text} is a coroutine function; hooks are called, not awaited")
