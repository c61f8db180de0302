"""The certificates of a server: read before anything is bound, and looked after while it serves."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from .protocols import speaks_http2

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_workers import CertificatePlaces, TlsContexts
    from pounce_workers.net.file_signature import FileSignature

    from .config import ServerConfig

__all__ = ["opened_certificates"]


@contextlib.contextmanager
def opened_certificates(
    config: ServerConfig,
    quic: Any = None,
    *,
    announce: bool = True,
    places: CertificatePlaces | None = None,
    failed: FileSignature | None = None,
) -> Iterator[TlsContexts | None]:
    """What TLS connections begin with, or None without TLS. With ``announce`` what is odd about certificates is said.
    ``quic`` are the same certificates as HTTP/3 has them, which are replaced together with these. ``places`` and
    ``failed`` are as `TlsContexts` takes them.

    Raises:
        ConfigError: a file or a setting is wrong; the message says which, and what to do.
    """
    if not config.tls.enabled:
        yield None
        return
    from pounce_workers import CertificateWatch, TlsContexts

    alpn = ("h2", "http/1.1") if speaks_http2(config) else ("http/1.1",)
    beside = quic.prepare if quic is not None else None
    contexts = TlsContexts(config.tls, alpn, announce=announce, beside=beside, places=places, failed=failed)
    interval = config.tls.ssl_reload_interval
    if interval is None:
        yield contexts
        return
    watcher = CertificateWatch(contexts, interval)
    watcher.start()
    try:
        yield contexts
    finally:
        watcher.stop()
