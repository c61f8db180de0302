"""TLS on a connection that was accepted: which of the two engines is to carry it."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Final, cast

from pounce_workers.net.ktls_socket import KtlsSocket
from pounce_workers.net.tls_extension import tls_extension
from pounce_workers.net.tls_socket import TlsSocket

if TYPE_CHECKING:
    import socket

    from pounce_asgi import TLSExtension

__all__ = ["is_tls", "tls_extension_of", "wrap_tls"]

_ENABLE_KTLS: Final[int] = getattr(ssl, "OP_ENABLE_KTLS", 1 << 3) if ssl.OPENSSL_VERSION_INFO >= (3,) else 0
"""Python has a name for it since 3.12; the number is that of OpenSSL 3."""


def wrap_tls(sock: socket.socket, context: ssl.SSLContext) -> socket.socket:
    """The server's side of TLS on a connected non-blocking socket. One that comes from another worker, with its
    handshake done or not, goes on as it is.

    The result has of a socket what transports use, and no more; its handshake goes on with each ``recv``.
    """
    if is_tls(sock):
        return sock
    engine = KtlsSocket if context.options & _ENABLE_KTLS else TlsSocket
    return cast("socket.socket", engine(sock, context))


def tls_extension_of(sock: object) -> TLSExtension | None:
    """What an application learns about the TLS of a connection whose handshake is done; None for another one."""
    connection = sock.ssl_object if isinstance(sock, (TlsSocket, KtlsSocket)) else None
    return tls_extension(connection) if connection is not None else None


def is_tls(sock: object) -> bool:
    """Whether it is one of ours."""
    return isinstance(sock, (TlsSocket, KtlsSocket))
