"""Looks from time to time whether certificates have changed."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pounce_workers.net.tls_contexts import TlsContexts

__all__ = ["CertificateWatch"]

logger = logging.getLogger("pounce.tls")


class CertificateWatch:
    """One thread of a process, from ``start()`` to ``stop()``. A look at files that have not changed reads none."""

    def __init__(self, contexts: TlsContexts, interval: float) -> None:
        """``interval`` is in seconds."""
        self._contexts = contexts
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="pounce-certificates", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float | None = 1.0) -> None:
        """End, and wait for that at most ``timeout`` seconds."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _watch(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                self._contexts.look()
            except Exception:
                logger.exception("certificates could not be looked at; the old ones stay")
