"""Which kind of worker serves: decided from what the interpreter is, what was asked for and how many there are.

The decision is a pure function. On a free-threaded build it is taken twice: an extension module that is not ready for
free threading switches the GIL on for the whole process, and whether the application brings one is known only once it
has been imported. So, where the first decision says threads, import the application within a `GilWatch` and decide
again with what that found. When the second says processes, the import has served its purpose: forget it, and let each
process import the application for itself.
"""

from __future__ import annotations

import sys
import sysconfig
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_workers.supervision.gil_watch import GilCulprit

__all__ = ["Decision", "Interpreter", "RequestedKind", "WorkerKind", "detect_kind", "gil_is_on", "is_free_threaded"]

WorkerKind = Literal["thread", "process"]
RequestedKind = Literal["auto", "thread", "process"]

_PLURALS = {"thread": "threads", "process": "processes"}


def is_free_threaded() -> bool:
    """Whether the interpreter was built to run without a GIL."""
    return bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def gil_is_on() -> bool:
    """Whether the GIL is on at this moment. While an extension module is being imported it may be on for a while."""
    is_enabled = getattr(sys, "_is_gil_enabled", None)
    return True if is_enabled is None else bool(is_enabled())


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """What runs us, as far as the choice depends on it."""

    free_threaded: bool
    """It was built to run without a GIL."""
    gil_on: bool
    """The GIL is on nevertheless, or because there is no other way."""
    gil_forced: bool | None = None
    """True or False: ``PYTHON_GIL`` or ``-X gil`` keeps the GIL on or off, whatever is imported. None: neither."""

    @classmethod
    def now(cls) -> Interpreter:
        """The interpreter that runs this, as it is at this moment."""
        forced = getattr(sys.flags, "gil", None)
        return cls(
            free_threaded=is_free_threaded(),
            gil_on=gil_is_on(),
            gil_forced=None if forced is None else bool(forced),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What serves, and why."""

    kind: WorkerKind
    workers: int
    reason: str
    """Why, in words that can follow the kind."""
    warnings: tuple[str, ...] = ()
    """What the log should say about it, each a line."""
    culprits: tuple[GilCulprit, ...] = ()
    """What switched the GIL on, where that was seen."""

    @property
    def imports_here(self) -> bool:
        """Whether this process imports the application. Where processes serve, each of them does, and nobody else."""
        return self.kind == "thread"

    @property
    def summary(self) -> str:
        """``4 threads: the GIL is off``."""
        return f"{self.workers} {self.kind if self.workers == 1 else _PLURALS[self.kind]}: {self.reason}"


def detect_kind(
    interpreter: Interpreter,
    *,
    requested: RequestedKind = "auto",
    workers: int = 1,
    culprits: Sequence[GilCulprit] = (),
) -> Decision:
    """The kind of worker for this interpreter.

    ``culprits`` is what a `GilWatch` found while the application was imported. A single worker is a thread of this
    process, with a GIL or without, unless a process is asked for.
    """
    kind, reason = _chosen(interpreter, requested, workers, culprits)
    return Decision(
        kind=kind,
        workers=workers,
        reason=reason,
        warnings=_warnings(interpreter, requested, kind, workers, culprits),
        culprits=tuple(culprits),
    )


def _chosen(
    interpreter: Interpreter, requested: RequestedKind, workers: int, culprits: Sequence[GilCulprit]
) -> tuple[WorkerKind, str]:
    why = _why_on(interpreter, culprits) if interpreter.gil_on else _why_off(interpreter)
    if requested != "auto":
        return requested, f"asked for; {why}"
    if not interpreter.gil_on:
        return "thread", why
    if workers == 1:
        # Nothing is to run beside it, and a process more would only be in the way.
        return "thread", f"the only worker; {why}"
    return "process", why


def _why_off(interpreter: Interpreter) -> str:
    return "PYTHON_GIL=0 or -X gil=0 keeps the GIL off" if interpreter.gil_forced is False else "the GIL is off"


def _why_on(interpreter: Interpreter, culprits: Sequence[GilCulprit]) -> str:
    if not interpreter.free_threaded:
        return "this Python has a GIL"
    if interpreter.gil_forced:
        return "PYTHON_GIL=1 or -X gil=1 keeps the GIL on"
    if culprits:
        return f"{' and '.join(one.name for one in culprits)} switched the GIL on"
    return "the GIL was on before the application was imported"


def _warnings(
    interpreter: Interpreter,
    requested: RequestedKind,
    kind: WorkerKind,
    workers: int,
    culprits: Sequence[GilCulprit],
) -> tuple[str, ...]:
    lines = [one.warning for one in culprits]
    if interpreter.gil_on and requested == kind == "thread" and workers > 1:
        lines.append(
            f"{workers} worker threads share one GIL, so one of them runs Python at a time; "
            "--worker-kind process uses more cores"
        )
    return tuple(lines)
