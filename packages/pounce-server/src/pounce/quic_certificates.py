"""Certificates for HTTP/3, where that is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .features import HTTP3

if TYPE_CHECKING:
    from .config import ServerConfig

__all__ = ["quic_certificates"]


def quic_certificates(config: ServerConfig) -> Any:
    """The certificates as QUIC has them; None where HTTP/3 is off.

    Raises:
        ConfigError: the extra is missing, or a file is not good for QUIC.
    """
    if not config.quic_bind:
        return None
    HTTP3.load("quic_bind")
    from pounce_h3 import QuicCertificates

    return QuicCertificates(config.tls.certificates)
