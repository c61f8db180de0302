"""Servers with several workers, of every kind: one table."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from benchmarks.servers import SERVERS, Launch, Server

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FLEETS", "Fleet"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """A server and a kind of worker."""

    name: str
    server: Server
    options: Callable[[int], list[str]]
    """What its command line has in addition, for a number of workers."""

    def of(self, workers: int) -> Server:
        """The server with so many workers."""

        def command(launch: Launch) -> list[str]:
            return [*self.server.command(launch), *self.options(workers)]

        return dataclasses.replace(self.server, name=f"{self.name} x {workers}", command=command)


_ALL: Final = (
    Fleet(
        name="pounce threads",
        server=SERVERS["pounce"],
        options=lambda workers: ["--worker-kind", "thread", "--workers", str(workers)],
    ),
    Fleet(
        name="pounce processes",
        server=SERVERS["pounce"],
        options=lambda workers: ["--worker-kind", "process", "--workers", str(workers)],
    ),
    Fleet(name="uvicorn", server=SERVERS["uvicorn"], options=lambda workers: ["--workers", str(workers)]),
    Fleet(name="granian", server=SERVERS["granian"], options=lambda workers: ["--workers", str(workers)]),
)

FLEETS: Final = {fleet.name: fleet for fleet in _ALL}
