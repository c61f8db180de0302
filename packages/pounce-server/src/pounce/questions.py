"""What is asked of a server that runs, whatever its workers are: metrics, connections, tasks, a profile.

A question is a name and arguments, answered by each process that serves, in values of JSON. Threads are all in this
process, which answers for them. With worker processes the main one asks each of them, and a worker that wants to know
of the others asks the main process.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, Protocol, TypedDict

from pounce_workers import NoAnswer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pounce_workers import Answer, Birth, ProcessSlot, SlotHandle

__all__ = ["GATHER", "ChildQuestions", "LocalQuestions", "ParentQuestions", "ProcessAnswer", "Questions"]

GATHER: Final = "gather"
"""What a worker process asks the main one: to ask all."""

SPARE: Final = 1.0
"""Seconds that a worker process gives the main one on top, to collect the answers."""

MOST_ASKED_AT_ONCE: Final = 64
"""Threads for the processes that are asked; each mostly waits."""


class ProcessAnswer(TypedDict):
    """What one process answered."""

    pid: int
    worker_id: int | None
    """The worker that it is; None where all workers are threads of it."""
    generation: int | None
    """The import of the application that it serves; None as above."""
    value: Any
    """The answer; None if there is none."""
    error: str
    """Why there is none, else empty."""


class Questions(Protocol):
    """Asks every process that serves."""

    answers: dict[str, Answer]
    """What this process answers itself, by name."""

    def gather(self, name: str, arguments: Mapping[str, Any], timeout: float) -> list[ProcessAnswer]:
        """The answer of each process, in the order of their workers. Blocks, at most ``timeout`` seconds and a little.

        Raises:
            NoAnswer: the processes cannot be reached at all.
        """


class LocalQuestions:
    """All workers are threads of this process."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}

    def gather(self, name: str, arguments: Mapping[str, Any], timeout: float) -> list[ProcessAnswer]:  # noqa: ARG002
        """As `Questions.gather`. What answers keeps to its own time."""
        return [_answer(os.getpid(), None, None, lambda: _own(self.answers, name)(dict(arguments)))]


class ParentQuestions:
    """The main process of several; ``answers`` are for what the workers ask it."""

    def __init__(self, handles: Callable[[], Sequence[SlotHandle]]) -> None:
        """``handles``: all workers, those that are leaving too. Called in any thread."""
        self.answers: dict[str, Answer] = {GATHER: self._gather_for_child}
        self._handles = handles

    def gather(self, name: str, arguments: Mapping[str, Any], timeout: float) -> list[ProcessAnswer]:
        """As `Questions.gather`: asks all at once. One that has not started to serve yet says so."""
        from pounce_workers import ProcessSlot  # whoever has processes has imported it already

        slots = [each for each in self._handles() if isinstance(each, ProcessSlot)]
        slots.sort(key=lambda slot: (slot.worker_id, slot.generation))
        if not slots:
            return []
        deadline = time.monotonic() + timeout

        def ask(slot: ProcessSlot) -> ProcessAnswer:
            left = max(0.0, deadline - time.monotonic())
            return _answer(slot.pid or 0, slot.worker_id, slot.generation, lambda: slot.ask(name, arguments, left))

        with ThreadPoolExecutor(min(len(slots), MOST_ASKED_AT_ONCE), thread_name_prefix="pounce-ask") as pool:
            return list(pool.map(ask, slots))

    def _gather_for_child(self, arguments: dict[str, Any]) -> list[ProcessAnswer]:
        return self.gather(arguments["name"], arguments["arguments"], arguments["timeout"])


class ChildQuestions:
    """A worker process."""

    def __init__(self, birth: Birth) -> None:
        self.answers = birth.answers
        self._birth = birth

    def gather(self, name: str, arguments: Mapping[str, Any], timeout: float) -> list[ProcessAnswer]:
        """As `Questions.gather`: by way of the main process, which asks this one too."""
        asked = {"name": name, "arguments": dict(arguments), "timeout": timeout}
        answers: list[ProcessAnswer] = self._birth.ask(GATHER, asked, timeout + SPARE)
        return answers


def _own(answers: Mapping[str, Answer], name: str) -> Answer:
    try:
        return answers[name]
    except KeyError:
        raise NoAnswer(f"nothing is known of {name!r}") from None


def _answer(pid: int, worker_id: int | None, generation: int | None, ask: Callable[[], Any]) -> ProcessAnswer:
    value, error = None, ""
    try:
        value = ask()
    except NoAnswer as reason:
        error = str(reason)
    return ProcessAnswer(pid=pid, worker_id=worker_id, generation=generation, value=value, error=error)
