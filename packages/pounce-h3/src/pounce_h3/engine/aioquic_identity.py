"""Certificates and keys as aioquic wants them."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from aioquic.tls import load_pem_private_key, load_pem_x509_certificates
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

if TYPE_CHECKING:
    from pounce_h3.certificates import Identity

__all__ = ["parsed", "signs"]


@functools.lru_cache(maxsize=64)
def parsed(identity: Identity) -> tuple[Any, list[Any], Any]:
    """The server's own certificate, those after it, and the key.

    Raises:
        ValueError, TypeError: aioquic cannot use them.
    """
    leaf, *rest = load_pem_x509_certificates(b"\n".join(identity.chain))
    encrypted = b"ENCRYPTED" in identity.key
    password = identity.password.encode() if identity.password and encrypted else None
    return leaf, rest, load_pem_private_key(identity.key, password)


def signs(key: object) -> bool:
    """Whether aioquic has a signature for such a key."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1)
    return isinstance(key, rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
