"""Which values of Host are served. (Which proxies are trusted is another matter: `ProxyHeadersMiddleware`.)

Whoever serves any Host lets clients decide what the links are that the application makes of it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from pounce_middleware.host_table import HostTable
from pounce_middleware.host_value import parse_host
from pounce_middleware.path_set import PathSet
from pounce_middleware.refusal import refuse
from pounce_middleware.root_path import path_below_root

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_asgi.types import AnyApplication, ASGIReceiveCallable, ASGISendCallable, Scope
    from pounce_middleware.allowed_hosts_settings import AllowedHostsSettings

__all__ = ["AllowedHostsMiddleware"]

MEMO_SIZE: Final = 256
"""Values of Host that are remembered for each thread; only those that are served, so that nobody can fill it."""

BAD_REQUEST: Final = 400
MISDIRECTED: Final = 421


class _Memo(threading.local):
    def __init__(self) -> None:
        self.served: set[bytes] = set()


class AllowedHostsMiddleware:
    """ASGI middleware for ``http`` and ``websocket`` scopes. Must see the Host that trusted proxies tell."""

    def __init__(self, app: AnyApplication, *, allowed_hosts: Iterable[str], exempt_paths: Iterable[str] = ()) -> None:
        """``exempt_paths`` (as in `PathSet`) are served under any Host: probes of health come by address.

        Raises:
            ValueError: one of ``allowed_hosts`` is no host.
        """
        self.app = app
        self._hosts = HostTable(allowed_hosts)
        self._exempt = PathSet(exempt_paths)
        self._memo = _Memo()

    @classmethod
    def from_settings(
        cls, app: AnyApplication, settings: AllowedHostsSettings, *, exempt_paths: Iterable[str] = ()
    ) -> AllowedHostsMiddleware:
        """With the options of the command line."""
        return cls(app, allowed_hosts=settings.allowed_hosts, exempt_paths=exempt_paths)

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Serve the request, or refuse it."""
        if scope["type"] == "http" or scope["type"] == "websocket":
            values = [value for name, value in scope["headers"] if name == b"host"]
            if len(values) != 1 or values[0] not in self._memo.served:
                status = self._refused(scope, values)
                if status:
                    await refuse(scope, receive, send, status, "This host is not served here.")
                    return
        await self.app(scope, receive, send)

    def _refused(self, scope: Any, values: list[bytes]) -> int:
        """The status of the answer; 0 when the request is to be served."""
        if path_below_root(scope) in self._exempt:
            return 0
        # RFC 9112, 3.2: no Host, or more than one, is a bad request.
        host = parse_host(values[0].decode("latin-1")) if len(values) == 1 else None
        if host is None:
            return BAD_REQUEST
        if self._hosts.serves(host.name):
            served = self._memo.served
            if len(served) < MEMO_SIZE:
                served.add(values[0])
            return 0
        # Browsers use one connection for all names of its certificate (RFC 9113, 9.1.1). 421 makes them try the other
        # name on a connection of its own (9.1.2), which may lead to another server; over HTTP/1 nothing would differ.
        return MISDIRECTED if scope["http_version"][:1] in ("2", "3") else BAD_REQUEST
