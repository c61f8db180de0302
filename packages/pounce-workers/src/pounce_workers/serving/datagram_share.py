"""A worker's part of the UDP ports of its server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pounce_workers.net.datagram_peers import DatagramPeers
from pounce_workers.net.datagram_service import DatagramService

if TYPE_CHECKING:
    import asyncio

    from pounce_workers.net.datagram_routes import DatagramRoutes
    from pounce_workers.net.datagram_socket import DatagramSockets
    from pounce_workers.net.poller import Poller

__all__ = ["DatagramShare"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatagramShare:
    """Where a worker reads datagrams, and how it finds those to whom others belong."""

    sockets: DatagramSockets
    """Of the worker's place. They are the server's, and outlive the worker."""
    routes: DatagramRoutes
    """Of all workers of this process."""
    peers_folder: str | None = None
    """In which the processes of the server find each other; None where there is one."""

    def service(self, loop: asyncio.AbstractEventLoop, poller: Poller) -> DatagramService:
        """What reads and sends, in the thread of this loop."""
        peers = DatagramPeers(self.peers_folder) if self.peers_folder is not None else None
        return DatagramService(self.sockets, self.routes, loop=loop, poller=poller, peers=peers)
