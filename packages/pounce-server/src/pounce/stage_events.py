"""What can happen to a server: the inputs of `pounce.stages.step`. Records, made by whoever sees it happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .addresses import Address

__all__ = [
    "Bound",
    "ConfigLoaded",
    "Drained",
    "Event",
    "Failed",
    "GenerationFailed",
    "GenerationReady",
    "KindDetected",
    "LogFilesMoved",
    "ReloadRequested",
    "StopRequested",
    "WorkersReady",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigLoaded:
    """The configuration is whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KindDetected:
    """Threads or processes: it is decided. Where threads serve, the application has been imported."""

    kind: Literal["thread", "process"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """The listening sockets are there; nobody accepts yet."""

    addresses: tuple[Address, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkersReady:
    """Every worker of the first generation has run its lifespan's startup and serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReloadRequested:
    """A file has changed, or an operator asked for it (SIGHUP)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationReady:
    """All workers of a new generation could serve."""

    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GenerationFailed:
    """A new generation cannot serve; what there was of it has been given up."""

    generation: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogFilesMoved:
    """The files of the logs are to be opened anew (SIGUSR1). The table does not have it: it changes no stage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRequested:
    """A signal or a call asks the server to stop; each asks with more emphasis than the one before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drained:
    """Every worker, of every generation, has ended, or was given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The server cannot go on. That a worker dies is none of this unless the supervisor cannot replace it."""

    error: BaseException
    code: int = 1
    """The exit code that tells of it: 2 for what a person gave, 1 for the machine and the application."""


Event = (
    ConfigLoaded
    | KindDetected
    | Bound
    | WorkersReady
    | ReloadRequested
    | GenerationReady
    | GenerationFailed
    | StopRequested
    | Drained
    | Failed
)
