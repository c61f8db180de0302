"""What is to be done: the outputs of `pounce.stages.step`. Orders, as data; whoever drives the server carries them out.

They are carried out in the order given, and none waits for what it starts: news of that come as events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .stage_message import StageMessage

__all__ = [
    "Announce",
    "BeginDrain",
    "Bind",
    "CloseSockets",
    "DetectKind",
    "Effect",
    "Exit",
    "HastenDrain",
    "KillWorkers",
    "NotifyReady",
    "NotifyReloading",
    "NotifyStopping",
    "Report",
    "StartGeneration",
    "StartWorkers",
    "SwitchGeneration",
]


class DetectKind(StageMessage):
    """Decide between threads and processes; import the application where threads serve."""

    __slots__ = ()


class Bind(StageMessage):
    """Open the listening sockets."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class StartWorkers(StageMessage):
    """Start the workers of the first generation; their lifespans begin."""

    kind: Literal["thread", "process"]


class Announce(StageMessage):
    """Show the banner: it serves."""

    __slots__ = ()


class NotifyReady(StageMessage):
    """Tell the service manager that it serves."""

    __slots__ = ()


class NotifyReloading(StageMessage):
    """Tell the service manager that it reloads."""

    __slots__ = ()


class NotifyStopping(StageMessage):
    """Tell the service manager that it ends; readiness probes are told too."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class StartGeneration(StageMessage):
    """Import the application afresh and start workers for it, beside those that serve."""

    generation: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SwitchGeneration(StageMessage):
    """New connections go to this generation from now on; the one before it finishes what it has, and ends."""

    generation: int


class BeginDrain(StageMessage):
    """Accept no more; every worker finishes what is in flight within ``graceful_timeout``, and ends."""

    __slots__ = ()


class HastenDrain(StageMessage):
    """Every worker ends at once; what is in flight is cancelled."""

    __slots__ = ()


class KillWorkers(StageMessage):
    """Workers that are left end without their own help: processes are killed, threads are left behind, named."""

    __slots__ = ()


class CloseSockets(StageMessage):
    """Close the listening sockets and remove what they left in the file system."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Report(StageMessage):
    """Show what went wrong: an error, or a sentence."""

    what: BaseException | str


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Exit(StageMessage):
    """The end, with this exit code. Nothing follows it."""

    code: int


Effect = (
    DetectKind
    | Bind
    | StartWorkers
    | Announce
    | NotifyReady
    | NotifyReloading
    | NotifyStopping
    | StartGeneration
    | SwitchGeneration
    | BeginDrain
    | HastenDrain
    | KillWorkers
    | CloseSockets
    | Report
    | Exit
)
