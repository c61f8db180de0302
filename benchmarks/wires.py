"""What a request travels on: HTTP/1.1, HTTP/2, HTTP/3 or a WebSocket, with TLS or without."""

from __future__ import annotations

import enum

__all__ = ["Wire"]


class Wire(enum.Enum):
    """A protocol between the load generator and a server."""

    HTTP = "HTTP/1.1"
    TLS = "HTTP/1.1 over TLS"
    WEBSOCKET = "WebSocket"
    H2C = "HTTP/2 without TLS, by prior knowledge"
    """RFC 9113, 3.3."""
    H2 = "HTTP/2 over TLS, by ALPN"
    """RFC 9113, 3.2."""
    H3 = "HTTP/3"
    """RFC 9114: over QUIC, and so always with TLS."""

    @property
    def secure(self) -> bool:
        return self in (Wire.TLS, Wire.H2, Wire.H3)

    @property
    def http2(self) -> bool:
        return self in (Wire.H2C, Wire.H2)

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return "https" if self.secure else "http"
