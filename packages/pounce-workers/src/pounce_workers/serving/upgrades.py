"""What an HTTP/1.1 connection may go on as: a WebSocket, or HTTP/2 without TLS.

HTTP/2 begins in one of two ways: the client knows (RFC 9113, 3.3) and sends the preface at once, or it asks with
``Upgrade: h2c`` (RFC 7540, 3.2; RFC 9113 has given that up, clients have not).
"""

from __future__ import annotations

import base64
import binascii
import logging
from typing import TYPE_CHECKING, Final

from pounce_asgi import RequestError, client_name
from pounce_workers.serving.http1_websocket import Http1WebSocket
from pounce_workers.serving.loop_host import Admission

if TYPE_CHECKING:
    from pounce_asgi import ServedConnection
    from pounce_http1 import RequestHead
    from pounce_workers.net.transport import SocketTransport
    from pounce_workers.serving.http1_connection import Http1Connection
    from pounce_workers.serving.loop_host import LoopHost
    from pounce_workers.serving.protocols import Http2Maker, WebSocketMaker

__all__ = ["Upgrades"]

logger = logging.getLogger("pounce.worker")

PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
PREFACE_LINE: Final = b"PRI * HTTP/2.0\r\n"
"""As much of it as an HTTP/1.1 parser takes offence at."""

SWITCHING_TO_H2C: Final = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"


class Upgrades:
    """The other protocols of one loop, for its HTTP/1.1 connections. Owned by the loop's thread."""

    __slots__ = ("_host", "_http2", "_missing", "_websockets")

    def __init__(
        self,
        host: LoopHost,
        *,
        http2: Http2Maker | None,
        websockets: WebSocketMaker | None,
        websocket_missing: str | None,
    ) -> None:
        self._host = host
        self._http2 = http2
        self._websockets = websockets
        self._missing = websocket_missing

    def begin(self, connection: Http1Connection, head: RequestHead) -> bool:
        """A request asks for another protocol. False: it is answered as an ordinary request (RFC 9110, 7.8)."""
        if head.upgrade == b"websocket":
            return self._begin_websocket(connection, head)
        if head.upgrade == b"h2c":
            return self._begin_h2c(connection, head)
        return False

    # -- WebSocket ---------------------------------------------------------------------------------------------------

    def _begin_websocket(self, connection: Http1Connection, head: RequestHead) -> bool:
        makers = self._websockets
        if makers is None:
            if self._missing is None:
                return False
            logger.warning("%s asks for a WebSocket. %s", client_name(connection.peer.client), self._missing)
            connection.refuse(501, "this server does not serve WebSockets", head)
            return True
        try:
            handshake = makers.handshake(head)
        except RequestError as error:
            connection.refuse(error.status or 400, str(error), head, fields=getattr(error, "fields", ()))
            return True
        Http1WebSocket(self._host, connection, head, makers, handshake).start()
        return True

    # -- HTTP/2 ------------------------------------------------------------------------------------------------------

    def _begin_h2c(self, connection: Http1Connection, head: RequestHead) -> bool:
        """With TLS, with a body or with settings that are wrong it is an ordinary request (RFC 7540, 3.2)."""
        payload = _settings_of(head)
        if self._http2 is None or payload is None or head.has_body or connection.peer.scheme == "https":
            return False
        if head.http_version != "1.1":
            return False
        connection.transport.write(SWITCHING_TO_H2C)
        unread, _ = connection.give_way()
        successor = self._http2.upgrade(
            connection.transport, connection.peer, head, payload, refusal=connection.refusal
        )
        connection.requests -= 1  # the successor counts it
        self._succeed(connection, successor, unread)
        return True

    def starts_as_http2(self, connection: Http1Connection, data: bytes) -> bool:
        """Whether these bytes, the first ones and refused by the parser, are the preface; then HTTP/2 goes on."""
        if self._http2 is None or connection.requests or not data.startswith(PREFACE_LINE):
            return False
        successor = self._http2.connect(connection.transport, connection.peer, refusal=connection.refusal)
        self._succeed(connection, successor, data)
        return True

    def may_become_http2(self, connection: Http1Connection) -> None:
        """The first head is not whole: if it may be a piece of the preface, wait for more of that first."""
        if self._http2 is None or connection.requests or connection.reader.buffered >= len(PREFACE):
            return
        unread = connection.reader.take_unread()
        if PREFACE.startswith(unread):
            transport: SocketTransport = connection.transport  # type: ignore[assignment]  # every transport delivers
            transport.deliver = _PieceOfPreface(connection, unread).data_received
        else:
            connection.reader.receive_data(unread)
            connection.reader.maybe_next_event()

    def _succeed(self, connection: Http1Connection, successor: ServedConnection, data: bytes) -> None:
        """The transport is another connection's from now on, which begins with these bytes."""
        transport: SocketTransport = connection.transport  # type: ignore[assignment]  # every transport has a protocol
        connection.give_way()
        admission = Admission("h2", connection.has_place, connection.opened, connection.requests)
        self._host.admit(successor, admission)
        if transport.closing:
            return
        transport.protocol = successor
        transport.deliver = successor.data_received
        if connection.wire.draining:
            successor.last_request()
        if data:
            successor.data_received(data)


class _PieceOfPreface:
    """Gathers the first bytes of a connection as long as they may be the preface of HTTP/2."""

    __slots__ = ("_connection", "_data")

    def __init__(self, connection: Http1Connection, data: bytes) -> None:
        self._connection = connection
        self._data = data

    def data_received(self, data: bytes) -> None:
        """More of them, in place of the connection's own."""
        connection = self._connection
        self._data += data
        if len(self._data) < len(PREFACE) and PREFACE.startswith(self._data):
            return
        transport: SocketTransport = connection.transport  # type: ignore[assignment]  # every transport delivers
        transport.deliver = connection.data_received
        connection.data_received(self._data)


def _settings_of(head: RequestHead) -> bytes | None:
    """The payload of the SETTINGS frame in HTTP2-Settings; None if there is not exactly one (RFC 7540, 3.2.1)."""
    values = [value for name, value in head.headers if name == b"http2-settings"]
    if len(values) != 1:
        return None
    try:
        return base64.b64decode(values[0] + b"=" * (-len(values[0]) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
