"""Reads certificates and keys from files, and says what is wrong with them in words for the person who can mend it.

OpenSSL says "PEM lib" for most of what goes wrong, so the files are looked at first. Nothing of a key, and no password,
is ever part of a message.
"""

from __future__ import annotations

import re
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pounce_asgi import ConfigError
from pounce_workers.net.certificate import Certificate, read_certificate
from pounce_workers.net.der import first_element

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_workers.tls_settings import TlsCertificate

__all__ = ["CertificateFiles", "load_authorities", "load_certificate"]

LARGEST: Final = 16 * 2**20
"""Bytes of a file of certificates: a hundred times what the web's authorities take. More is something else."""

# RFC 7468, 5.1: "X509 CERTIFICATE" is an old label. OpenSSL's own TRUSTED one has more behind the certificate.
_CERTIFICATE: Final = re.compile(
    rb"-----BEGIN (?:X509 |TRUSTED )?CERTIFICATE-----(.*?)(-----END (?:X509 |TRUSTED )?CERTIFICATE-----|\Z)", re.DOTALL
)
_PRIVATE_KEY: Final = re.compile(rb"-----BEGIN (?:[A-Z0-9]+ )?PRIVATE KEY-----")
_ENCRYPTED: Final = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED", re.MULTILINE)
_REQUEST: Final = b"CERTIFICATE REQUEST-----"

_MISMATCHES: Final = frozenset({"KEY_VALUES_MISMATCH", "KEY_TYPE_MISMATCH", "NO_CERTIFICATE_ASSIGNED"})
_WEAK: Final = frozenset({"EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"})


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFiles:
    """A certificate of the settings, and what its files are called there."""

    certificate: TlsCertificate
    cert_setting: str
    key_setting: str

    @property
    def key_path(self) -> str:
        """The file that should hold the private key."""
        return self.certificate.keyfile or self.certificate.certfile


class _Password:
    """Answers OpenSSL when it asks for the password, so that it never asks on the terminal."""

    def __init__(self, password: str | None) -> None:
        self._password = password
        self.asked = False

    def __call__(self) -> str:
        self.asked = True
        if not self._password:
            raise _NoPassword
        return self._password


class _NoPassword(Exception):  # noqa: N818 - it says what is missing
    """OpenSSL asked for a password, and there is none."""


def load_certificate(context: ssl.SSLContext, files: CertificateFiles) -> Certificate:
    """Load a certificate, its chain and its key into a context, and tell what it says.

    Raises:
        ConfigError: that cannot be done; the message names the file, what is wrong and what to do.
    """
    cert_path, key_path = files.certificate.certfile, files.key_path
    certificate = _first_certificate(files.cert_setting, cert_path)
    _require_key(files)
    password = _Password(files.certificate.keyfile_password)
    try:
        context.load_cert_chain(cert_path, key_path, password)
    except _NoPassword:
        raise ConfigError(
            f"{files.key_setting}: the private key in {key_path} is encrypted, and no password is given; set"
            " ssl_keyfile_password, or decrypt the key"
        ) from None
    except (OSError, ValueError) as error:  # SSLError is an OSError; a password of over 1024 bytes a ValueError
        raise ConfigError(_refusal(files, error, asked=password.asked)) from None
    return certificate


def load_authorities(context: ssl.SSLContext, setting: str, path: str) -> None:
    """Trust those whose certificates are in a file to issue certificates of clients.

    Raises:
        ConfigError: that cannot be done.
    """
    _first_certificate(setting, path)
    try:
        context.load_verify_locations(path)
    except OSError as error:
        raise ConfigError(f"{setting}: {path} is damaged: {_words(error)}; fetch it again") from None


def _read(setting: str, path: str) -> bytes:
    """The content of a file; of a real one, because it is read again when it changes."""
    if "\0" in path or not path:
        raise ConfigError(f"{setting}: {path!r} is not the path of a file")
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISDIR(mode):
            raise ConfigError(f"{setting}: {path} is a folder; give the file in it")
        if not stat.S_ISREG(mode):
            raise ConfigError(f"{setting}: {path} is not a file that can be read again later; put it into a file")
        with Path(path).open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError:
        raise ConfigError(
            f"{setting}: {path} is not there; give the path of a file in PEM form, or make a certificate for"
            " development: pounce tls dev-cert"
        ) from None
    except PermissionError as error:
        raise ConfigError(
            f"{setting}: {path} cannot be read: {_words(error)}; let the user that runs the server read it, and enter"
            " the folders above it"
        ) from None
    except OSError as error:
        raise ConfigError(f"{setting}: {path} cannot be read: {_words(error)}") from None
    if len(content) > LARGEST:
        raise ConfigError(f"{setting}: {path} has more than {LARGEST} bytes, so it is something else; give another")
    return content


def _first_certificate(setting: str, path: str) -> Certificate:
    content = _read(setting, path)
    blocks = _CERTIFICATE.findall(content)
    if not blocks:
        raise ConfigError(f"{setting}: {path} {_instead_of_certificate(content)}")
    ders: list[bytes] = []
    try:
        ders.extend(first_element(_der(base64, end)).whole for base64, end in blocks)
        return read_certificate(ders[0])
    except ValueError:
        which = f"certificate {len(ders) + 1} of {len(blocks)}" if len(blocks) > 1 else "the certificate"
        raise ConfigError(f"{setting}: {which} in {path} is damaged or not all there; fetch it again") from None


def _der(base64: bytes, end: bytes) -> bytes:
    if not end:
        raise ValueError("it has no end")
    return ssl.PEM_cert_to_DER_cert(f"{ssl.PEM_HEADER}\n{base64.decode('ascii').strip()}\n{ssl.PEM_FOOTER}")


def _instead_of_certificate(content: bytes) -> str:
    """What a file has that holds no certificate in PEM form, and what helps."""
    if not content.strip():
        return "is empty; put the certificate into it"
    if _REQUEST in content:
        return "holds a request for a certificate; give the certificate that was issued for it"
    if _PRIVATE_KEY.search(content) or _ENCRYPTED.search(content):
        return "holds a private key and no certificate; are certificate and key exchanged?"
    try:
        read_certificate(content)
    except ValueError:
        return "holds no certificate in PEM form ('-----BEGIN CERTIFICATE-----'); give one that does"
    return "is in DER form; make PEM of it: openssl x509 -inform der -in FILE -out FILE.pem"


def _require_key(files: CertificateFiles) -> None:
    content = _read(files.key_setting, files.key_path)
    if _PRIVATE_KEY.search(content):
        return
    if files.certificate.keyfile is None:
        raise ConfigError(
            f"{files.cert_setting}: {files.key_path} holds no private key beside the certificate; give the file of the"
            f" key as well ({files.key_setting})"
        )
    exchanged = "; are certificate and key exchanged?" if _CERTIFICATE.search(content) else ""
    raise ConfigError(
        f"{files.key_setting}: {files.key_path} holds no private key in PEM form ('-----BEGIN PRIVATE KEY-----')"
        f"{exchanged or '; give one that does'}"
    )


def _refusal(files: CertificateFiles, error: Exception, *, asked: bool) -> str:
    """What OpenSSL means."""
    cert_path, key_path = files.certificate.certfile, files.key_path
    reason = getattr(error, "reason", None)
    for reasons, explain in _EXPLAINED:
        if reason in reasons:
            return explain(files, reason)
    if asked:
        return f"{files.key_setting}: the password (ssl_keyfile_password) does not open the private key in {key_path}"
    if isinstance(error, ssl.SSLError) and reason is None:
        return f"{files.key_setting}: the private key in {key_path} is damaged or not all there; fetch it again"
    return f"{files.cert_setting}: {cert_path} with the key in {key_path} cannot be used: {_words(error)}"


def _mismatch(files: CertificateFiles, _: str) -> str:
    return (
        f"{files.key_setting}: the private key in {files.key_path} does not belong to the certificate in"
        f" {files.certificate.certfile}; give the pair, and in the file of certificates the server's own first"
    )


def _weak(files: CertificateFiles, reason: str) -> str:
    return (
        f"{files.cert_setting}: OpenSSL takes {files.certificate.certfile} for too weak ({reason}); make one with a key"
        " of 2048 bits RSA or P-256, signed with SHA-256"
    )


_EXPLAINED: Final[tuple[tuple[frozenset[str], Callable[[CertificateFiles, str], str]], ...]] = (
    (_MISMATCHES, _mismatch),
    (_WEAK, _weak),
)


def _words(error: Exception) -> str:
    return getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
