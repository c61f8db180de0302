"""A connection between its acceptance and the end of the PROXY header that its listener is told to expect.

The header is read to its last byte and no further, so that the socket can then begin as any other does: with TLS,
where there is TLS, or with a request. Until then there is a transport on it whose protocol waits for the header.
"""

from __future__ import annotations

import logging
import socket
from typing import TYPE_CHECKING, Any, ClassVar, Final, Protocol, cast

from pounce_asgi.naming import client_name
from pounce_workers.net.proxy_protocol import LONGEST_HEADER, ProxyHeaderError, maybe_header_size, parse_proxy_header

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_workers.net.proxy_protocol import ProxyHeader
    from pounce_workers.net.tls_entrance import Clock
    from pounce_workers.net.transport import SocketTransport

__all__ = ["HEADER_TIMEOUT", "GoOn", "ProxyEntrance", "ProxyEntrances", "ProxyHeaderSocket"]

logger = logging.getLogger("pounce.worker")

HEADER_TIMEOUT: Final = 3.0
"""Seconds from acceptance. A proxy has the header ready when it connects; haproxy's text recommends at least 3, for a
segment that has to be sent again (section 2)."""


class GoOn(Protocol):
    """What happens to a connection whose header is read."""

    def __call__(
        self,
        sock: socket.socket,
        peer: tuple[str, int] | None,
        local: tuple[str, int | None] | None,
        header: ProxyHeader,
        /,
    ) -> object:
        """Serve it. The addresses are those of the client, or of the connection where nothing is relayed."""


class ProxyHeaderSocket:
    """A connected non-blocking socket whose `recv` returns the whole header, once, and leaves all that follows."""

    __slots__ = ("_header", "_sock", "fileno", "send", "setsockopt", "shutdown")

    sends_files: ClassVar[bool] = False

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._header = b""
        self.fileno = sock.fileno
        self.send = sock.send
        self.setsockopt = sock.setsockopt
        self.shutdown = sock.shutdown

    @property
    def below(self) -> socket.socket:
        """The socket itself."""
        return self._sock

    @property
    def begun(self) -> bool:
        """A part of a header has come."""
        return bool(self._header)

    def recv(self, size: int) -> bytes:  # noqa: ARG002 - the header says how much
        """The header; empty when the connection ends before it does.

        Raises:
            BlockingIOError: there is more to come.
            OSError: it is none, or the socket has failed.
        """
        ahead = self._sock.recv(LONGEST_HEADER - len(self._header), socket.MSG_PEEK)
        if not ahead:
            return b""
        whole = self._header + ahead
        try:
            size_of_header = maybe_header_size(whole)
        except ProxyHeaderError as error:
            raise ConnectionAbortedError(f"it sent {error}") from error
        # What was only looked at would be told of again and again.
        own = len(ahead) if size_of_header is None else size_of_header - len(self._header)
        self._header += self._sock.recv(own)
        if size_of_header is None:
            raise BlockingIOError
        return self._header

    def getsockopt(self, *arguments: Any) -> Any:
        """An option of the socket."""
        return self._sock.getsockopt(*arguments)

    def close(self) -> None:
        """Close the socket."""
        self._sock.close()


class ProxyEntrances:
    """The connections of one worker's loop, or of one parking thread, that still wait for their header."""

    def __init__(
        self,
        go_on: GoOn,
        *,
        clock: Clock,
        trusts: Callable[[str | None], bool],
        let_go: Callable[[Any], object] | None = None,
        header_timeout: float = HEADER_TIMEOUT,
        refused: Callable[[tuple[str, int] | None, str, Exception | None], object] | None = None,
    ) -> None:
        """``trusts`` tells whether the header of a peer counts, by its address, None over a UNIX socket. ``let_go``
        takes the socket from its transport and leaves it open; without it that is ``detach``. ``header_timeout`` is in
        seconds. ``refused`` is told once of each connection that ends here: of which peer it was, and why, as the
        lifecycle records name it.
        """
        self.refused = refused
        self.members: set[ProxyEntrance] = set()
        """The connections that wait."""
        self.go_on = go_on
        self._clock = clock
        self._trusts = trusts
        self._let_go = let_go
        self._timeout = header_timeout

    def connect(self, transport: SocketTransport) -> ProxyEntrance:
        """For ``transport.start()``: the protocol of a connection whose socket is a `ProxyHeaderSocket`."""
        entrance = ProxyEntrance(self, transport)
        transport.protocol = entrance  # a connection that is refused ends at once
        peer = transport.peer
        if self._trusts(peer[0] if peer else None):
            self.members.add(entrance)
            transport.deadline = self._clock.soon + self._timeout
        else:
            entrance.refuse("its address is not trusted to send a PROXY header", "proxy_header")
        return entrance

    def let_go(self, transport: SocketTransport) -> socket.socket:
        """The socket below, without its transport."""
        sock = cast("ProxyHeaderSocket", transport.sock)
        if self._let_go is None:
            transport.detach()
        else:
            self._let_go(transport)
        return sock.below

    def begin_drain(self) -> None:
        """The server stops: nobody has asked for anything yet."""
        for entrance in tuple(self.members):
            entrance.begin_drain()

    def abort(self) -> None:
        """Reset them all."""
        for entrance in tuple(self.members):
            entrance.transport.abort()


class ProxyEntrance:
    """The `ConnectionProtocol` of one connection, at first. Owned by the thread that has the transport."""

    __slots__ = ("_ended", "_entrances", "_told", "transport")

    idle = False
    """Its client is about to ask for something: whoever makes way for another worker waits for it."""

    def __init__(self, entrances: ProxyEntrances, transport: SocketTransport) -> None:
        self._entrances = entrances
        self._told = False
        self._ended = False
        """It goes on elsewhere, or who listens knows why it does not."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """The whole header."""
        transport = self.transport
        try:
            header = parse_proxy_header(data)
        except ProxyHeaderError as error:
            self.refuse(f"it sent {error}", "proxy_header", error)
            return
        peer, local = transport.peer, transport.local
        if header.relayed:
            peer, local = header.source, header.destination
        self._ended = True
        sock = self._entrances.let_go(transport)
        try:
            self._entrances.go_on(sock, peer, local, header)
        except BaseException:
            sock.close()
            raise

    def eof_received(self) -> None:
        """The peer has gone. One that has said nothing only looked whether somebody listens."""
        if cast("ProxyHeaderSocket", self.transport.sock).begun:
            self._warn("it closed the connection within its PROXY header")
        self._tell("client_gone")
        self.transport.close()

    def writable(self) -> None:
        """Nothing is sent here."""

    def connection_lost(self, error: OSError | None) -> None:
        """It has gone, or is somebody else's now."""
        self._entrances.members.discard(self)
        if error is None:
            self._tell("stopping")
        else:
            self._warn(str(error))
            self._tell("proxy_header" if isinstance(error.__cause__, ProxyHeaderError) else "client_gone", error)

    def deadline_expired(self) -> None:
        """The peer has had its time."""
        self.refuse("its PROXY header did not come in time", "proxy_header_timeout")

    def begin_drain(self) -> None:
        """The server stops."""
        self._tell("stopping")
        self.transport.close()

    def refuse(self, detail: str, reason: str, error: Exception | None = None) -> None:
        """Close the connection, with one line for the operator: one side is told of this protocol, the other not.
        ``reason`` is for who listens.
        """
        self._warn(detail)
        self._tell(reason, error)
        self.transport.close()

    def _tell(self, reason: str, error: Exception | None = None) -> None:
        if not self._ended:
            self._ended = True
            if self._entrances.refused is not None:
                self._entrances.refused(self.transport.peer, reason, error)

    def _warn(self, reason: str) -> None:
        if not self._told:
            self._told = True
            logger.warning("Closed a connection of %s: %s", client_name(self.transport.peer), reason)
