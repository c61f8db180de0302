"""The contract of what makes engines: the border to the only place that knows a QUIC library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pounce_h3.quic import Quic, QuicUser

__all__ = ["QuicEngines"]


class QuicEngines(Protocol):
    """Makes the engines of a server. Shared by its workers."""

    @property
    def versions(self) -> Sequence[int]:
        """The versions of QUIC that are spoken, the preferred one first."""

    def connect(
        self,
        user: QuicUser,
        *,
        original_destination_id: bytes,
        retry_source_id: bytes | None,
        new_connection_id: Callable[[], bytes],
        reset_token: Callable[[bytes], bytes],
        now: float,
    ) -> Quic:
        """An engine for a client whose very first Initial was for ``original_destination_id``. After a Retry
        ``retry_source_id`` is the ID that this gave the client; its address is proven then.
        """

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
