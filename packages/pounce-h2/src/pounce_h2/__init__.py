"""HTTP/2 connections (RFC 9113) for ASGI servers: bytes in, ASGI exchanges out, whoever runs them."""

from __future__ import annotations

from pounce_asgi.multiplexed import MultiplexedStream as Http2Stream
from pounce_asgi.multiplexed import (
    Priority,
    RequestHead,
    Scheduler,
    WebSocketStream,
    WebSocketWireLike,
    encode_field,
    parse_priority,
)
from pounce_h2.connection import Http2Connection
from pounce_h2.engine import Engine, EngineUser
from pounce_h2.errors import ConnectionFault, Flood, Http2Error, StreamFault
from pounce_h2.wire import Http2Wire

__all__ = [
    "ConnectionFault",
    "Engine",
    "EngineUser",
    "Flood",
    "Http2Connection",
    "Http2Error",
    "Http2Stream",
    "Http2Wire",
    "Priority",
    "RequestHead",
    "Scheduler",
    "StreamFault",
    "WebSocketStream",
    "WebSocketWireLike",
    "encode_field",
    "parse_priority",
]
