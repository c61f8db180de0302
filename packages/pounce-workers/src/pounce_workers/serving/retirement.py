"""How an async worker makes way for another: without new connections, without cutting off those that may be in use."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final, cast

from pounce_workers.serving.http1_connection import Http1Connection

if TYPE_CHECKING:
    from pounce_workers.net.transport import SocketTransport
    from pounce_workers.serving.http1_wire import Http1Wire
    from pounce_workers.supervision.slots import MoveTo

__all__ = ["Retirement"]

logger = logging.getLogger("pounce.worker")

MOVES_PER_TURN: Final = 128
"""Connections given away in a row before those that stay get their turn: a few milliseconds."""


class Retirement:
    """Looks again and again for connections that may leave. Owned by the worker's thread."""

    def __init__(self, wire: Http1Wire, *, drain_idle: float, tick: float) -> None:
        """``drain_idle`` and ``tick``, which is that of the wire's sweeper, are in seconds."""
        self._wire = wire
        self._drain_idle = drain_idle
        self._tick = tick

    def look(self, move_to: MoveTo | None) -> bool:
        """Move the connections that are idle; without ``move_to`` close those that have been so for long, and let the
        others be told with their next answer. True when there are more than could be moved in one turn.

        Call it from a task, not from within a poller's call: what that has read ahead would be lost.
        """
        if move_to is None:
            self._close_long_idle()
            return False
        if not self._wire.retiring:
            self._wire.retire_others()
        moved = 0
        for connection in tuple(self._wire.connections):
            if isinstance(connection, Http1Connection) and connection.idle and _move(connection, move_to):
                moved += 1
                if moved == MOVES_PER_TURN:
                    return True
        return False

    def _close_long_idle(self) -> None:
        if not self._wire.draining:
            self._wire.last_requests()
        for connection in tuple(self._wire.connections):
            if not isinstance(connection, Http1Connection):
                continue
            # A request that waits in the socket would be lost: it is read in this turn or the next.
            if connection.idle and self._idle_for_long(connection) and not _transport(connection).readable():
                connection.begin_drain()

    def _idle_for_long(self, connection: Http1Connection) -> bool:
        """What counts is the time that has certainly passed: an answer that has just promised to keep the connection
        must not be followed by its end, which could meet the next request.
        """
        wire = self._wire
        began = connection.transport.deadline - wire.timeout_keep_alive
        return began + self._drain_idle <= wire.sweeper.soon - self._tick


def _transport(connection: Http1Connection) -> SocketTransport:
    return cast("SocketTransport", connection.transport)


def _move(connection: Http1Connection, move_to: MoveTo) -> bool:
    """Give an idle connection to another worker. What its client may be sending this moment stays in the socket."""
    transport = _transport(connection)
    if transport.sending or transport.closing or transport.behind:
        return False
    peer, local = transport.peer, transport.local
    connection.wire.keep_place(connection)
    sock = transport.detach()
    try:
        move_to(sock, peer, local)
    except Exception:
        logger.exception("Moving an idle connection to another worker failed")
        sock.close()
    return True
