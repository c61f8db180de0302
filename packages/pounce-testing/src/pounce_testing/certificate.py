"""A certificate for tests, made once in a process and thrown away at its end."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

from pounce.dev_certificate import make_dev_certificate

__all__ = ["ThrowAwayCertificate", "throw_away_certificate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrowAwayCertificate:
    """For ``localhost``, ``127.0.0.1`` and ``::1``."""

    certfile: str
    keyfile: str

    @property
    def settings(self) -> dict[str, str]:
        """For a server."""
        return {"ssl_certfile": self.certfile, "ssl_keyfile": self.keyfile}


_lock = threading.Lock()  # while one thread makes it, others wait for that: functools.cache alone lets each make one


def throw_away_certificate() -> ThrowAwayCertificate:
    """The one of this process.

    Raises:
        ConfigError: ``cryptography`` is not installed (``pip install 'pounce-server[tls]'``).
    """
    with _lock:
        return _made()


@functools.cache
def _made() -> ThrowAwayCertificate:
    folder = Path(tempfile.mkdtemp(prefix="pounce-testing-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    made = make_dev_certificate(folder)
    return ThrowAwayCertificate(certfile=str(made.certfile), keyfile=str(made.keyfile))
