"""What an application learns about the TLS of its connection (ASGI TLS extension 0.2)."""

from __future__ import annotations

import ssl
import sys
from typing import TYPE_CHECKING, Final

from pounce_workers.net.certificate import read_subject
from pounce_workers.net.tls_context import ServerContext

if TYPE_CHECKING:
    from pounce_asgi import TLSExtension

__all__ = ["tls_extension"]

_VERSIONS: Final = {"TLSv1.2": 0x0303, "TLSv1.3": 0x0304}

_DER: Final = 2
"""X509_FILETYPE_ASN1, for Python below 3.13."""


def tls_extension(connection: ssl.SSLObject | ssl.SSLSocket) -> TLSExtension:
    """Describe a connection after its handshake. Call it once for each and keep the result: nothing of it changes, and
    copies of the dictionary may share what is in it.

    ``client_cert_error`` is always None, because a handshake with a client certificate that does not hold fails.
    """
    context = connection.context
    ours = context if isinstance(context, ServerContext) else None  # it is the one that the client's name led to
    suite = connection.cipher()
    leaf = connection.getpeercert(binary_form=True)
    return {
        "server_cert": ours.server_cert if ours else None,
        "client_cert_chain": _client_chain(connection, leaf) if leaf else (),
        "client_cert_name": _name(leaf) if leaf else None,
        "client_cert_error": None,
        "tls_version": _VERSIONS.get(connection.version() or ""),
        "cipher_suite": ours.cipher_suites.get(suite[0]) if ours and suite else None,
    }


def _name(leaf: bytes) -> str | None:
    try:
        return read_subject(leaf)
    except ValueError:  # OpenSSL took it, and the certificate is there for the application to read
        return None


def _client_chain(connection: ssl.SSLObject | ssl.SSLSocket, leaf: bytes) -> tuple[str, ...]:
    """The client's certificate and those that it sent with it and that lead on from there, each signing the one before.

    What the client sent may hold anything beside them; what was verified also has the authority from our own file. So
    it is what both have. A resumed session remembers the client's own certificate alone.
    """
    sent, verified = _chains(connection)
    issuers = [one for one in verified[1:] if one in sent]
    return tuple(ssl.DER_cert_to_PEM_cert(one) for one in (leaf, *issuers))


if sys.version_info >= (3, 13):

    def _chains(connection: ssl.SSLObject | ssl.SSLSocket) -> tuple[list[bytes], list[bytes]]:
        """What the client sent, and what was verified, as DER; both empty when the session was resumed."""
        return connection.get_unverified_chain() or [], connection.get_verified_chain() or []

else:

    def _chains(connection: ssl.SSLObject | ssl.SSLSocket) -> tuple[list[bytes], list[bytes]]:
        """What the client sent, and what was verified, as DER; both empty when the session was resumed."""
        # The public methods came with 3.13; 3.10 to 3.12, in which nothing moves any more, have them inside.
        inner = connection._sslobj  # type: ignore[union-attr]
        chains = (inner.get_unverified_chain() or (), inner.get_verified_chain() or ())
        sent, verified = ([one.public_bytes(_DER) for one in chain] for chain in chains)
        return sent, verified
