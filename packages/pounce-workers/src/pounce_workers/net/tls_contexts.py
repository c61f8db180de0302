"""The contexts that are in use, and how they are replaced while the server runs."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pounce_asgi import ConfigError
from pounce_workers.net.certificate_places import CertificatePlaces
from pounce_workers.net.expiries import Expiries
from pounce_workers.net.file_signature import FileSignature, file_signature
from pounce_workers.net.tls_context import KEY_LOG_VARIABLE, ServerContext, build_contexts, key_log_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pounce_workers.tls_settings import TlsSettings

__all__ = ["TlsContexts"]

TICKET_KEY_LIFETIME: Final = 24 * 3600.0
"""Seconds after which contexts are made anew: the keys of their session tickets, with which recorded connections could
be read, are gone then (RFC 5077, 5.5; RFC 8446, 8.1)."""

logger = logging.getLogger("pounce.tls")


class TlsContexts:
    """The contexts of a server. Any thread may read ``current`` and call the methods; a lock keeps those apart."""

    current: ServerContext
    """For connections that begin now. Read it for each, and keep it no longer."""

    def __init__(
        self,
        settings: TlsSettings,
        alpn: Sequence[str],
        *,
        announce: bool = True,
        clock: Callable[[], float] = time.time,
        beside: Callable[[], Callable[[], None]] | None = None,
        places: CertificatePlaces | None = None,
        failed: FileSignature | None = None,
    ) -> None:
        """``alpn`` are protocols for RFC 7301, the preferred one first.

        ``beside`` reads the same files for another use of them, each time that they are read here, and returns what
        puts them into that use. Where it raises ConfigError they are not good here either.

        ``announce`` logs what is odd about certificates, such as one that has expired: in one of several processes.
        ``clock`` gives seconds since 1970.

        ``failed`` is what the files were like when they were found not to be good, where ``places`` has others now: it
        has been reported, and they are read again when they have changed.

        Raises:
            ConfigError: a file or a setting is wrong; the message says which, what is wrong and what to do.
        """
        self._settings = settings
        self._alpn = tuple(alpn)
        self._announce = announce
        self._clock = clock
        self._beside = beside
        self._lock = threading.Lock()
        self._places = places or CertificatePlaces()
        self._paths = settings.files
        self._keeps = False
        self._contents: Mapping[str, bytes] | None = None
        self._missed = False
        """The files have failed since they were last good."""
        self._told: FileSignature | None = None
        """The files that have been reported as not good."""
        self._take(failed or file_signature(self._paths))
        self._told = failed
        if announce and settings.ssl_ca_certs and settings.ssl_cert_reqs == "none":
            logger.warning("no client is asked for a certificate: ssl_ca_certs is given, but ssl_cert_reqs is none")
        if announce and (path := key_log_path()):
            logger.warning("whoever reads %s can read all connections (%s)", path, KEY_LOG_VARIABLE)

    @property
    def contents(self) -> Mapping[str, bytes] | None:
        """What is in use, keys too, by the paths of its files; None if it is not kept. Replaced as a whole."""
        return self._contents

    def keep_contents(self) -> None:
        """Keep from now on what is in the files when they are good, for `contents`: for processes that begin when they
        are not.
        """
        with self._lock:
            self._keeps = True
            self._keep(self._seen)

    def reload(self) -> bool:
        """Read everything again, and use it if all of it is good. Otherwise the old is kept, and an error logged."""
        with self._lock:
            seen = file_signature(self._paths)
            try:
                self._take(seen)
            except ConfigError as error:
                self._tell(seen, error)
                return False
            logger.info("certificates were read again: %s", self._words())
            return True

    def look(self) -> bool:
        """Read everything again if a file has changed; returns whether new contexts are in use. For a regular look.

        Files that are not good are an error once for each change of theirs, and the first time only when they are
        still so at the next look: they may be half written, and certificate and key are two files.
        """
        with self._lock:
            seen = file_signature(self._paths)
            fresh = self._clock() - self._born < TICKET_KEY_LIFETIME
            if seen == self._told or (seen == self._seen and fresh):
                self._warn_of_expiry()
                return False
            changed = seen != self._seen
            try:
                self._take(seen)
            except ConfigError as error:
                if self._missed:
                    self._tell(seen, error)
                self._missed = True
                return False
            if changed:
                logger.info("certificates have changed and are in use: %s", self._words())
            return True

    def _take(self, seen: FileSignature) -> None:
        """Build and switch. The signature is from before, so that a change in between is found by the next look."""
        contexts, warnings = build_contexts(self._places.settings(self._settings), self._alpn)
        if self._beside is not None:
            self._beside()()
        self._contexts = contexts
        self.current = contexts[0]
        self._seen, self._told, self._missed = seen, None, False
        self._born = self._clock()
        self._keep(seen)
        self._expiries = Expiries(one.certificate for one in contexts)
        for warning in warnings if self._announce else ():
            logger.warning("%s", warning)
        self._warn_of_expiry()

    def _keep(self, seen: FileSignature) -> None:
        """Keep what is in the files, if they still are those that were found good. Else the next look comes here."""
        if not self._keeps:
            return
        try:
            contents = {path: Path(path).read_bytes() for path in self._paths}
        except OSError:
            return
        if file_signature(self._paths) == seen:
            self._contents = contents

    def _tell(self, seen: FileSignature, error: ConfigError) -> None:
        self._missed, self._told = True, seen
        logger.error("new certificates are not used, the old ones stay: %s", error)

    def _words(self) -> str:
        return "; ".join(
            f"{one.certificate.names} until {one.certificate.not_after:%Y-%m-%d}" for one in self._contexts
        )

    def _warn_of_expiry(self) -> None:
        """Say of each certificate that it has expired: at once, or when a look finds it so."""
        for certificate in self._expiries.passed(self._clock()) if self._announce else ():
            logger.warning(
                "the certificate for %s expired at %s: clients refuse it; put a new one in its place",
                certificate.names,
                f"{certificate.not_after:%Y-%m-%d %H:%M} UTC",
            )
