"""What makes the engines of a server (``pounce_h3.engines.QuicEngines``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pounce_h3.engine.libraries import default_library
from pounce_h3.engine.quic_engine import QuicEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pounce_asgi import Http3Settings
    from pounce_h3.certificates import QuicCertificates
    from pounce_h3.engine.library import Library
    from pounce_h3.quic import QuicUser
    from pounce_h3.sessions import QuicSessions

__all__ = ["Engines"]


class Engines:
    """Shared by the workers of a server; nothing in it changes, apart from certificates and sessions, which may be
    used by any thread.

    Raises:
        ConfigError: there is no QUIC library, or it cannot use a certificate.
    """

    def __init__(
        self,
        settings: Http3Settings,
        certificates: QuicCertificates,
        sessions: QuicSessions | None = None,
        *,
        library: Library | None = None,
    ) -> None:
        self._settings = settings
        self._certificates = certificates
        self._sessions = sessions
        self._library = library or default_library()

    @property
    def versions(self) -> Sequence[int]:
        """The versions of QUIC that are spoken, the preferred one first."""
        return self._library.versions

    def connect(
        self,
        user: QuicUser,
        *,
        original_destination_id: bytes,
        retry_source_id: bytes | None,
        new_connection_id: Callable[[], bytes],
        reset_token: Callable[[bytes], bytes],
        now: float,
    ) -> QuicEngine:
        """An engine for a client whose very first Initial was for ``original_destination_id``."""
        return QuicEngine(
            user,
            self._settings,
            self._certificates,
            original_destination_id=original_destination_id,
            retry_source_id=retry_source_id,
            new_connection_id=new_connection_id,
            reset_token=reset_token,
            sessions=self._sessions,
            now=now,
            library=self._library,
        )

    def retry(
        self,
        version: int,
        *,
        source_id: bytes,
        destination_id: bytes,
        original_destination_id: bytes,
        token: bytes,
    ) -> bytes:
        """A Retry packet with its integrity tag (RFC 9000, 17.2.5; RFC 9001, 5.8)."""
        return self._library.retry(version, source_id, destination_id, original_destination_id, token)
