"""What ``QuicEngine`` wants of a connection of a QUIC library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi import Http3Settings
    from pounce_h3.certificates import Identity, QuicCertificates
    from pounce_h3.engine.connection_ids import ConnectionIds
    from pounce_h3.engine.events import Happened
    from pounce_h3.quic import Address, ConnectionEnd
    from pounce_h3.sessions import QuicSessions

__all__ = ["Library", "LibraryConnection", "NewConnection"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewConnection:
    """What a connection begins with."""

    settings: Http3Settings
    certificates: QuicCertificates
    sessions: QuicSessions | None
    ids: ConnectionIds
    original_destination_id: bytes
    retry_source_id: bytes | None


class LibraryConnection(Protocol):
    """One connection, server's side. Methods that ``Quic`` has as well do what it says there."""

    happened: list[Happened]
    """Taken by the engine after each ``receive()`` and ``expire()``."""
    fell: list[int]
    """Streams whose backlog was asked for, was not 0, and of which bytes have left since; taken by the engine."""
    ended: ConnectionEnd | None
    """Set once, when the connection is lost, whether or not it still answers for a while."""
    identity: Identity

    def receive(self, datagrams: Sequence[bytes], address: Address, now: float) -> None: ...

    def datagrams_to_send(self, now: float) -> Sequence[tuple[bytes, Address]]: ...

    @property
    def timer(self) -> float | None: ...

    def expire(self, now: float) -> None: ...

    @property
    def over(self) -> bool: ...

    @property
    def address(self) -> Address: ...

    @property
    def cipher_suite(self) -> int | None:
        """Its number in the registry of RFC 8446, B.4; None before the handshake."""

    def send(self, stream_id: int, data: bytes, *, end: bool) -> None: ...

    def backlog(self, stream_id: int) -> int: ...

    def open_unidirectional(self) -> int: ...

    def reset(self, stream_id: int, code: int) -> None: ...

    def stop(self, stream_id: int, code: int) -> None: ...

    def credit(self, stream_id: int, size: int) -> None: ...

    def sending(self, stream_id: int) -> bool: ...

    def receiving(self, stream_id: int) -> bool: ...

    def update_keys(self) -> None: ...

    def end(self, code: int, reason: str, *, application: bool) -> None:
        """Close, without setting ``ended``."""


class Library(Protocol):
    """One QUIC library."""

    name: str
    versions: tuple[int, ...]

    def connect(self, new: NewConnection, now: float) -> LibraryConnection: ...

    def names(self, identity: Identity) -> tuple[str, ...]:
        """The server names in the certificate, and a look at whether the library can use it and its key.

        Raises:
            ValueError: it cannot; the message says why.
        """

    def retry(
        self, version: int, source_id: bytes, destination_id: bytes, original_destination_id: bytes, token: bytes
    ) -> bytes:
        """A Retry packet."""
