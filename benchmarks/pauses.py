"""For how long garbage collections stop a server under load: the applications (`pause_apps`) time them themselves."""

from __future__ import annotations

import http.client
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchmarks.answers import ANSWER_SECONDS
from benchmarks.load import put_load
from benchmarks.servers import HOST, Mode, ServerError

if TYPE_CHECKING:
    from benchmarks.ground import Ground, Taken
    from benchmarks.servers import Server
    from benchmarks.workloads import Workload

__all__ = ["PauseTurn", "longest_pause", "measure_pauses"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseTurn:
    """What the collections of one server cost in one round."""

    requests: int
    collections: int
    longest: float
    """Seconds; 0 when there was none."""
    total: float
    """Seconds."""
    seconds: float
    """How long the load lasted."""


def measure_pauses(ground: Ground, workload: Workload) -> dict[str, Taken[PauseTurn]]:
    """Load every server that runs applications, as much as it takes, and ask for how long it stood still."""

    def take(server: Server, _: int) -> PauseTurn:
        with ground.serving(server, workload, Mode.QUIET) as (_process, port):
            if ground.warm_up:
                put_load(port, workload, seconds=ground.warm_up, core=ground.cores.load)
            _ask(port)  # counting begins
            report = put_load(port, workload, seconds=ground.seconds, core=ground.cores.load)
            said = _ask(port)
        turn = PauseTurn(requests=report.requests, seconds=report.seconds, **said)
        print(
            f"  {server.name:10} {turn.collections:10} collections {turn.longest * 1000:9.2f} ms at most",
            file=sys.stderr,
            flush=True,
        )
        return turn

    return ground.in_turns(ground.able(workload), take, workload.name)


def _ask(port: int) -> dict[str, Any]:
    connection = http.client.HTTPConnection(HOST, port, timeout=ANSWER_SECONDS)
    try:
        connection.request("GET", "/pauses")
        response = connection.getresponse()
        body = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise ServerError(f"does not tell its pauses: {error!r}") from error
    finally:
        connection.close()
    if response.status != 200:
        raise ServerError(f"does not tell its pauses but answers {response.status}")
    said: dict[str, Any] = json.loads(body)
    return said


def longest_pause(taken: Taken[PauseTurn]) -> float | None:
    """The longest of all rounds, in seconds; None when the server failed."""
    return None if taken.problem or not taken.turns else max(turn.longest for turn in taken.turns)
