"""What HTTP/3 needs of the rest of a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_asgi import ConfigError

from .places import is_host_and_port

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pounce_workers.tls_settings import TlsSettings

__all__ = ["check_quic"]


def check_quic(places: Iterable[str], tls: TlsSettings) -> None:
    """Find out whether HTTP/3 can be served there.

    Raises:
        ConfigError: it cannot; the message says what is missing.
    """
    for text in places:
        if not is_host_and_port(text):
            raise ConfigError(f"quic_bind: {text!r} is not allowed; HTTP/3 needs HOST:PORT, a port of UDP")
    if not tls.enabled:
        raise ConfigError(
            "quic_bind: HTTP/3 is always encrypted and needs a certificate; give ssl_certfile and ssl_keyfile, or "
            "make one for this machine with: pounce tls dev-cert"
        )
    if tls.ssl_cert_reqs != "none":
        raise ConfigError(
            "quic_bind: clients cannot be asked for certificates over HTTP/3, so whoever has none would come in by "
            "it; set ssl_cert_reqs to none, or leave quic_bind out"
        )
