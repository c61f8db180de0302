"""HTTP/3 of a server, as its workers are given it: one endpoint for each event loop."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from pounce_asgi.incidents import tell_refused
from pounce_h3.endpoint import QuicEndpoint
from pounce_h3.wire import Http3Wire

if TYPE_CHECKING:
    from pounce_asgi import DatagramLink, Http3Settings, WireHost
    from pounce_h3.engines import QuicEngines
    from pounce_h3.keys import QuicKeys

__all__ = ["Http3Endpoints"]


class Http3Endpoints:
    """A `pounce_asgi.DatagramEndpointMaker`. Immutable: shared by the workers of a server."""

    def __init__(self, settings: Http3Settings, engines: QuicEngines, keys: QuicKeys) -> None:
        self._settings = settings
        self._engines = engines
        self._keys = keys

    def endpoint(self, host: WireHost, websockets: Any, link: DatagramLink) -> QuicEndpoint:
        """The endpoint of one loop. ``websockets``: what makes WebSockets there; None if they are not served."""
        wire = Http3Wire(host, self._settings, websockets)
        refused = partial(tell_refused, wire.context)
        return QuicEndpoint(host, wire, link, self._settings, self._engines, self._keys, refused=refused)
