"""The ASGI ``websocket`` scope of a handshake (ASGI HTTP & WebSocket 2.5, WebSocket connection scope)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pounce_asgi.scope import build_http_scope

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_asgi.contracts import RequestHead
    from pounce_asgi.exchange_context import ExchangeContext, Peer

__all__ = ["build_websocket_scope"]

_SCHEMES: Final = {"http": "ws", "https": "wss"}


def build_websocket_scope(
    head: RequestHead, context: ExchangeContext[Any], peer: Peer, subprotocols: Iterable[str]
) -> dict[str, Any]:
    """A fresh scope, with the rules of an HTTP scope for everything that both have.

    ``subprotocols`` are the client's, in its order of preference. Of the extensions there are the denial response and,
    over TLS, ``tls``; those of HTTP responses mean nothing here.
    """
    scope = build_http_scope(head, context, peer)
    del scope["method"]
    scope["type"] = "websocket"
    scope["scheme"] = _SCHEMES.get(peer.scheme, peer.scheme)
    scope["subprotocols"] = [*subprotocols]
    extensions: dict[str, Any] = {"websocket.http.response": {}}
    tls = scope["extensions"].get("tls")
    if tls is not None:
        extensions["tls"] = tls
    scope["extensions"] = extensions
    return scope
