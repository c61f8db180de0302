"""Load on a server, by the generator that its workload asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from benchmarks.generator import LoadReport, run_own_generator
from benchmarks.h2_load import run_h2load
from benchmarks.workloads import Load, Workload
from benchmarks.wrk_load import run_wrk

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["put_load"]


def _handshakes(port: int, workload: Workload, *, seconds: int, core: int | None) -> LoadReport:
    arguments = [str(port), "--connections", str(workload.connections), "--answer", workload.answer.decode("ascii")]
    return run_own_generator("benchmarks.handshake_load", arguments, seconds=seconds, core=core)


def _messages(port: int, workload: Workload, *, seconds: int, core: int | None) -> LoadReport:
    arguments = [str(port), "--connections", str(workload.connections), "--size", str(len(workload.answer))]
    return run_own_generator("benchmarks.websocket_load", arguments, seconds=seconds, core=core)


def _over_http3(port: int, workload: Workload, *, seconds: int, core: int | None) -> LoadReport:
    numbers = ["--connections", str(workload.connections), "--streams", str(workload.streams)]
    arguments = [str(port), *numbers, "--answer", workload.answer.decode("ascii")]
    return run_own_generator("benchmarks.quic_load", arguments, seconds=seconds, core=core)


GENERATORS: Final[dict[Load, Callable[..., LoadReport]]] = {
    Load.WRK: run_wrk,
    Load.H2LOAD: run_h2load,
    Load.HANDSHAKES: _handshakes,
    Load.MESSAGES: _messages,
    Load.QUIC: _over_http3,
}


def put_load(port: int, workload: Workload, *, seconds: int, core: int | None) -> LoadReport:
    """Send requests for that many seconds.

    Raises:
        LoadError: the load generator did not do its work.
    """
    return GENERATORS[workload.load](port, workload, seconds=seconds, core=core)
