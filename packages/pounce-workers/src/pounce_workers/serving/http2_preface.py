"""Whether the first bytes of a connection are the preface of HTTP/2 (RFC 9113, 3.4), without a look at those that are
not: an HTTP/1.1 parser takes offence at it, and asks here before it says so.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final, cast

if TYPE_CHECKING:
    from pounce_http1 import RequestHead
    from pounce_workers.net.transport import SocketTransport
    from pounce_workers.serving.http1_connection import Http1Connection

__all__ = ["PrefaceWatch"]

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PREFACE_LINE: Final = b"PRI * HTTP/2.0\r\n"
"""As much of it as an HTTP/1.1 parser takes offence at."""


class PrefaceWatch(ABC):
    """What HTTP/1.1 connections ask that may go on as something else."""

    __slots__ = ()

    @abstractmethod
    def begin(self, connection: Http1Connection, head: RequestHead) -> bool:
        """A request asks for another protocol. False: it is answered as an ordinary request (RFC 9110, 7.8)."""

    @abstractmethod
    def become_http2(self, connection: Http1Connection, data: bytes) -> None:
        """The client speaks HTTP/2, and these are its first bytes."""

    @property
    def watches(self) -> bool:
        """Whether HTTP/2 is spoken."""
        return True

    def starts_as_http2(self, connection: Http1Connection, data: bytes) -> bool:
        """Whether these bytes, which the parser has refused, are the first of HTTP/2, which goes on from there. What
        came before them, if only an empty line, makes them none.
        """
        if not self.watches or connection.requests or connection.head_begun or not data.startswith(PREFACE_LINE):
            return False
        self.become_http2(connection, data)
        return True

    def may_become_http2(self, connection: Http1Connection, data: bytes) -> None:
        """These are the first bytes, and no whole head: if they may be a piece of the preface, wait for the rest."""
        if self.watches and not connection.requests and data and PREFACE.startswith(data):
            transport = cast("SocketTransport", connection.transport)
            transport.deliver = _PieceOfPreface(self, connection, data).data_received


class _PieceOfPreface:
    """Looks at the first bytes of a connection as long as they may be the preface. The reader has them, too: they are
    the beginning of a request as long as nobody knows better, and a connection that has one stays where it is.
    """

    __slots__ = ("_connection", "_data", "_watch")

    def __init__(self, watch: PrefaceWatch, connection: Http1Connection, data: bytes) -> None:
        self._watch = watch
        self._connection = connection
        self._data = data

    def data_received(self, data: bytes) -> None:
        """More of them, in place of the connection's own."""
        connection = self._connection
        self._data += data
        if self._data.startswith(PREFACE):
            connection.reader.take_unread()
            self._watch.become_http2(connection, self._data)
        elif PREFACE.startswith(self._data):
            connection.reader.receive_data(data)
        else:
            cast("SocketTransport", connection.transport).deliver = connection.data_received
            connection.data_received(data)
