"""What is spoken besides HTTP/1.1: what the configuration asks for, as far as it is installed."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import TYPE_CHECKING

from pounce_asgi import ConfigError
from pounce_workers import Protocols

from .features import HTTP2, MIDDLEWARE, WEBSOCKET

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi import Interface, WireHost
    from pounce_workers import Http2Maker, TlsContexts, WebSocketMaker

    from .config import ServerConfig
    from .http3 import Http3Service

__all__ = ["speaks_http2", "spoken_protocols"]


def speaks_http2(config: ServerConfig) -> bool:
    """Whether HTTP/2 is spoken: by ALPN over TLS, by prior knowledge without it, and with ``h2_upgrade`` by that."""
    return config.h2.http2 == "on" or (config.h2.http2 == "auto" and HTTP2.installed)


def spoken_protocols(
    config: ServerConfig, interface: Interface, tls: TlsContexts | None = None, http3: Http3Service | None = None
) -> Protocols:
    """The makers of the protocols that an application of this kind is served over, all with TLS or all without.

    Raises:
        ConfigError: one that is asked for is not installed, or cannot be imported.
    """
    spoken = Protocols(
        http2=_http2(config) if speaks_http2(config) else None,
        http2_upgrade=config.h2.h2_upgrade,
        http3=http3.endpoints if http3 is not None else None,
        alt_svc=http3.alt_svc if http3 is not None else None,
        tls=tls,
        trusts_proxy=_trusts_proxy(config),
        handshake_timeout=config.tls.ssl_handshake_timeout,
    )
    if interface.blocking or config.websocket.ws == "none":
        return spoken  # a handshake is an ordinary request then
    if config.websocket.ws == "wsproto" or WEBSOCKET.installed:
        return dataclasses.replace(spoken, websocket=_websocket(config))
    return dataclasses.replace(spoken, websocket_missing=f"WebSockets need a package: {WEBSOCKET.how_to_install}")


def _websocket(config: ServerConfig) -> Callable[[WireHost], WebSocketMaker]:
    WEBSOCKET.load("ws wsproto")
    from pounce_websocket import WebSocketWire

    return partial(WebSocketWire, settings=config.websocket)


def _http2(config: ServerConfig) -> Callable[[WireHost, WebSocketMaker | None], Http2Maker]:
    HTTP2.load("http2 on")
    from pounce_h2 import Http2Wire

    def make(host: WireHost, websockets: WebSocketMaker | None) -> Http2Maker:
        return Http2Wire(host, config.h2, websockets)

    return make


def _trusts_proxy(config: ServerConfig) -> Callable[[str | None], bool] | None:
    """Whose PROXY headers count, where connections begin with one."""
    if not config.proxy_protocol:
        return None
    MIDDLEWARE.load("proxy_protocol")
    from pounce_middleware import TrustedNetworks

    try:
        networks = TrustedNetworks(config.proxy_allow_ips)
    except ValueError as error:
        raise ConfigError(f"proxy_allow_ips: {error}") from None
    return networks.trusts_peer
