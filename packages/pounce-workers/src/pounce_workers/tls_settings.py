"""What can be set about TLS. The names are uvicorn's where uvicorn has them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, Literal

__all__ = ["TlsCertificate", "TlsSettings"]

CERT_REQS: Final = ("none", "optional", "required")
MIN_VERSIONS: Final = ("1.2", "1.3")

# The suites of TLS 1.2 that RFC 9113, 9.2.2 does not forbid for HTTP/2: an ephemeral key and AEAD. Clients of the last
# ten years have them. Those of TLS 1.3 are all of this kind and are not chosen here.
CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsCertificate:
    """One certificate with its key.

    Raises:
        ValueError: a name is neither a host name nor a wildcard.
    """

    certfile: str
    """In PEM form, the server's own certificate first."""
    keyfile: str | None = None
    """In PEM form; without it the key is in ``certfile``."""
    keyfile_password: str | None = field(default=None, repr=False)
    names: tuple[str, ...] = ()
    """Server names, ``example.org`` or ``*.example.org``, for which it is used; without them those inside it."""

    def __post_init__(self) -> None:
        if self.names:
            # Here, because all settings are read at every start: what is off is not imported.
            from pounce_workers.net.server_names import normal_name

            object.__setattr__(self, "names", tuple(map(normal_name, self.names)))

    def __str__(self) -> str:
        return f"{self.certfile},{self.keyfile}" if self.keyfile else self.certfile


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsSettings:
    """Certificates, and who may connect how.

    Raises:
        ValueError: a value is out of its range or needs another; the message names the field.
    """

    ssl_certfile: str | None = field(
        default=None,
        metadata={
            "help": "Certificate in PEM form, with those between it and the root after it. With it the server speaks"
            " TLS, and TLS only.",
            "metavar": "FILE",
        },
    )
    ssl_keyfile: str | None = field(
        default=None,
        metadata={"help": "Its private key; without it the key is in the certificate's file.", "metavar": "FILE"},
    )
    ssl_keyfile_password: str | None = field(
        default=None,
        repr=False,
        metadata={
            "help": "Password of encrypted private keys. Better as a variable than as a flag, which all users see.",
            "metavar": "PASSWORD",
            "secret": True,
        },
    )
    ssl_certificate: tuple[TlsCertificate, ...] = field(
        default=(),
        metadata={
            "help": "One more certificate, for clients that ask for its names; may be repeated.",
            "table_key": "tls.certificates",
            "metavar": "CERT[,KEY]",
        },
    )
    ssl_ca_certs: str | None = field(
        default=None,
        metadata={
            "help": "Certificates, in PEM form, of those who may issue clients' certificates.",
            "metavar": "FILE",
        },
    )
    ssl_cert_reqs: Literal["none", "optional", "required"] = field(
        default="none",
        metadata={
            "help": "Whether clients show a certificate; one that does not hold is always refused.",
            "also": {"0": "none", "1": "optional", "2": "required"},  # the numbers of Python's ssl, as uvicorn has it
        },
    )
    ssl_ciphers: str = field(
        default=CIPHERS,
        metadata={
            "help": "Cipher suites for TLS 1.2, as 'openssl ciphers' takes them. Those of TLS 1.3 are always on.",
            "metavar": "SUITES",
        },
    )
    ssl_min_version: Literal["1.2", "1.3"] = field(
        default="1.2", metadata={"help": "The oldest version of TLS that is spoken."}
    )
    ssl_handshake_timeout: float = field(
        default=10.0,
        metadata={"help": "Longest time in all for a handshake.", "unit": "seconds", "minimum": 0.001},
    )
    ssl_redirect_port: int | None = field(
        default=None,
        metadata={
            "help": "Port on which plain HTTP is sent to the same place over TLS (308).",
            "minimum": 0,
            "maximum": 65535,
        },
    )
    ssl_ktls: bool = field(
        default=False,
        metadata={"help": "Let the kernel encrypt, where it and OpenSSL can (Linux)."},
    )
    ssl_reload_interval: float | None = field(
        default=5.0,
        metadata={
            "help": "Time between two looks whether certificates have changed; with none they are read at a SIGHUP"
            " only.",
            "unit": "seconds",
            "minimum": 0.01,
        },
    )

    def __post_init__(self) -> None:
        if self.ssl_cert_reqs not in CERT_REQS:
            raise ValueError(f"ssl_cert_reqs: {self.ssl_cert_reqs!r} is not one of {', '.join(CERT_REQS)}")
        if self.ssl_min_version not in MIN_VERSIONS:
            raise ValueError(f"ssl_min_version: {self.ssl_min_version!r} is not one of {', '.join(MIN_VERSIONS)}")
        if not self.ssl_handshake_timeout >= 0.001:
            raise ValueError(f"ssl_handshake_timeout: {self.ssl_handshake_timeout!r} is below 0.001 seconds")
        if self.ssl_reload_interval is not None and not self.ssl_reload_interval >= 0.01:
            raise ValueError(f"ssl_reload_interval: {self.ssl_reload_interval!r} is below 0.01 seconds")
        if self.ssl_keyfile is not None and self.ssl_certfile is None:
            raise ValueError("ssl_keyfile: a key needs the certificate that it belongs to; give ssl_certfile as well")
        if self.ssl_cert_reqs != "none" and self.ssl_ca_certs is None:
            raise ValueError(
                f"ssl_cert_reqs: {self.ssl_cert_reqs!r} needs ssl_ca_certs, the certificates of those who may issue"
                " clients' certificates"
            )
        if not self.enabled:
            for name in ("ssl_ca_certs", "ssl_redirect_port"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name}: it is for TLS, which needs a certificate; give ssl_certfile as well")

    @property
    def enabled(self) -> bool:
        """Whether TLS is spoken at all."""
        return self.ssl_certfile is not None or bool(self.ssl_certificate)

    @property
    def files(self) -> tuple[str, ...]:
        """The paths of all that is read: certificates, keys, and the authorities of clients' certificates."""
        paths = [path for one in self.certificates for path in (one.certfile, one.keyfile) if path]
        return (*paths, self.ssl_ca_certs) if self.ssl_ca_certs else tuple(paths)

    @property
    def certificates(self) -> tuple[TlsCertificate, ...]:
        """All of them, the default one first: ``ssl_certfile``, or the first of the others without it.

        Those without a password of their own have the common one.
        """
        common = self.ssl_keyfile_password
        own = (
            () if self.ssl_certfile is None else (TlsCertificate(certfile=self.ssl_certfile, keyfile=self.ssl_keyfile),)
        )
        return tuple(
            one if one.keyfile_password else replace(one, keyfile_password=common)
            for one in (*own, *self.ssl_certificate)
        )
