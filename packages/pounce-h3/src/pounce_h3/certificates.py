"""The server's certificates, as QUIC connections use them: read once, chosen by name, replaced as a whole."""

from __future__ import annotations

import re
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from pounce_asgi import ConfigError
from pounce_h3.engine.libraries import default_library

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pounce_h3.engine.library import Library

__all__ = ["CertificateFiles", "Identity", "QuicCertificates"]

_CERTIFICATE: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----\r?\n?", re.DOTALL)
_KEY: Final = re.compile(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.+?-----END \1PRIVATE KEY-----\r?\n?", re.DOTALL)


class CertificateFiles(Protocol):
    """Where one certificate and its key are, in PEM form."""

    @property
    def certfile(self) -> str:
        """The server's own certificate first, those between it and the root after it."""

    @property
    def keyfile(self) -> str | None:
        """Without it the key is in ``certfile``."""

    @property
    def keyfile_password(self) -> str | None: ...

    @property
    def names(self) -> Sequence[str]:
        """Server names for which it is used, also ``*.example.org``; without them those inside it."""


class Identity(NamedTuple):
    """What a server shows of itself, read and found to belong together."""

    chain: tuple[bytes, ...]
    """PEM, the server's own certificate first."""
    key: bytes
    """PEM, perhaps encrypted."""
    password: str | None

    @property
    def certificate(self) -> str:
        """The server's own, as PEM, for the scope of applications."""
        return self.chain[0].decode("ascii").replace("\r\n", "\n")


class _Choice(NamedTuple):
    """What connections that begin now use."""

    first: Identity
    names: Mapping[str, Identity]
    """Empty if there is one certificate only."""


class QuicCertificates:
    """One for the whole server. Connections ask it when they begin, so that those after a change use the new ones.

    ``prepare()`` is for one thread at a time; ``choose`` for any, as it reads one attribute once.

    Raises:
        ConfigError: a file is not there, holds no certificate or no key, its password is wrong, or they do not belong
            together, or the QUIC library cannot use them; the message says which.
    """

    def __init__(self, certificates: Sequence[CertificateFiles], *, library: Library | None = None) -> None:
        if not certificates:
            raise ConfigError("HTTP/3 is always encrypted and needs a certificate; give its file and that of its key")
        self._files = tuple(certificates)
        self._library = library or default_library()
        self._now: _Choice
        self.prepare()()

    def prepare(self) -> Callable[[], None]:
        """Read all files anew. What is returned puts them into use, for the connections that come after.

        Raises:
            ConfigError: something is wrong with them, and those of before stay in use.
        """
        choice = self._read_all()

        def use() -> None:
            self._now = choice

        return use

    @property
    def first(self) -> Identity:
        """For clients that ask for no name, or for one that nobody has."""
        return self._now.first

    @property
    def has_choice(self) -> bool:
        """Whether the name that a client asks for matters at all."""
        return bool(self._now.names)

    def choose(self, name: str) -> Identity:
        """The one for the name that a client asks for: the exact name first, then the wildcard for one label."""
        first, names = self._now
        name = name.lower().removesuffix(".")
        return names.get(name) or names.get("*." + name.partition(".")[2]) or first

    def _read_all(self) -> _Choice:
        identities = [_read(files) for files in self._files]
        names: dict[str, Identity] = {}
        for files, identity in zip(self._files, identities, strict=True):
            try:
                inside = self._library.names(identity)
            except ValueError as error:
                raise ConfigError(
                    f"{self._library.name} cannot use the certificate in {files.certfile} with the key in"
                    f" {files.keyfile or files.certfile}: {error}"
                ) from error
            for name in files.names or inside:
                names.setdefault(name.lower().removesuffix("."), identity)
        return _Choice(identities[0], names if len(identities) > 1 else {})


def _read(files: CertificateFiles) -> Identity:
    chain = tuple(_CERTIFICATE.findall(_contents(files.certfile, "certificate")))
    if not chain:
        raise ConfigError(f"{files.certfile} holds no certificate in PEM form")
    keyfile = files.keyfile or files.certfile
    key = _KEY.search(_contents(keyfile, "key"))
    if key is None:
        raise ConfigError(f"{keyfile} holds no private key in PEM form")
    _check(files, keyfile, encrypted=b"ENCRYPTED" in key[0])
    return Identity(chain=chain, key=key[0], password=files.keyfile_password)


def _contents(path: str, what: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise ConfigError(f"the {what} cannot be read from {path}: {error.strerror}") from error


def _check(files: CertificateFiles, keyfile: str, *, encrypted: bool) -> None:
    """Let OpenSSL say what it thinks of them, as it does for TLS over TCP."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    password = files.keyfile_password or ""  # without one OpenSSL would ask at the terminal
    try:
        context.load_cert_chain(files.certfile, files.keyfile, password=lambda: password)
    except ssl.SSLError as error:
        raise ConfigError(_reason(error, files, keyfile, encrypted)) from error
    except ValueError as error:  # a password that OpenSSL cannot take
        raise ConfigError(f"the key in {keyfile} cannot be decrypted: {error}") from error


def _reason(error: ssl.SSLError, files: CertificateFiles, keyfile: str, encrypted: bool) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"the key in {keyfile} is not the one of the certificate in {files.certfile}"
    if encrypted:  # OpenSSL has many words for it, and sometimes none
        wrong = "its password is wrong" if files.keyfile_password else "it needs a password"
        return f"the key in {keyfile} cannot be decrypted: {wrong}"
    return f"the certificate in {files.certfile} with the key in {keyfile} cannot be used: {error.reason or error}"
