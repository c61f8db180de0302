"""A connection between its acceptance and the end of its TLS handshake; then the protocol that was agreed on has it.

Nothing waits for a handshake but a deadline. One that fails is a line for those who debug: clients that try versions,
scanners and health checks do it all day.
"""

from __future__ import annotations

import logging
from email.utils import formatdate
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol, cast

from pounce_asgi.naming import client_name
from pounce_workers.net.deadlines import NEVER

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from pounce_asgi import ConnectionProtocol
    from pounce_workers.net.ktls_socket import KtlsSocket
    from pounce_workers.net.tls_socket import TlsSocket
    from pounce_workers.net.transport import SocketTransport

__all__ = ["HANDSHAKE_TIMEOUT", "Clock", "TlsEntrance", "TlsEntrances"]

logger = logging.getLogger("pounce.worker")

HANDSHAKE_TIMEOUT: Final = 10.0
"""Seconds from acceptance; as for a request head."""

_SPEAKS_TLS: Final = b"This port speaks TLS: use https:// in place of http://.\n"


class Clock(Protocol):
    """From where deadlines count: a `DeadlineSweeper`, or the clock of a parking lot."""

    @property
    def soon(self) -> float: ...


class _OwnBytes:
    """In the queue of a transport: what OpenSSL wants sent of itself, and a full socket did not take."""

    left = 0

    def send_some(self, sock: socket.socket) -> bool:
        """Go on with it."""
        sock.send(b"")
        return True

    def fail(self, error: OSError) -> None:
        """Nobody waits for it."""


def _send_own_bytes(transport: SocketTransport) -> None:
    # What waits in the transport brings them along.
    if not transport.sending and not transport.closing:
        transport.send_item(_OwnBytes())


class TlsEntrances:
    """The handshakes of one worker's loop, or of one parking thread."""

    def __init__(
        self,
        choose: Callable[[Any, str | None], ConnectionProtocol | None],
        *,
        clock: Clock,
        handshake_timeout: float = HANDSHAKE_TIMEOUT,
        refused: Callable[[tuple[str, int] | None, str, Exception | None], object] | None = None,
    ) -> None:
        """``choose`` is given a transport and what ALPN has agreed on, and makes the protocol, which may send at once;
        or it gives the connection away, or closes it, and returns None. ``handshake_timeout`` is in seconds.
        ``refused`` is told once of each connection that ends before that: whose it was, and why, as the lifecycle
        records name it.
        """
        self.refused = refused
        self.choose = choose
        self.members: set[TlsEntrance] = set()
        """The connections whose handshakes go on."""
        self._clock = clock
        self._timeout = handshake_timeout

    def connect(self, transport: SocketTransport) -> ConnectionProtocol:
        """For ``transport.start()``: the protocol of a connection whose socket is a `TlsSocket`. When that comes from
        another worker, with its handshake done, it is what ``choose`` makes.
        """
        transport.scheme = "https"
        entrance = TlsEntrance(self, transport)
        if entrance.sock.handshake_done:
            transport.protocol = entrance  # hears of it if the connection is given away again, or ends at once
            entrance._entered = True
            return entrance.succeeded_by(self.choose(transport, entrance.sock.alpn)) or entrance
        transport.deadline = self._clock.soon + self._timeout
        self.members.add(entrance)
        return entrance

    def begin_drain(self) -> None:
        """The server stops: nobody has asked for anything yet."""
        for entrance in tuple(self.members):
            entrance.begin_drain()

    def abort(self) -> None:
        """Reset them all."""
        for entrance in tuple(self.members):
            entrance.transport.abort()


class TlsEntrance:
    """The `ConnectionProtocol` of one connection, at first. Owned by the thread that has the transport."""

    __slots__ = ("_entered", "_entrances", "_logged", "_lost", "_successor", "sock", "transport")

    idle = False
    """Its client is about to ask for something: whoever makes way for another worker waits for it."""

    def __init__(self, entrances: TlsEntrances, transport: SocketTransport) -> None:
        self._entrances = entrances
        self._successor: ConnectionProtocol | None = None
        self._logged = False
        self._entered = False
        """The handshake is done: what ends from now on is a connection."""
        self._lost: tuple[OSError | None] | None = None
        self.transport = transport
        self.sock = cast("TlsSocket | KtlsSocket", transport.sock)
        self.sock.on_handshake = self._enter
        self.sock.on_stuck = partial(_send_own_bytes, transport)

    # -- ConnectionProtocol ------------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:  # noqa: ARG002 - whatever it asks for, it asks in the clear
        """A client sends HTTP without TLS. Tell it so, in its language."""
        self._log("it does not speak TLS but HTTP", "tls_handshake")
        head = (
            "HTTP/1.1 400 Bad Request\r\n"
            f"date: {formatdate(usegmt=True)}\r\n"
            "content-type: text/plain; charset=utf-8\r\n"
            f"content-length: {len(_SPEAKS_TLS)}\r\n"
            "connection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + _SPEAKS_TLS)
        self.transport.close(linger=True)

    def eof_received(self) -> None:
        """The client has given up."""
        self._log("the client closed the connection", "client_gone")
        self.transport.close()

    def writable(self) -> None:
        """There is room again."""
        if self._successor is not None:
            self._successor.writable()

    def connection_lost(self, error: OSError | None) -> None:
        """It has failed, or what follows has ended as soon as it began."""
        self._entrances.members.discard(self)
        self._lost = (error,)
        if self._successor is not None:
            self._successor.connection_lost(error)
        elif not self._entered:
            left = isinstance(error, ConnectionResetError | BrokenPipeError)
            reason = "stopping" if error is None else "client_gone" if left else "tls_handshake"
            self._log(str(error or "the server stops"), reason, error)

    def deadline_expired(self) -> None:
        """The client has had its time."""
        self._log("it took too long", "ssl_handshake_timeout")
        if self.transport.sending:
            self.transport.abort()
        else:
            self.transport.close()

    def begin_drain(self) -> None:
        """The server stops."""
        self._log("the server stops", "stopping")
        self.transport.close()

    # -- inside ------------------------------------------------------------------------------------------------------

    def succeeded_by(self, protocol: ConnectionProtocol | None) -> ConnectionProtocol | None:
        """It has been chosen, and what it has done meanwhile may already have led to more: a lingering close, of whose
        end it is to hear, or a connection that is lost.
        """
        self._successor = protocol
        if protocol is not None and self._lost is not None:
            protocol.connection_lost(*self._lost)
        return protocol

    def _enter(self) -> bool:
        """The handshake is done. False: the connection is not ours any more."""
        transport = self.transport
        self._entered = True
        self._entrances.members.discard(self)
        transport.deadline = NEVER
        try:
            protocol = self._entrances.choose(transport, self.sock.alpn)
        except BaseException:
            transport.abort()
            raise
        self.succeeded_by(protocol)
        if protocol is None:
            transport.close()  # unless it was given away, or is closing already
            return False
        if transport.protocol is self and not transport.closing:
            transport.protocol = protocol
            transport.deliver = protocol.data_received
        return not transport.closing

    def _log(self, detail: str, reason: str, error: OSError | None = None) -> None:
        if not self._logged:
            self._logged = True
            logger.debug("No TLS handshake with %s: %s", client_name(self.transport.peer), detail)
            if self._entrances.refused is not None:
                self._entrances.refused(self.transport.peer, reason, error)
