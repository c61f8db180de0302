"""What goes wrong with a TLS connection. To a transport both are errors of the socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl

__all__ = ["HandshakeError", "TlsError", "reason_of"]


class TlsError(ConnectionError):
    """The client broke a rule of TLS, or told us that we did: nothing more can be sent or received."""


class HandshakeError(TlsError):
    """There is no common version or cipher, a certificate is not accepted, or what came is no TLS."""


def reason_of(error: ssl.SSLError) -> str:
    """OpenSSL's reason in words, without its file and line."""
    reason = (error.reason or str(error)).replace("_", " ").lower()
    detail = getattr(error, "verify_message", "")
    return f"{reason}: {detail}" if detail else reason
