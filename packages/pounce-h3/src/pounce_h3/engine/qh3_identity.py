"""Certificates and keys as qh3 wants them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from qh3.tls import load_pem_private_key, load_pem_x509_certificates

if TYPE_CHECKING:
    from pounce_h3.certificates import Identity

__all__ = ["parsed"]


@functools.lru_cache(maxsize=64)
def parsed(identity: Identity) -> tuple[Any, list[Any], Any]:
    """The server's own certificate, those after it, and the key.

    Raises:
        ValueError: the key is encrypted and there is nothing to decrypt it with.
        Exception: whatever qh3 raises when it cannot use them.
    """
    chain = b"".join(pem.replace(b"\r\n", b"\n").rstrip() + b"\n" for pem in identity.chain)
    leaf, *rest = load_pem_x509_certificates(chain)
    return leaf, rest, load_pem_private_key(_decrypted(identity))


def _decrypted(identity: Identity) -> bytes:
    """qh3 knows some ways of encryption only, and ends in a panic of its Rust part with others."""
    if b"ENCRYPTED" not in identity.key:
        return identity.key
    try:
        from cryptography.hazmat.primitives import serialization
    except ImportError:
        raise ValueError(
            "the key is encrypted; decrypt it, or install what can: pip install 'pounce-server[tls]'"
        ) from None
    key = serialization.load_pem_private_key(identity.key, (identity.password or "").encode())
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
