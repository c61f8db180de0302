"""HTTP/2 for workers that have no event loop to serve it on: its connections go to their companion."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, cast

from pounce_asgi import client_name
from pounce_workers.net.rewound_socket import rewind
from pounce_workers.serving.http2_preface import PrefaceWatch

if TYPE_CHECKING:
    from pounce_http1 import RequestHead
    from pounce_workers.net.transport import SocketTransport
    from pounce_workers.serving.companion import Companion
    from pounce_workers.serving.http1_connection import Http1Connection
    from pounce_workers.supervision.slots import MoveTo

__all__ = ["CompanionUpgrades"]

logger = logging.getLogger("pounce.worker")


class CompanionUpgrades(PrefaceWatch):
    """The upgrades of connections that wait for blocking workers. Used by whichever thread has a connection."""

    __slots__ = ("_companion", "move_to")

    def __init__(self, companion: Companion) -> None:
        self._companion = companion
        self.move_to: MoveTo | None = None
        """Where they go instead, once another worker takes over."""

    def begin(self, connection: Http1Connection, head: RequestHead) -> bool:  # noqa: ARG002
        """A request that asks for another protocol is answered as it is (RFC 9110, 7.8)."""
        return False

    def become_http2(self, connection: Http1Connection, data: bytes) -> None:
        """The client speaks HTTP/2, and these are its first bytes."""
        connection.wire.keep_place(connection)
        self.give_away(cast("SocketTransport", connection.transport), data)

    def give_away(self, transport: SocketTransport, data: bytes = b"") -> None:
        """Let the companion serve this connection, of which ``data`` has been read."""
        peer, local = transport.peer, transport.local
        release = getattr(transport, "release", None) or transport.detach
        sock = release()
        if data:
            sock = rewind(sock, data, moved=True)
        if self.move_to is not None:
            self.move_to(sock, peer, local)
        elif not self._companion.hand_over(sock, peer, local):
            logger.info("Refused the HTTP/2 connection of %s: too many wait, or the server stops", client_name(peer))
            sock.close()
