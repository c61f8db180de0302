"""HTTP/3 connections over QUIC for ASGI servers (RFC 9114, RFC 9000)."""

from __future__ import annotations

from pounce_h3.certificates import QuicCertificates
from pounce_h3.endpoint import QuicEndpoint
from pounce_h3.engine import Engines, QuicEngine
from pounce_h3.engines import QuicEngines
from pounce_h3.keys import QuicKeys
from pounce_h3.quic import Address, ConnectionEnd, Quic, QuicUser
from pounce_h3.sessions import QuicSessions

__all__ = [
    "Address",
    "ConnectionEnd",
    "Engines",
    "Quic",
    "QuicCertificates",
    "QuicEndpoint",
    "QuicEngine",
    "QuicEngines",
    "QuicKeys",
    "QuicSessions",
    "QuicUser",
]
