"""Listening sockets of each worker's own, side by side on the same ports: ``--distribution reuseport``.

They are opened once, here, and outlive the workers: whoever follows one, after a crash or with new code, goes on with
its sockets. Were they closed with it, the system would reset every client that waits in their backlog.
"""

from __future__ import annotations

import contextlib
import socket
from typing import TYPE_CHECKING

from pounce_asgi import ConfigError
from pounce_workers import open_beside

from .addresses import Address, BindError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["PortShares"]


class PortShares:
    """Who listens where. Immutable, but for `close`."""

    def __init__(self, sockets: Sequence[socket.socket], workers: int, backlog: int) -> None:
        """The first worker takes the sockets that are there, which were opened with ``reuse_port``; each other one gets
        sockets of its own beside them. A UNIX socket has no port to share, so all workers accept on the same one.

        Raises:
            ConfigError: there is nothing that could be shared so.
            BindError: the system refused.
        """
        common = [sock for sock in sockets if not _is_tcp(sock)]
        ported = [sock for sock in sockets if _is_tcp(sock)]
        if not ported:
            raise ConfigError("distribution: 'reuseport' shares TCP ports among workers, and there is none")
        with contextlib.ExitStack() as on_error:
            each = [ported]
            for _ in range(workers - 1):
                each.append([])
                for sock in ported:
                    each[-1].append(_beside(sock, backlog))
                    on_error.callback(each[-1][-1].close)
            on_error.pop_all()
        self.has_common = bool(common)
        """Whether workers accept on some sockets together."""
        self.sockets = (*(sock for own in each for sock in own), *common)
        """All of them."""
        self._each = tuple((*own, *common) for own in each)
        shared = range(workers * len(ported), len(self.sockets))
        self.places = tuple((*range(one * len(ported), (one + 1) * len(ported)), *shared) for one in range(workers))
        """For each worker the indices of its sockets in `sockets`."""

    def of(self, worker_id: int) -> tuple[socket.socket, ...]:
        """The sockets on which a worker accepts."""
        return self._each[worker_id]

    def close(self) -> None:
        """Close all of them; safe to call twice."""
        for sock in self.sockets:
            sock.close()


def _is_tcp(sock: socket.socket) -> bool:
    return sock.family in (socket.AF_INET, socket.AF_INET6)


def _beside(sock: socket.socket, backlog: int) -> socket.socket:
    try:
        return open_beside(sock, backlog)
    except ValueError:
        raise ConfigError(
            f"distribution: the inherited socket on {Address.of(sock).url} cannot be shared by several workers; "
            "it needs SO_REUSEPORT (ReusePort=yes in a systemd socket unit)"
        ) from None
    except OSError as error:
        raise BindError(f"cannot listen on {Address.of(sock).url} once more: {error.strerror or error}") from error
