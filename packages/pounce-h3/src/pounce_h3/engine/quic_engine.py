"""One QUIC connection for HTTP/3, on whichever library there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pounce_h3.engine.connection_ids import ConnectionIds
from pounce_h3.engine.events import HANDSHAKE, RESET, Received
from pounce_h3.engine.libraries import default_library
from pounce_h3.engine.library import LibraryConnection, NewConnection

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pounce_asgi import Http3Settings
    from pounce_asgi.types import TLSExtension
    from pounce_h3.certificates import QuicCertificates
    from pounce_h3.engine.events import Happened
    from pounce_h3.engine.library import Library
    from pounce_h3.quic import Address, QuicUser
    from pounce_h3.sessions import QuicSessions

__all__ = ["QuicEngine"]

_TLS_1_3: Final = 0x0304


class QuicEngine:
    """Implements ``Quic``: drives a connection of the library and tells its user what happened.

    ``original_destination_id`` is the id that the client chose for its first datagram; after a Retry the one of its
    very first, and ``retry_source_id`` the one that the Retry gave it. All ids that ``new_connection_id`` makes are of
    one length. ``now`` is the time of the first datagram.
    """

    __slots__ = (
        "_closed",
        "_connection",
        "_ids",
        "_silent",
        "_told",
        "_untold",
        "_user",
        "handshake_complete",
        "held",
        "tls",
    )

    def __init__(
        self,
        user: QuicUser,
        settings: Http3Settings,
        certificates: QuicCertificates,
        *,
        original_destination_id: bytes,
        retry_source_id: bytes | None = None,
        new_connection_id: Callable[[], bytes],
        reset_token: Callable[[bytes], bytes],
        sessions: QuicSessions | None,
        now: float,
        library: Library | None = None,
    ) -> None:
        self._user = user
        # The client uses it until it has heard our own, and datagrams of its first flight may come late or twice.
        first = original_destination_id if retry_source_id is None else retry_source_id
        self._ids = ConnectionIds(new_connection_id, reset_token, first)
        new = NewConnection(
            settings=settings,
            certificates=certificates,
            sessions=sessions,
            ids=self._ids,
            original_destination_id=original_destination_id,
            retry_source_id=retry_source_id,
        )
        self._connection: LibraryConnection = (library or default_library()).connect(new, now)
        self._closed = False
        self._told = False
        self._silent: set[int] = set()  # stopped while things that happened before are being told
        self._untold: list[Happened] = []  # the last of them first
        self.held = False
        """Others are to have their turn before the rest is told."""
        self.handshake_complete = False
        self.tls: TLSExtension = _tls(self._connection)

    # -- driven by the endpoint --------------------------------------------------------------------------------------

    def receive(self, datagrams: Sequence[bytes], address: Address, now: float) -> None:
        """Datagrams arrived from this address, in this order. Those that are nothing are dropped."""
        connection = self._connection
        connection.receive(datagrams, address, now)
        if (connection.happened or connection.ended is not None) and not self.held:
            self._tell()

    def datagrams_to_send(self, now: float) -> Sequence[tuple[bytes, Address]]:
        """What is to be sent now, as far as congestion control and the amplification limit allow."""
        connection = self._connection
        datagrams = connection.datagrams_to_send(now)
        if connection.fell:
            fell, connection.fell = connection.fell, []
            for stream_id in fell:
                if self._closed or self._told:
                    break
                self._user.backlog_fell(stream_id)
        return datagrams

    @property
    def timer(self) -> float | None:
        """When ``expire()`` is to be called; None when there is nothing to wait for."""
        return self._connection.timer

    def expire(self, now: float) -> None:
        """A time has come: losses, probes, acknowledgements, the idle timeout, the end of the closing period."""
        connection = self._connection
        connection.expire(now)
        if (connection.happened or connection.ended is not None) and not self.held:
            self._tell()

    def tell_on(self) -> None:
        """Tell what is held. Nothing happens if nothing is."""
        if self.held:
            self._tell()

    @property
    def over(self) -> bool:
        """Nothing more is to be received or sent, the closing and draining periods included (RFC 9000, 10.2)."""
        return self._connection.over

    @property
    def connection_ids(self) -> frozenset[bytes]:
        """The ids by which the client may call it now; the one of the first flight is among them to the end. The same
        object as long as they do not change, which they do within ``receive()`` only.
        """
        return self._ids.now

    # -- asked by HTTP/3 ---------------------------------------------------------------------------------------------

    @property
    def address(self) -> Address:
        """Where the client is now; another after a migration (RFC 9000, 9)."""
        return self._connection.address

    def send(self, stream_id: int, data: bytes, *, end: bool) -> None:
        """Queue bytes on a stream. Nothing happens on one that was reset, stopped or ended."""
        self._connection.send(stream_id, data, end=end)

    def backlog(self, stream_id: int) -> int:
        """Bytes of a stream that were not sent for the first time yet: windows or congestion hold them."""
        return self._connection.backlog(stream_id)

    def open_unidirectional(self) -> int:
        """The id of a new stream on which only we send (RFC 9114, 6.2)."""
        return self._connection.open_unidirectional()

    def reset(self, stream_id: int, code: int) -> None:
        """Give up sending on a stream. Nothing happens if that is over already."""
        self._connection.reset(stream_id, code)

    def stop(self, stream_id: int, code: int) -> None:
        """Want nothing more of a stream: nothing is told of it from now on, and what was not credited yet is."""
        self._silent.add(stream_id)
        self._connection.stop(stream_id, code)

    def credit(self, stream_id: int, size: int) -> None:
        """So many bytes of a stream have been used up: the client may send as many anew."""
        self._connection.credit(stream_id, size)

    def sending(self, stream_id: int) -> bool:
        """Whether our side of a stream is open."""
        return self._connection.sending(stream_id)

    def receiving(self, stream_id: int) -> bool:
        """Whether the client's side of a stream is open."""
        return self._connection.receiving(stream_id)

    def update_keys(self) -> None:
        """Begin a new generation of keys (RFC 9001, 6), once the handshake is complete."""
        self._connection.update_keys()

    def close(self, code: int, reason: str, *, application: bool = True) -> None:
        """End the connection (RFC 9000, 10.2). Nothing is told any more."""
        if not self._closed and not self._told:
            self._closed = True
            self.held = False
            self._connection.end(code, reason, application=application)

    # -- telling -----------------------------------------------------------------------------------------------------

    def _tell(self) -> None:
        connection = self._connection
        if not self.held:
            self._silent.clear()
        makes_way = not self._closed and self._user.take_turn()
        while not makes_way and not self._closed:  # perhaps by what it was told just now
            if not self._untold:
                if not connection.happened:
                    break
                self._untold, connection.happened = connection.happened, []
                self._untold.reverse()
            makes_way = self._tell_one(self._untold.pop())
        if self._closed:
            self._untold, connection.happened = [], []
            return
        self.held = makes_way
        if connection.ended is not None and not self._told and not makes_way:
            self._told = True
            self._user.connection_ended(connection.ended)

    def _tell_one(self, one: Happened) -> bool:
        """Whether others are to have their turn now."""
        user = self._user
        if isinstance(one, Received):
            return one.stream_id not in self._silent and user.stream_received(one.stream_id, one.data, one.ended)
        if one[0] == HANDSHAKE:
            self.handshake_complete = True
            self.tls = _tls(self._connection)
            user.handshake_done()
            return False
        if one[0] == RESET:
            return one[1] not in self._silent and user.stream_reset(one[1], one[2])
        return user.sending_stopped(one[1], one[2])


def _tls(connection: LibraryConnection) -> TLSExtension:
    return {
        "server_cert": connection.identity.certificate,
        "client_cert_chain": (),
        "client_cert_name": None,
        "client_cert_error": None,
        "tls_version": _TLS_1_3,
        "cipher_suite": connection.cipher_suite,
    }
