"""Handles and launchers that start nothing, and a roster of them under a clock that is moved by hand."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from pounce_workers import WorkerSettings
from pounce_workers.supervision.roster import Roster, RosterEvents
from pounce_workers.supervision.slots import SlotExit

if TYPE_CHECKING:
    from pounce_workers.supervision.slots import MoveTo, SlotCallback, SlotHandle, SlotKind


class FakeHandle:
    """Notes what it is told; ends when the test says so."""

    def __init__(self, worker_id: int, generation: int = 1, kind: SlotKind = "process", born: float = 0.0) -> None:
        self.worker_id = worker_id
        self.generation = generation
        self.kind = kind
        self.exit: SlotExit | None = None
        self.last_beat = born
        self.load = 0
        self.requests_served = 0
        self.rss: int | None = None
        self.told: list[str] = []

    def __repr__(self) -> str:
        return f"<{self.kind} {self.worker_id} told {self.told} {self.exit or 'alive'}>"

    def is_alive(self) -> bool:
        return self.exit is None

    def retire(self, move_to: MoveTo | None = None) -> None:
        self.told.append("retire")

    def drain(self) -> None:
        self.told.append("drain")

    def stop_now(self) -> None:
        self.told.append("stop_now")

    def kill(self) -> None:
        self.told.append("kill")

    def stack(self) -> str:
        return "  its stack"


class FakeLauncher:
    """Makes fake handles, in ``born``. ``refuse`` lets the next starts fail."""

    def __init__(self, kind: SlotKind = "process", generation: int = 1) -> None:
        self.kind = kind
        self.generation = generation
        self.born: list[FakeHandle] = []
        self.now = 0.0
        self.refuse = 0

    def start(self, worker_id: int, *, on_ready: SlotCallback, on_exit: SlotCallback) -> FakeHandle:
        if self.refuse:
            self.refuse -= 1
            raise OSError(11, "no more processes")
        handle = FakeHandle(worker_id, self.generation, self.kind, born=self.now)
        self.born.append(handle)
        return handle


class RosterUnderTest:
    """A roster, and a clock that it is moved by."""

    def __init__(
        self, count: int = 2, kind: SlotKind = "process", shutdown_timeout: float = 5.0, **settings: Any
    ) -> None:
        self.now = 1000.0
        self.launcher = FakeLauncher(kind)
        self.launcher.now = self.now
        self.serving: list[tuple[SlotHandle, ...]] = []
        self.stalled: list[SlotHandle] = []
        self.roster = Roster(
            self.launcher,
            count,
            settings=WorkerSettings(**{"graceful_timeout": 10.0, **settings}),
            shutdown_timeout=shutdown_timeout,
            events=RosterEvents(
                on_ready=lambda _: None,
                on_exit=lambda _: None,
                on_stalled=self.stalled.append,
                on_serving=self.serving.append,
            ),
            chance=random.Random(7),
        )

    def start(self) -> list[FakeHandle]:
        """Start all, ready; their handles."""
        self.roster.start(self.now)
        ready = 0
        while ready < len(self.launcher.born):
            self.roster.ready(self.launcher.born[ready], self.now)
            ready += 1
        return list(self.launcher.born)

    def serves(self) -> list[SlotHandle]:
        """Who was last said to serve."""
        return list(self.serving[-1])

    def ready(self, handle: FakeHandle) -> None:
        self.roster.ready(handle, self.now)

    def die(self, handle: FakeHandle, how: SlotExit | None = None) -> None:
        handle.exit = how or SlotExit(expected=False, signal=9)
        self.roster.exited(handle, self.now)

    def end(self, handle: FakeHandle) -> None:
        """It ends as it was told."""
        self.die(handle, SlotExit(expected=True, code=0))

    def pass_time(self, seconds: float, *, beating: bool = True) -> None:
        """Let time pass as the supervisor does: from one due moment to the next."""
        until = self.now + seconds
        while True:
            if beating:
                for handle in self.launcher.born:
                    handle.last_beat = self.now
            due = self.roster.tick(self.now)
            assert due > self.now, "the supervisor would spin"
            if due > until:
                break
            self.now = self.launcher.now = due
        self.now = self.launcher.now = until
        if beating:
            for handle in self.launcher.born:
                handle.last_beat = self.now
        self.roster.tick(self.now)
