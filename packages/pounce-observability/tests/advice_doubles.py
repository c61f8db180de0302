"""A loop that does what a test says, as those see it who watch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["APP", "FakeFrame", "FakeLoop", "FakeRequest", "FakeTurn", "FakeWorker", "stack"]

APP = "/srv/app.py"


class FakeFrame(NamedTuple):
    file: str
    line: int
    function: str


class FakeRequest(NamedTuple):
    method: str = "GET"
    path: str = "/slow"
    protocol: str = "h2"


def stack(*functions: str, file: str = APP, line: int = 7) -> list[FakeFrame]:
    """The server's frame, and one of the application for each function."""
    return [
        FakeFrame("/srv/pounce_workers/worker.py", 1, "run"),
        *(FakeFrame(file, line + number, name) for number, name in enumerate(functions)),
    ]


@dataclass
class FakeTurn:
    asked: float
    began: float = 0.0
    ended: float = 0.0


@dataclass
class FakeWorker:
    load: int = 1
    requests_served: int = 0


@dataclass(eq=False)
class FakeLoop:
    """Time is what the test sets."""

    now: float = 1000.0
    worker_id: int = 2
    name: str = "worker"
    thread_id: int = 77
    calm: bool = True
    asleep: bool = True
    running: Any = None
    """Its task."""
    frames: list[FakeFrame] = field(default_factory=lambda: stack("handler", "query"))
    asked_by: FakeRequest | None = field(default_factory=FakeRequest)
    turn: FakeTurn | None = None
    cpu: float = 0.0
    """Processor time of its thread."""
    samples: int = 0
    alive: bool = True
    of_requests: frozenset[Any] = frozenset()
    requests_of_closed: int = 0

    @property
    def loop(self) -> Any:
        return self

    def ask(self) -> FakeTurn | None:
        self.turn = FakeTurn(self.now)
        return self.turn

    def task(self) -> Any:
        return self.running

    def stack(self) -> list[FakeFrame]:
        self.samples += 1
        return self.frames

    def request(self, task: Any, /) -> FakeRequest | None:
        return self.asked_by if task is not None else None

    def ask_requests(self, answer: Callable[[frozenset[Any]], None], /) -> bool:
        if self.alive:
            answer(self.of_requests)
        return self.alive

    # -- what it does ------------------------------------------------------------------------------------------------

    def begin(self, task: Any = None) -> None:
        """It wakes up, and runs a task."""
        self.asleep = False
        self.running = object() if task is None else task
        if self.turn is not None:
            self.turn.began = self.now

    def end(self) -> None:
        """It is through with its turn, and sleeps."""
        self.asleep = True
        self.running = None
        if self.turn is not None:
            self.turn.ended = self.now
