"""What can happen to a server: the inputs of `pounce.stages.step`. Records, made by whoever sees it happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from .stage_message import StageMessage

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


class ConfigLoaded(StageMessage):
    """The configuration is whole."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class KindDetected(StageMessage):
    """Threads or processes: it is decided. Where threads serve, the application has been imported."""

    kind: Literal["thread", "process"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Bound(StageMessage):
    """The listening sockets are there; nobody accepts yet."""

    addresses: tuple[Address, ...] = ()


class WorkersReady(StageMessage):
    """Every worker of the first generation has run its lifespan's startup and serves."""

    __slots__ = ()


class ReloadRequested(StageMessage):
    """A file has changed, or an operator asked for it (SIGHUP)."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class GenerationReady(StageMessage):
    """All workers of a new generation could serve."""

    generation: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class GenerationFailed(StageMessage):
    """A new generation cannot serve; what there was of it has been given up."""

    generation: int
    reason: str = ""


class LogFilesMoved(StageMessage):
    """The files of the logs are to be opened anew (SIGUSR1). The table does not have it: it changes no stage."""

    __slots__ = ()


class StopRequested(StageMessage):
    """A signal or a call asks the server to stop; each asks with more emphasis than the one before."""

    __slots__ = ()


class Drained(StageMessage):
    """Every worker, of every generation, has ended, or was given up."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Failed(StageMessage):
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
