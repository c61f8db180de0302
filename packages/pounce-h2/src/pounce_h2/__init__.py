"""HTTP/2 connections (RFC 9113) for ASGI servers: bytes in, ASGI exchanges out, whoever runs them."""

from __future__ import annotations

from pounce_h2.connection import Http2Connection
from pounce_h2.engine import Engine, EngineUser
from pounce_h2.errors import ConnectionFault, Flood, Http2Error, StreamFault
from pounce_h2.priorities import Priority, parse_priority
from pounce_h2.request_head import RequestHead
from pounce_h2.response_blocks import encode_field
from pounce_h2.scheduler import Scheduler
from pounce_h2.stream import Http2Stream
from pounce_h2.websocket_stream import WebSocketStream
from pounce_h2.wire import Http2Wire, WebSocketWireLike

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
