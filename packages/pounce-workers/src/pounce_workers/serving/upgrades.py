"""What an HTTP/1.1 connection may go on as: a WebSocket, or HTTP/2 without TLS.

HTTP/2 begins in one of two ways: the client knows (RFC 9113, 3.3) and sends the preface at once, or it asks with
``Upgrade: h2c`` (RFC 7540, 3.2). RFC 9113, 3.1 has given that up, and it is followed only where somebody wants it: a
proxy that passes it on would be led around.
"""

from __future__ import annotations

import base64
import binascii
import logging
from functools import partial
from typing import TYPE_CHECKING, Final

from pounce_asgi import RequestError, client_name
from pounce_workers.net.succession import Succession
from pounce_workers.serving.http1_websocket import Http1WebSocket
from pounce_workers.serving.http2_preface import PrefaceWatch
from pounce_workers.serving.loop_host import Admission

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_asgi import ServedConnection, Transport
    from pounce_http1 import RequestHead
    from pounce_workers.net.transport import SocketTransport
    from pounce_workers.serving.http1_connection import Http1Connection
    from pounce_workers.serving.http1_wire import Http1Wire
    from pounce_workers.serving.loop_host import LoopHost
    from pounce_workers.serving.protocols import Http2Maker, WebSocketMaker

__all__ = ["Upgrades"]

logger = logging.getLogger("pounce.worker")

HTTP1: Final = "http/1.1"
HTTP2: Final = "h2"

PROXY_FIELDS: Final = frozenset({b"forwarded", b"via", b"x-real-ip"})
"""With those that begin with X-Forwarded-: nearly every proxy adds one of them."""

SWITCHING_TO_H2C: Final = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"


class Upgrades(PrefaceWatch):
    """The other protocols of one loop, for its HTTP/1.1 connections. Owned by the loop's thread."""

    __slots__ = ("_follows_h2c", "_host", "_http2", "_missing", "_websockets", "_wire")

    def __init__(
        self,
        host: LoopHost,
        wire: Http1Wire,
        *,
        http2: Http2Maker | None,
        http2_upgrade: bool,
        websockets: WebSocketMaker | None,
        websocket_missing: str | None,
    ) -> None:
        self._host = host
        self._wire = wire
        self._http2 = http2
        self._follows_h2c = http2 is not None and http2_upgrade
        self._websockets = websockets
        self._missing = websocket_missing

    def begin(self, connection: Http1Connection, head: RequestHead) -> bool:
        """A request asks for another protocol. False: it is answered as an ordinary request (RFC 9110, 7.8)."""
        if head.upgrade == b"websocket":
            return self._begin_websocket(connection, head)
        if head.upgrade == b"h2c" and self._follows_h2c:
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
        """With TLS, with a body, with settings that are no base64url (RFC 7540, 3.2.1), or through a proxy that says
        that it is one, it is an ordinary request. Settings that HTTP/2 itself forbids end the connection there.
        """
        assert self._http2 is not None
        payload = _settings_of(head)
        if payload is None or head.has_body or connection.peer.scheme == "https":
            return False
        if head.http_version != "1.1" or _came_through_a_proxy(head):
            return False
        connection.transport.write(SWITCHING_TO_H2C)
        connection.requests -= 1  # the successor counts it
        maker = partial(self._http2.upgrade, head=head, settings_payload=payload)
        self._succeed(connection, maker, connection.give_way()[0])
        return True

    def connect_http2(self, transport: Transport) -> ServedConnection:
        """A new connection whose client has chosen HTTP/2 by ALPN."""
        http2 = self._http2
        assert http2 is not None
        return self._host.connection_came(
            HTTP2, transport, lambda peer, refusal: http2.connect(transport, peer, refusal=refusal)
        )

    @property
    def watches(self) -> bool:
        """Whether HTTP/2 is spoken."""
        return self._http2 is not None

    def become_http2(self, connection: Http1Connection, data: bytes) -> None:
        """The client speaks HTTP/2, and these are its first bytes."""
        assert self._http2 is not None
        connection.give_way()
        self._succeed(connection, self._http2.connect, data)

    def _succeed(self, connection: Http1Connection, maker: Callable[..., ServedConnection], data: bytes) -> None:
        """The transport is another connection's from now on, which begins with these bytes."""
        transport: SocketTransport = connection.transport  # type: ignore[assignment]  # every transport has a protocol
        succession = Succession(transport)
        successor = maker(transport, connection.peer, refusal=connection.refusal)
        self._host.admit(
            successor,
            Admission(HTTP2, connection.has_place, connection.opened, connection.requests, began_as=HTTP1),
        )
        if not succession.complete(successor):
            return
        if self._wire.draining:
            successor.last_request()
        if data:
            successor.data_received(data)


def _came_through_a_proxy(head: RequestHead) -> bool:
    """Whether a proxy has left its mark.

    One that does not know HTTP/2 and passes on ``Upgrade`` together with the ``Connection`` that names HTTP2-Settings
    takes the 101 for a tunnel. What its client says from then on is hidden from it, and so from its rules ("h2c
    smuggling"). The client has to mean us.
    """
    return any(name in PROXY_FIELDS or name.startswith(b"x-forwarded-") for name, _ in head.headers)


def _settings_of(head: RequestHead) -> bytes | None:
    """The payload of the SETTINGS frame in HTTP2-Settings. None if there is not exactly one, or Connection does not
    name it: then a proxy may have passed on what was meant for itself (RFC 7540, 3.2.1).
    """
    values = [value for name, value in head.headers if name == b"http2-settings"]
    options = b",".join([value for name, value in head.headers if name == b"connection"]).lower().split(b",")
    if len(values) != 1 or b"http2-settings" not in [option.strip() for option in options]:
        return None
    try:
        return base64.b64decode(values[0] + b"=" * (-len(values[0]) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
