"""Request ids that go through several servers: taken from who is trusted, shown in the response.

The id itself is given by Pounce before any middleware runs, when its setting ``request_id`` is on; under other servers
this makes it. It is in ``scope["state"]["request_id"]``.
"""

from __future__ import annotations

import os
import re
import threading
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import RequestIdGenerator
from pounce_middleware.request_id_settings import RequestIdSettings
from pounce_middleware.trusted_networks import TrustedNetworks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_asgi.types import AnyApplication, ASGIReceiveCallable, ASGISendCallable, Scope

__all__ = ["RequestIdMiddleware"]

# UUIDs, ULIDs, W3C trace ids, base64, and what load balancers make (Root=1-67891233-abcdef012345678912345678). Nothing
# that could end a line, a quoted text or a tag where the id is shown.
_WELL_FORMED: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._~:/+=@-]{0,127}")


class _Generator(threading.local):
    """Makes ids. Each thread has its own, as has each process that is forked from another."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._next = RequestIdGenerator()

    def __call__(self) -> str:
        if os.getpid() != self._process:
            self._process = os.getpid()
            self._next = RequestIdGenerator()
        return self._next()


class RequestIdMiddleware:
    """ASGI middleware for ``http`` and ``websocket`` scopes. Must see the peer, not whom a proxy speaks of."""

    def __init__(self, app: AnyApplication, *, header: str = "X-Request-ID", trusted: Iterable[str] = ()) -> None:
        """``trusted`` are the members of a `TrustedNetworks` whose ids are taken over when they are well formed: up to
        128 letters, digits and ``._~:/+=@-``.

        Raises:
            ValueError: an option is out of its range.
        """
        settings = RequestIdSettings(request_id_header=header, request_id_trust=tuple(trusted))
        self.app = app
        self._name = settings.request_id_header.lower().encode("ascii")
        self._networks = TrustedNetworks(settings.request_id_trust)
        self._believes = bool(settings.request_id_trust)
        self._make = _Generator()

    @classmethod
    def from_settings(cls, app: AnyApplication, settings: RequestIdSettings) -> RequestIdMiddleware:
        """With the options of the command line."""
        return cls(app, header=settings.request_id_header, trusted=settings.request_id_trust)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Give the request its id, and show it in the response."""
        if scope["type"] != "http" and scope["type"] != "websocket":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        request_id = self._told(scope) if self._believes else None
        if request_id is None:
            request_id = state.get("request_id") or self._make()
        state["request_id"] = request_id
        pair = (self._name, request_id.encode("latin-1"))

        def send_with_id(message: Any) -> Any:
            # No coroutine of its own: what it returns is that of the server's send().
            if message["type"] in _HEADS:
                headers = [one for one in message.get("headers", ()) if bytes(one[0]).lower() != pair[0]]
                message = {**message, "headers": [*headers, pair]}
            return send(message)

        await self.app(scope, receive, send_with_id)

    def _told(self, scope: Any) -> str | None:
        """The id that the request has brought; None when there is none, more than one, or an odd one."""
        values = [value for name, value in scope["headers"] if name == self._name]
        if len(values) != 1 or not _WELL_FORMED.fullmatch(values[0]):
            return None
        client = scope.get("client")
        if not self._networks.trusts_peer(client[0] if client else None):
            return None
        text: str = values[0].decode("ascii")
        return text


_HEADS: Final = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
