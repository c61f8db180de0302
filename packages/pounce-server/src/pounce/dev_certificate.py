"""A certificate for development: ``pounce tls dev-cert``.

It is signed by itself and no authority: whoever trusts it trusts this one server, and somebody who steals its key can
make no further certificates with it.
"""

from __future__ import annotations

import datetime
import ipaddress
import os
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pounce_asgi import ConfigError
from pounce_workers.net.server_names import normal_name

from .features import CRYPTOGRAPHY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["DevCertificate", "make_dev_certificate"]

LOCAL_NAMES: Final = ("localhost", "127.0.0.1", "::1")
LIFETIME: Final = datetime.timedelta(days=365)
"""Clients of Apple take no more than 825 days."""
CLOCKS_DIFFER: Final = datetime.timedelta(hours=1)
"""How much earlier the certificate begins: the clock of a telephone, a virtual machine or time() may be behind ours."""

CERT_FILE: Final = "dev-cert.pem"
KEY_FILE: Final = "dev-key.pem"


@dataclass(frozen=True, slots=True, kw_only=True)
class DevCertificate:
    """What was made."""

    certfile: Path
    keyfile: Path
    names: tuple[str, ...]
    expires: datetime.datetime

    def words(self) -> str:
        """What it is, and how to use it."""
        cert, key = shlex.quote(str(self.certfile)), shlex.quote(str(self.keyfile))
        return "\n".join(
            (
                f"Made {self.certfile} and {self.keyfile}, for development only.",
                f"For {', '.join(self.names)}; until {self.expires:%Y-%m-%d}.",
                "",
                f"Serve with: pounce main:app --ssl-certfile {cert} --ssl-keyfile {key}",
                f"Try with:   curl --cacert {cert} https://localhost:8000/",
            )
        )


def make_dev_certificate(folder: Path, names: Iterable[str] = (), *, force: bool = False) -> DevCertificate:
    """Make a key and a certificate for this machine, and for further names or addresses, and write both to a folder.

    Only the user may read the key. Files that are there are overwritten with ``force`` only.

    Raises:
        ConfigError: a name is none, a file is there, the folder cannot be written, or ``cryptography`` is missing.
    """
    CRYPTOGRAPHY.load("tls dev-cert")
    every = tuple(dict.fromkeys((*LOCAL_NAMES, *map(_name, names))))
    certfile, keyfile = folder / CERT_FILE, folder / KEY_FILE
    there = [str(path) for path in (certfile, keyfile) if os.path.lexists(path)]
    if there and not force:
        raise ConfigError(f"{' and '.join(there)} will not be overwritten; give --force, or another folder as --out")
    begin = datetime.datetime.now(datetime.UTC).replace(microsecond=0) - CLOCKS_DIFFER
    certificate, key = _make(every, begin, begin + LIFETIME)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(keyfile, key, 0o600)
        _write(certfile, certificate, 0o644)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}; give another folder as --out") from None
    return DevCertificate(certfile=certfile, keyfile=keyfile, names=every, expires=begin + LIFETIME)


def _name(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text.strip("[]")))
    except ValueError:
        pass
    try:
        return normal_name(text)
    except ValueError as error:
        raise ConfigError(f"--name: {error}, or an address") from None


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a file that never had other permissions, and put it into place at once; a link there is not followed."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _make(names: tuple[str, ...], begin: datetime.datetime, end: datetime.datetime) -> tuple[bytes, bytes]:
    """A certificate and its key, both as PEM (RFC 5280; what browsers ask for beyond it)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pounce development")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    extensions: tuple[tuple[Any, bool], ...] = (
        (x509.SubjectAlternativeName([_general(name) for name in names]), False),
        (x509.BasicConstraints(ca=False, path_length=None), True),
        (_key_usage(), True),
        (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), False),
        (identifier, False),
        (x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False),
    )
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return (
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


def _general(name: str) -> Any:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _key_usage() -> Any:
    from cryptography import x509

    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
