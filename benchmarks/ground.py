"""What is the same for every measurement of a run: the servers, their interpreters, the cores, and taking turns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar

from benchmarks.generator import LoadError
from benchmarks.machine import Cores, Interpreter
from benchmarks.peers import loud
from benchmarks.servers import ServerError
from benchmarks.serving import serving

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from benchmarks.servers import Mode, Server
    from benchmarks.workloads import Workload

__all__ = ["Ground", "Taken"]

TurnT = TypeVar("TurnT")


@dataclass(slots=True)
class Taken(Generic[TurnT]):
    """What one server did in all rounds, and why it was taken out of them if it was."""

    turns: list[TurnT] = field(default_factory=list)
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Servers on this machine."""

    servers: Sequence[Server]
    ours: Interpreter
    peers: Interpreter | None
    rounds: int
    seconds: int
    """Length of one measurement."""
    warm_up: int
    """Seconds of load before it."""
    cores: Cores = field(default_factory=Cores.choose)

    def able(self, workload: Workload) -> list[Server]:
        """The servers that can be asked this."""
        return [
            server
            for server in self.servers
            if workload.wire in server.wires and (workload.static or not server.program)
        ]

    def serving(
        self, server: Server, workload: Workload, mode: Mode
    ) -> AbstractContextManager[tuple[subprocess.Popen[bytes], int]]:
        """The server on its core, with its process and port; see `serving`."""
        python = self.ours if server.ours or self.peers is None else self.peers
        return serving(server, workload, mode, python=python.path, core=self.cores.server)

    def in_turns(
        self, servers: Sequence[Server], take: Callable[[Server, int], TurnT], what: object
    ) -> dict[str, Taken[TurnT]]:
        """Have each server take its turn in each round. One that fails is out of the rounds that are left."""
        taken: dict[str, Taken[TurnT]] = {server.name: Taken() for server in servers}
        for number in range(self.rounds):
            # Nobody always comes after the same one.
            first = number % max(len(servers), 1)
            for server in [*servers[first:], *servers[:first]]:
                if taken[server.name].problem:
                    continue
                try:
                    taken[server.name].turns.append(take(server, number))
                except (ServerError, LoadError) as error:
                    taken[server.name].problem = str(error)
                    loud(f"{server.name}, {what}: {error}")
        return taken
