"""Certificates for HTTP/3, where that is on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .features import HTTP3

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_workers import CertificatePlaces, TlsCertificate

    from .config import ServerConfig

__all__ = ["quic_certificates"]


class _PlacedFiles:
    """One certificate of the settings, read where its files are at that time."""

    def __init__(self, certificate: TlsCertificate, places: CertificatePlaces) -> None:
        self._certificate = certificate
        self._places = places

    @property
    def certfile(self) -> str:
        return self._places.of(self._certificate.certfile)

    @property
    def keyfile(self) -> str | None:
        keyfile = self._certificate.keyfile
        return self._places.of(keyfile) if keyfile is not None else None

    @property
    def keyfile_password(self) -> str | None:
        return self._certificate.keyfile_password

    @property
    def names(self) -> Sequence[str]:
        return self._certificate.names


def quic_certificates(config: ServerConfig, places: CertificatePlaces | None = None) -> Any:
    """The certificates as QUIC has them; None where HTTP/3 is off. ``places`` say where they are read, now and later.

    Raises:
        ConfigError: the extra is missing, or a file is not good for QUIC.
    """
    if not config.quic_bind:
        return None
    HTTP3.load("quic_bind")
    from pounce_h3 import QuicCertificates

    if places is None:
        return QuicCertificates(config.tls.certificates)
    return QuicCertificates([_PlacedFiles(one, places) for one in config.tls.certificates])
