"""The half of a loop that serves connections which come from other loops and go to others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_workers.net.movable_transport import MovableTransport
from pounce_workers.serving.loop_server import LoopServer
from pounce_workers.serving.movable_connection import MovingWire

if TYPE_CHECKING:
    import socket

    from pounce_asgi import ConnectionProtocol
    from pounce_workers.serving.connection_budget import ConnectionBudget
    from pounce_workers.serving.movable_connection import ConnectionHome, MovableConnection

__all__ = ["MovingServer"]


class MovingServer(LoopServer):
    """A `LoopServer` for `MovableConnection`s. Owned by its loop's thread."""

    wire: MovingWire

    def __init__(self, home: ConnectionHome, **options: Any) -> None:
        """``home`` is told what becomes of connections here; the rest is as for `LoopServer`."""
        self._home = home
        super().__init__(**options)

    def new_wire(self, budget: ConnectionBudget | None) -> MovingWire:
        """What makes and keeps the connections."""
        return MovingWire(
            self.context, self._home, loop=self.loop, sweeper=self.sweeper, settings=self.settings, budget=budget
        )

    def new_transport(
        self, sock: socket.socket, peer: tuple[str, int] | None, local: tuple[str, int | None] | None
    ) -> MovableTransport:
        """What moves a connection's bytes."""
        return MovableTransport(
            sock,
            loop=self.loop,
            poller=self.poller,
            sweeper=self.sweeper,
            peer=peer,
            local=local,
            write_stall=self.settings.worker.timeout_write_stall,
        )

    def take(self, connection: MovableConnection) -> None:
        """Have a connection that came from elsewhere. It is not watched yet."""
        self.wire.take(connection)
        connection.transport.enter(self.loop, self.poller, self.sweeper)

    def part_with(self, connection: MovableConnection) -> MovableConnection:
        """Let it go elsewhere."""
        self.wire.part_with(connection)
        return connection

    def has(self, connection: ConnectionProtocol) -> bool:
        """Whether it is here."""
        return connection in self.wire.connections
