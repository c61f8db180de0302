"""HTTP/3 connections over QUIC for ASGI servers (RFC 9114, RFC 9000)."""

from __future__ import annotations

from pounce_h3.certificates import QuicCertificates
from pounce_h3.connection import Http3Connection
from pounce_h3.endpoint import QuicEndpoint
from pounce_h3.endpoint_maker import Http3Endpoints
from pounce_h3.engine import Engines, QuicEngine
from pounce_h3.engines import QuicEngines
from pounce_h3.errors import ConnectionFault, Flood, Http3Error, StreamFault
from pounce_h3.keys import QuicKeys
from pounce_h3.quic import Address, ConnectionEnd, Quic, QuicUser
from pounce_h3.sessions import QuicSessions
from pounce_h3.stream import Http3Stream
from pounce_h3.wire import Http3Wire

__all__ = [
    "Address",
    "ConnectionEnd",
    "ConnectionFault",
    "Engines",
    "Flood",
    "Http3Connection",
    "Http3Endpoints",
    "Http3Error",
    "Http3Stream",
    "Http3Wire",
    "Quic",
    "QuicCertificates",
    "QuicEndpoint",
    "QuicEngine",
    "QuicEngines",
    "QuicKeys",
    "QuicSessions",
    "QuicUser",
    "StreamFault",
]
