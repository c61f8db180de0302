"""One connection as host and HTTP/3 see it: the `pounce_asgi.Transport` whose bytes go over QUIC.

It is also where its endpoint keeps what it knows of the connection: the paths to the client, its IDs, its timer.
"""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Final, NoReturn, Protocol

from pounce_h3.timers import Timer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from pounce_asgi import Datagram, DatagramPath, ServedConnection, TLSExtension
    from pounce_h3.quic import Address, Quic

__all__ = ["QuicTransport", "TransportUser"]

NEVER: Final = float("inf")
NO_ERROR: Final = 0x100
"""H3_NO_ERROR (RFC 9114, 8.1)."""
PATHS: Final = 4
"""Addresses of a client that are remembered: the one it is at, and those it comes from or is trying."""


class TransportUser(Protocol):
    """What an endpoint does for its transports."""

    def want_flush(self, transport: QuicTransport, /) -> None:
        """Something is to be sent before the loop waits again."""

    def tell_of_loss(self, transport: QuicTransport, error: OSError | None, /) -> None:
        """In the next turn call ``connection_lost()``."""


class QuicTransport:
    """Owned by its endpoint's thread."""

    __slots__ = (
        "__weakref__",
        "_endpoint",
        "_paths",
        "closing",
        "congested",
        "connection",
        "deadline",
        "dirty",
        "handshake_deadline",
        "held",
        "ids",
        "later",
        "local",
        "path",
        "peer",
        "quic",
        "scheme",
        "timer",
        "tls",
        "waiting",
    )

    def __init__(self, endpoint: TransportUser, path: DatagramPath) -> None:
        self._endpoint = endpoint
        self.path = path
        """By which something arrived last."""
        self._paths: dict[Address, DatagramPath] = {path.client: path}
        self.peer: tuple[str, int] | None = path.client
        """Where the client was at first; see `Quic.address`."""
        self.local: tuple[str, int | None] | None = path.local
        self.scheme = "https"
        self.tls: TLSExtension | None = None
        self.deadline = NEVER
        self.congested = False
        """Never: each stream has its own backlog."""
        self.closing = False
        self.connection: ServedConnection | None = None
        """From when the client has come until it was told of the end."""
        self.quic: Quic
        # The rest is the endpoint's.
        self.timer: Timer[QuicTransport] = Timer(self)
        self.ids: frozenset[bytes] = frozenset()
        """By which the endpoint knows it."""
        self.waiting: list[bytes] = []
        """Datagrams of this turn that came by ``path``."""
        self.held = False
        """It has more to do than others should wait for, and goes on behind them."""
        self.later: list[Datagram] = []
        """What came meanwhile; see `pounce_h3.later.Later`."""
        self.dirty = False
        """It is among those that are looked at before the turn ends."""
        self.handshake_deadline = NEVER
        """When the handshake must be done; ``inf`` once it is."""

    # -- for HTTP/3 --------------------------------------------------------------------------------------------------

    def want_flush(self) -> None:
        """Something is to be sent, and was queued outside of ``receive()`` and ``expire()``."""
        self._endpoint.want_flush(self)

    def lost(self, error: OSError | None) -> None:
        """The engine has said that the connection is over: ``connection_lost()`` follows in the next turn."""
        self.closing = True
        self._endpoint.tell_of_loss(self, error)

    # -- Transport ---------------------------------------------------------------------------------------------------

    def close(self, *, linger: bool = False) -> None:  # noqa: ARG002 - QUIC lingers by itself (RFC 9000, 10.2)
        """End the connection, with H3_NO_ERROR if its engine was not told why. ``connection_lost(None)`` follows."""
        self._end(None)

    def abort(self) -> None:
        """End the connection; ``connection_lost()`` with an error follows."""
        self._end(ConnectionAbortedError("the connection was aborted"))

    def _end(self, error: OSError | None) -> None:
        if not self.closing:
            self.quic.close(NO_ERROR, "")
            self.want_flush()
            self.lost(error)

    def pause_reading(self) -> None:
        """Nothing: streams have their own windows."""

    def resume_reading(self) -> None:
        """Nothing."""

    def write(self, data: bytes) -> NoReturn:
        """There are streams for that."""
        raise NotImplementedError("QUIC sends on streams")

    def write_parts(self, parts: Sequence[bytes]) -> NoReturn:
        """There are streams for that."""
        raise NotImplementedError("QUIC sends on streams")

    def sendfile(self, file: IO[bytes] | int, offset: int | None, count: int | None) -> Any:
        """There are streams for that."""
        raise NotImplementedError("QUIC sends on streams")

    # -- for the endpoint --------------------------------------------------------------------------------------------

    def came_by(self, path: DatagramPath) -> None:
        """Something arrived by another path than last."""
        self.path = path
        paths = self._paths
        paths.pop(path.client, None)
        if len(paths) >= PATHS:
            at = self.quic.address
            del paths[next(client for client in paths if client != at)]  # the one that was silent for longest
        paths[path.client] = path

    def path_to(self, client: Address) -> DatagramPath | None:
        """How to reach the client at an address that it has shown."""
        path = self.path
        return path if path.client is client else self._paths.get(client)
