"""HTTP/3 connections over QUIC for ASGI servers (RFC 9114, RFC 9000)."""

from __future__ import annotations

from pounce_h3.quic import Address, ConnectionEnd, Quic, QuicUser

__all__ = ["Address", "ConnectionEnd", "Quic", "QuicUser"]
