"""HTTP/3 of one server: its UDP ports and keys in the main process, and what its workers are given of them."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

from pounce_asgi import ConfigError
from pounce_workers import DatagramRoutes, DatagramShare, DatagramSockets, PeerFolder, bind_udp

from .addresses import Address, refusal_in_words
from .http3_payload import Http3Payload
from .places import TcpPlace, parse_place

if TYPE_CHECKING:
    import contextlib
    import socket
    from collections.abc import Mapping, Sequence

    from pounce_asgi.datagrams import DatagramEndpointMaker

    from .config import ServerConfig

__all__ = ["Http3Ports", "Http3Service", "opened_http3", "service_in_process"]

_log = logging.getLogger("pounce.server")


class Http3Ports:
    """The UDP ports of a server, from binding to the end. They outlive the workers, so that a reload loses nothing."""

    def __init__(self, config: ServerConfig, workers: int, *, processes: bool) -> None:
        """
        Raises:
            ConfigError: several processes cannot share a port here.
            BindError: the system refused.
        """
        if processes and workers > 1 and os.name == "nt":
            raise ConfigError(
                "quic_bind: worker processes find each other by UNIX sockets of datagrams, which Windows does not have;"
                " set workers to 1, or worker_kind to thread"
            )
        places = [place for place in map(parse_place, config.quic_bind) if isinstance(place, TcpPlace)]
        with refusal_in_words(*places, option="--quic-bind"):
            self.slots: Sequence[DatagramSockets] = bind_udp(places, slots=workers)
        self.secret = os.urandom(32)
        self._folder = PeerFolder.make() if processes else None

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where HTTP/3 is served."""
        return tuple(Address.of(sock, secure=True)._replace(http3=True) for sock in self.slots[0].sockets)

    @property
    def sockets(self) -> tuple[socket.socket, ...]:
        """Those of all workers, in their order."""
        return tuple(sock for slot in self.slots for sock in slot.sockets)

    def service(self, config: ServerConfig, certificates: Any) -> Http3Service:
        """For workers that are threads of this process."""
        return Http3Service(config, certificates, self.secret, dict(enumerate(self.slots)))

    def payload(self, first: int) -> Http3Payload:
        """For the worker processes, which inherit the sockets from this index on."""
        assert self._folder is not None
        return Http3Payload(
            secret=self.secret,
            first=first,
            count=len(self.slots[0].sockets),
            reads=tuple(slot.reads for slot in self.slots),
            folder=self._folder.path,
        )

    def close(self) -> None:
        """Every worker has ended."""
        for slot in self.slots:
            slot.close()
        if self._folder is not None:
            self._folder.remove()


class Http3Service:
    """HTTP/3 in one process: made once for all generations of workers. Any thread may use it."""

    def __init__(
        self,
        config: ServerConfig,
        certificates: Any,
        secret: bytes,
        slots: Mapping[int, DatagramSockets],
        folder: str | None = None,
    ) -> None:
        """``slots`` are the sockets by worker, ``folder`` is where other processes are found."""
        from pounce_h3 import Engines, QuicKeys, QuicSessions
        from pounce_h3.endpoint_maker import Http3Endpoints

        engines = Engines(config.h3, certificates, QuicSessions())
        self.endpoints: DatagramEndpointMaker = Http3Endpoints(config.h3, engines, QuicKeys(secret))
        self.alt_svc = _announcement(config, slots)
        self._slots = slots
        self._routes = DatagramRoutes()
        self._folder = folder

    def share(self, worker_id: int) -> DatagramShare:
        """What a worker is given."""
        return DatagramShare(sockets=self._slots[worker_id], routes=self._routes, peers_folder=self._folder)


def opened_http3(
    config: ServerConfig, certificates: Any, workers: int, stack: contextlib.ExitStack
) -> tuple[Http3Service, tuple[Address, ...]]:
    """That of a server whose workers are threads, and where it is served; closed with the stack.

    Raises:
        BindError: the system refused.
    """
    ports = Http3Ports(config, workers, processes=False)
    stack.callback(ports.close)
    return ports.service(config, certificates), ports.addresses


def service_in_process(
    config: ServerConfig, payload: Http3Payload, certificates: Any, sockets: Sequence[socket.socket], worker_id: int
) -> Http3Service:
    """That of a worker process. ``sockets`` are all that it has inherited; the UDP sockets of others are closed."""
    mine = range(payload.first + worker_id * payload.count, payload.first + (worker_id + 1) * payload.count)
    for index in range(payload.first, len(sockets)):
        if index not in mine:
            sockets[index].close()
    own = DatagramSockets([sockets[index] for index in mine], reads=payload.reads[worker_id])
    return Http3Service(config, certificates, payload.secret, {worker_id: own}, payload.folder)


def _announcement(config: ServerConfig, slots: Mapping[int, DatagramSockets]) -> str | None:
    """The value of Alt-Svc (RFC 7838, 3): the ports, on whatever host the client has found the server."""
    if config.alt_svc_max_age is None:
        return None
    some = next(iter(slots.values()))
    ports = dict.fromkeys(sock.getsockname()[1] for sock in some.sockets)
    return ", ".join(f'h3=":{port}"; ma={config.alt_svc_max_age}' for port in ports)
