"""WebSocket connections for ASGI servers, without sockets: RFC 6455, 7692 and 8441."""

from __future__ import annotations

from pounce_websocket.connection import WebSocketConnection
from pounce_websocket.errors import (
    ConversationFailed,
    HandshakeRefused,
    InvalidPayload,
    MessageTooBig,
    ProtocolViolation,
    UnsupportedVersion,
)
from pounce_websocket.extension_offers import DeflateParameters
from pounce_websocket.handshake import Handshake
from pounce_websocket.wire import WebSocketWire

__all__ = [
    "ConversationFailed",
    "DeflateParameters",
    "Handshake",
    "HandshakeRefused",
    "InvalidPayload",
    "MessageTooBig",
    "ProtocolViolation",
    "UnsupportedVersion",
    "WebSocketConnection",
    "WebSocketWire",
]
