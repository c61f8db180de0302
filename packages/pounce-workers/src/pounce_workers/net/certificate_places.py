"""Where certificates and keys are read: in their files, or for a while in memory.

OpenSSL, as Python gives it to us, takes keys from files only. So what is to be read instead of a file is put into one
that is in no file system (memfd_create(2)), which no other process is given and nothing outlives.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pounce_workers.tls_settings import TlsSettings

__all__ = ["CertificatePlaces"]


class CertificatePlaces:
    """Used by one thread as long as anything is in memory, afterwards by any: then every path is its own place."""

    def __init__(self) -> None:
        self._places: Mapping[str, str] = {}

    def of(self, path: str) -> str:
        """The path at which what belongs to this one is read now."""
        return self._places.get(path, path)

    def settings(self, settings: TlsSettings) -> TlsSettings:
        """The same settings, with the paths at which all is read now."""
        if not self._places:
            return settings
        return dataclasses.replace(
            settings,
            ssl_certfile=self._maybe(settings.ssl_certfile),
            ssl_keyfile=self._maybe(settings.ssl_keyfile),
            ssl_ca_certs=self._maybe(settings.ssl_ca_certs),
            ssl_certificate=tuple(
                dataclasses.replace(one, certfile=self.of(one.certfile), keyfile=self._maybe(one.keyfile))
                for one in settings.ssl_certificate
            ),
        )

    @contextlib.contextmanager
    def in_memory(self, contents: Mapping[str, bytes]) -> Iterator[None]:
        """Read these bytes instead of the files at their paths.

        Raises:
            OSError: that cannot be had; only Linux has it.
        """
        if sys.platform != "linux" or not hasattr(os, "memfd_create"):
            raise OSError(errno.ENOSYS, "there are no files in memory here")
        with contextlib.ExitStack() as stack:
            places = {}
            for path, content in contents.items():
                # Closed in programs that are started meanwhile, by default.
                file = stack.enter_context(os.fdopen(os.memfd_create("pounce-certificate"), "wb"))
                file.write(content)
                file.flush()
                places[path] = f"/proc/self/fd/{file.fileno()}"  # opened anew by each reader, from its beginning
            self._places = places
            try:
                yield
            finally:
                self._places = {}

    def _maybe(self, path: str | None) -> str | None:
        return self.of(path) if path is not None else None
