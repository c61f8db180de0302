"""A second port, on which plain HTTP is sent to the same place over TLS: a worker of its own, beside all others."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING, Final, cast

from pounce_asgi import ConfigError
from pounce_asgi.settings import ExchangeSettings
from pounce_workers import Worker, bind_tcp_all

from .addresses import places, refusal_in_words
from .features import MIDDLEWARE
from .https_redirect import HttpsRedirect
from .places import TcpPlace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi import ASGI3Application

    from .addresses import Address
    from .config import ServerConfig

__all__ = ["RedirectServer"]

STOP_SECONDS: Final = 5.0
"""For its answers, each of which is a head."""


class RedirectServer:
    """Listens from the beginning, and answers from `start` to `stop`."""

    def __init__(self, config: ServerConfig, addresses: Sequence[Address]) -> None:
        """``addresses`` are those of the server that speaks TLS.

        Raises:
            ConfigError: it listens nowhere that clients reach by host and port.
            BindError: the system refused.
        """
        port = next((one.port for one in addresses if one.port is not None), None)
        hosts = dict.fromkeys(place.host for place in places(config) if isinstance(place, TcpPlace))
        if port is None or not hosts or config.tls.ssl_redirect_port is None:
            raise ConfigError("ssl_redirect_port: there is no host and port to which clients could be sent")
        asked = [TcpPlace(host, config.tls.ssl_redirect_port) for host in hosts]
        with refusal_in_words(*asked):
            sockets = bind_tcp_all(asked, config.worker.backlog)
        serving = dataclasses.replace(config.serving, exchange=ExchangeSettings(lifespan="off"))
        self.port: int = sockets[0].getsockname()[1]
        self._worker = Worker(_application(config, port), sockets, settings=serving)
        self._sockets = sockets
        self._thread = threading.Thread(target=self._worker.run, name="pounce-redirect", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def begin_stop(self) -> None:
        """Accept no more, and end soon: it only ever sends heads, for which nobody has to wait."""
        self._worker.request_stop()
        self._worker.request_stop()

    def stop(self) -> None:
        """Answer no more."""
        if not self._thread.ident:
            for sock in self._sockets:
                sock.close()
            return
        self.begin_stop()
        self._thread.join(STOP_SECONDS)


def _application(config: ServerConfig, port: int) -> ASGI3Application:
    """What answers. Nobody is sent to a host that is not served here: the redirect may be kept in a cache."""
    app = cast("ASGI3Application", HttpsRedirect(port))
    if not getattr(config.hosts, "allowed_hosts", ()):
        return app
    MIDDLEWARE.load("allowed_hosts")
    from pounce_middleware import AllowedHostsMiddleware

    return AllowedHostsMiddleware.from_settings(app, config.hosts)
