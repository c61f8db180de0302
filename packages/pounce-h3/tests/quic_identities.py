"""Certificates for the tests of QUIC, made on the spot."""

from __future__ import annotations

import datetime
import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

__all__ = ["Files", "make_key", "write_identity"]


@dataclass(frozen=True)
class Files:
    """What the settings of TLS have for a certificate."""

    certfile: str
    keyfile: str | None = None
    keyfile_password: str | None = None
    names: Sequence[str] = ()


@functools.cache
def make_key(kind: str = "p256", number: int = 0) -> Any:
    if kind == "rsa":
        return rsa.generate_private_key(65537, 2048)
    curves: dict[str, ec.EllipticCurve] = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    return ec.generate_private_key(curves[kind])


def write_identity(
    folder: Path,
    name: str = "one",
    *names: str,
    kind: str = "p256",
    number: int = 0,
    password: str | None = None,
    together: bool = False,
    traditional: bool = False,
) -> Files:
    """A certificate for these names, signed by itself, and its key; ``together`` in one file."""
    key = make_key(kind, number)
    names = names or ("localhost",)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in names]), critical=False)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    form = serialization.PrivateFormat.TraditionalOpenSSL if traditional else serialization.PrivateFormat.PKCS8
    encryption = serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    cert_pem, key_pem = certificate.public_bytes(encoding), key.private_bytes(encoding, form, encryption)
    certfile, keyfile = folder / f"{name}.crt", folder / f"{name}.key"
    certfile.write_bytes(cert_pem + key_pem if together else cert_pem)
    if not together:
        keyfile.write_bytes(key_pem)
    return Files(str(certfile), None if together else str(keyfile), password)
