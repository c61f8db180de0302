"""What a server has at a moment: from outside by ``/proc``, and from its own application and introspection."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.process_tree import members

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable

__all__ = ["QUANTITIES", "Reading", "UnixHttp", "read_now"]

QUANTITIES: Final = ("memory", "descriptors", "threads", "tasks", "connections", "generations", "objects")
TRIES: Final = 60
"""How often the application is asked at most, until each worker process has answered."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Sums over all processes of a server."""

    memory: int
    """Bytes that are its own alone (USS): what it shares with other processes is not its growth."""
    resident: int
    """Bytes (RSS), each process by itself."""
    descriptors: int
    threads: int
    """Without those of the loops' executors, which come when something is first compressed, or read from a disk."""
    tasks: int
    """Of all loops of the workers. The one that answers is none of them: the server runs it without."""
    connections: int
    generations: int
    """Imports of the application of which something is still alive, after a collection."""

    objects: int
    """That the garbage collector knows."""
    names: tuple[str, ...]
    """Of the threads that Python knows."""

    def values(self) -> dict[str, int]:
        """Those that are numbers."""
        return {name: getattr(self, name) for name in QUANTITIES}


class UnixHttp(http.client.HTTPConnection):
    """A connection through a UNIX socket, over TLS where a context is given."""

    def __init__(self, path: str, tls: ssl.SSLContext | None = None, timeout: float = 20.0) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path
        self._tls = tls

    def connect(self) -> None:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(self.timeout)
        sock.connect(self._path)
        self.sock = self._tls.wrap_socket(sock, server_hostname="localhost") if self._tls else sock


def read_now(pid: int, ask: Callable[[], UnixHttp], introspection: Callable[[], UnixHttp]) -> Reading:
    """``ask``: a new connection to the application. Blocks; raises OSError while the server is away."""
    told: dict[int, dict[str, Any]] = {}
    for _ in range(TRIES):
        one = _get(ask(), "/reading")
        told[one["pid"]] = one
        serving = members(pid)[1:] or [pid]
        if told.keys() >= set(serving) - _no_workers(serving):
            break
    names = tuple(name for one in told.values() for name in one["names"])
    value = [one["value"] for one in _get(introspection(), "/_pounce/connections?limit=1")["processes"]]
    processes = members(pid)
    return Reading(
        memory=sum(_memory(each, "Private_Clean", "Private_Dirty") for each in processes),
        resident=sum(_memory(each, "Rss") for each in processes),
        descriptors=sum(_entries(each, "fd") for each in processes),
        threads=sum(_entries(each, "task") for each in processes) - sum("executor" in name for name in names),
        tasks=sum(one["tasks"] for one in told.values()),
        connections=sum(one["total"] for one in value if one),
        generations=sum(one["generations"] for one in told.values()),
        objects=sum(one["objects"] for one in told.values()),
        names=names,
    )


def _no_workers(pids: list[int]) -> set[int]:
    """The resource tracker of multiprocessing serves nobody."""
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            if b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.add(pid)
    return found


def _get(connection: UnixHttp, path: str) -> dict[str, Any]:
    with contextlib.closing(connection):
        connection.request("GET", path, headers={"connection": "close"})
        answer = connection.getresponse()
        assert answer.status == 200, f"{path}: {answer.status}"
        found: dict[str, Any] = json.loads(answer.read())
        return found


def _memory(pid: int, *names: str) -> int:
    total = 0
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, _, rest = line.partition(":")
            if name in names:
                total += int(rest.split()[0]) * 1024
    return total


def _entries(pid: int, name: str) -> int:
    with contextlib.suppress(OSError):
        return sum(1 for _ in Path(f"/proc/{pid}/{name}").iterdir())
    return 0
