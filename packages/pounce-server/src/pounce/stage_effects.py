"""What is to be done: the outputs of `pounce.stages.step`. Orders, as data; whoever drives the server carries them out.

They are carried out in the order given, and none waits for what it starts: news of that come as events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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


@dataclass(frozen=True, slots=True, kw_only=True)
class DetectKind:
    """Decide between threads and processes; import the application where threads serve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bind:
    """Open the listening sockets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartWorkers:
    """Start the workers of the first generation; their lifespans begin."""

    kind: Literal["thread", "process"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Announce:
    """Show the banner: it serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyReady:
    """Tell the service manager that it serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyReloading:
    """Tell the service manager that it reloads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyStopping:
    """Tell the service manager that it ends; readiness probes are told too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartGeneration:
    """Import the application afresh and start workers for it, beside those that serve."""

    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchGeneration:
    """New connections go to this generation from now on; the one before it finishes what it has, and ends."""

    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginDrain:
    """Accept no more; every worker finishes what is in flight within ``graceful_timeout``, and ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HastenDrain:
    """Every worker ends at once; what is in flight is cancelled."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KillWorkers:
    """Workers that are left end without their own help: processes are killed, threads are left behind, named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseSockets:
    """Close the listening sockets and remove what they left in the file system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Show what went wrong: an error, or a sentence."""

    what: BaseException | str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
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
