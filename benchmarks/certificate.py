"""A certificate for the time of a measurement: for localhost, signed by itself, on the curve that most sites use."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from benchmarks.servers import HOST, find_program

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["CertificateError", "CertificateFiles", "can_make_certificates", "make_certificate"]

OPENSSL_SECONDS: Final = 30
DAYS: Final = 2
"""Longer than any run, across midnight too."""


class CertificateError(Exception):
    """No certificate could be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFiles:
    """Where a certificate and its key are; both are PEM, the key is PKCS #8, which granian insists on."""

    certificate: Path
    key: Path


def can_make_certificates() -> bool:
    """Whether this machine has one of the two that can: the program openssl, or trustme."""
    return find_program("openssl") is not None or importlib.util.find_spec("trustme") is not None


def make_certificate(folder: Path) -> CertificateFiles:
    """Write a new key and its certificate (P-256, ECDSA) into a folder.

    Raises:
        CertificateError: there is nothing to make them with, or it failed.
    """
    files = CertificateFiles(certificate=folder / "certificate.pem", key=folder / "key.pem")
    if openssl := find_program("openssl"):
        _by_openssl(openssl, files)
    else:
        _by_trustme(files)
    return files


def _by_openssl(openssl: str, files: CertificateFiles) -> None:
    command = [
        *[openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"],
        *["-days", str(DAYS), "-subj", "/CN=localhost", "-addext", f"subjectAltName=DNS:localhost,IP:{HOST}"],
        *["-keyout", str(files.key), "-out", str(files.certificate)],
    ]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=OPENSSL_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CertificateError(f"openssl made no certificate: {error}") from error
    if done.returncode != 0:
        raise CertificateError(f"openssl made no certificate: {done.stderr.strip()[-200:]}")


def _by_trustme(files: CertificateFiles) -> None:
    try:
        # By name: neither is something that this project depends on.
        trustme: Any = importlib.import_module("trustme")
        serialization: Any = importlib.import_module("cryptography.hazmat.primitives.serialization")
    except ImportError as error:
        raise CertificateError("no certificate can be made: there is neither openssl nor trustme") from error
    kind = trustme.KeyType.ECDSA
    made = trustme.CA(key_type=kind).issue_cert("localhost", HOST, key_type=kind)
    key = serialization.load_pem_private_key(made.private_key_pem.bytes(), password=None)
    pkcs8, bare = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    files.key.write_bytes(key.private_bytes(serialization.Encoding.PEM, pkcs8, bare))
    # The leaf alone, as openssl makes it: a chain would be more bytes in each handshake.
    files.certificate.write_bytes(made.cert_chain_pems[0].bytes())
