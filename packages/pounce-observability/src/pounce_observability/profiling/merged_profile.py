"""The answers of all processes as one profile: the worker, then the thread, are the roots of each stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pounce_asgi import ConfigError

from .stack_readers import Frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["MergedProfile", "ProfileError"]


class ProfileError(ConfigError):
    """There is no profile; the message says why and what to do."""


class MergedProfile(NamedTuple):
    """Stacks with how often each was seen, outermost frame first; times in seconds."""

    stacks: Sequence[tuple[tuple[Frame, ...], int]]
    interval: float
    """Between two samples, on average: what one count stands for."""
    seconds: float
    samples: int
    notes: list[str]
    """What a reader should know: processes that did not answer, samples that failed."""

    @classmethod
    def of_processes(cls, processes: Sequence[Mapping[str, Any]]) -> MergedProfile:
        """What `ProfileEndpoint` answered.

        Raises:
            ProfileError: none of them has made one.
        """
        stacks: list[tuple[tuple[Frame, ...], int]] = []
        notes: list[str] = []
        made = []
        for process in processes:
            name, value = _name(process), process.get("value")
            if not isinstance(value, dict):
                notes.append(f"{name} did not answer: {process.get('error') or 'it may have ended'}")
            elif "error" in value:
                notes.append(f"{name}: {value['error']}")
            else:
                made.append(value)
                notes.extend(_notes(name, value))
                stacks.extend(_stacks_of(value, [Frame(name, "", 0)] if len(processes) > 1 else []))
        if not made:
            raise ProfileError("; ".join(notes) or "no process of the server has answered")
        samples = sum(value["samples"] for value in made)
        seconds = max(value["seconds"] for value in made)
        spent = sum(value["seconds"] for value in made)
        return cls(stacks, spent / max(samples, 1), seconds, samples, notes)

    @classmethod
    def of_folded(cls, text: str, *, interval: float, seconds: float) -> MergedProfile:
        """What other profilers write: frames with semicolons between them, a space, and a count.

        Raises:
            ProfileError: there is nothing in it.
        """
        stacks = []
        for line in text.splitlines():
            names, _, count = line.rpartition(" ")
            if names and count.isdigit():
                stacks.append((tuple(_frame(name) for name in names.split(";")), int(count)))
        if not stacks:
            raise ProfileError("no thread did anything in this time; with --idle those that only waited are shown too")
        return cls(stacks, interval, seconds, max(round(seconds / interval), 1), [])


def _name(process: Mapping[str, Any]) -> str:
    worker_id = process.get("worker_id")
    return f"process {process.get('pid')}" if worker_id is None else f"worker {worker_id} (pid {process.get('pid')})"


def _notes(name: str, value: Mapping[str, Any]) -> Iterable[str]:
    if value["missed"]:
        yield f"{name}: {value['missed']} samples failed"
    if value["left_out"]:
        yield f"{name}: {value['left_out']} stacks were left out, being too many different ones"


def _stacks_of(value: Mapping[str, Any], roots: list[Frame]) -> Iterable[tuple[tuple[Frame, ...], int]]:
    frames = [Frame(str(function), str(file), int(line)) for function, file, line in value["frames"]]
    for thread, places, count in value["stacks"]:
        yield (*roots, Frame(str(thread), "", 0), *(frames[place] for place in places)), int(count)


def _frame(name: str) -> Frame:
    """``function (file:line)``, as py-spy writes it; anything else is a function."""
    function, opened, place = name.rpartition(" (")
    file, colon, line = place.removesuffix(")").rpartition(":")
    if opened and place.endswith(")") and colon and line.isdigit():
        return Frame(function, file, int(line))
    return Frame(name, "", 0)
