"""The ASGI request engine behind Pounce: scopes, HTTP exchanges, lifespan and lifecycle events, without sockets."""

from __future__ import annotations

from pounce_asgi.contracts import BodyFraming, ConnectionProtocol, HeaderPair, RequestHead, ResponseSink, Transport
from pounce_asgi.error_response import send_error_response
from pounce_asgi.exchange_context import ExchangeContext, Peer
from pounce_asgi.http_exchange import HttpExchange
from pounce_asgi.scope import HTTP_EXTENSIONS, build_http_scope
from pounce_asgi.settings import ExchangeSettings

__all__ = [
    "HTTP_EXTENSIONS",
    "BodyFraming",
    "ConnectionProtocol",
    "ExchangeContext",
    "ExchangeSettings",
    "HeaderPair",
    "HttpExchange",
    "Peer",
    "RequestHead",
    "ResponseSink",
    "Transport",
    "build_http_scope",
    "send_error_response",
]
