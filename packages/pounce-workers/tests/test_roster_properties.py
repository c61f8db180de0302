"""Whatever happens, in whatever order: each slot has its worker, or everything stops. Time is moved by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from slot_doubles import FakeHandle, FakeLauncher, RosterUnderTest

from pounce_workers.supervision.slots import SlotExit

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_workers.supervision.slots import SlotKind

MANY_DEATHS = 9
"""Fewer than the budget of one slot, so that a run is not over at once."""


class RosterMachine(RuleBasedStateMachine):
    """A roster whose workers become ready, die, stall, grow old and are swapped."""

    @initialize(kind=st.sampled_from(["thread", "process"]), count=st.integers(1, 3))
    def begin(self, kind: SlotKind, count: int) -> None:
        self.crew = RosterUnderTest(count, kind, limit_max_requests=10, worker_stall_timeout=20.0)
        self.count = count
        self.ready: set[FakeHandle] = set()
        self.launchers = [self.crew.launcher]
        self.generation = 1
        for handle in self.crew.start():
            self.ready.add(handle)

    # -- what there is ---------------------------------------------------------------------------------------------

    def all(self) -> list[FakeHandle]:
        return [handle for launcher in self.launchers for handle in launcher.born]

    def alive(self) -> list[FakeHandle]:
        return [handle for handle in self.all() if handle.is_alive()]

    def staying(self) -> list[FakeHandle]:
        return [handle for handle in self.alive() if not handle.told]

    def pick(self, among: Callable[[], list[FakeHandle]], number: int) -> FakeHandle | None:
        found = among()
        return found[number % len(found)] if found else None

    def become_ready(self, handle: FakeHandle) -> None:
        before = {each: list(each.told) for each in self.alive()}
        self.ready.add(handle)
        self.crew.ready(handle)
        for each, told in before.items():
            if each.told != told:
                assert each.worker_id == handle.worker_id, "only the one that it follows is told to go"

    # -- what happens ----------------------------------------------------------------------------------------------

    @rule(number=st.integers(0, 9))
    def one_gets_ready(self, number: int) -> None:
        handle = self.pick(lambda: [each for each in self.alive() if each not in self.ready], number)
        if handle is not None:
            self.become_ready(handle)

    @rule(number=st.integers(0, 9), told_of=st.booleans())
    def one_dies(self, number: int, told_of: bool) -> None:
        handle = self.pick(self.alive, number)
        if handle is not None:
            handle.exit = SlotExit(expected=False, signal=9)
            if told_of:
                self.crew.roster.exited(handle, self.crew.now)
            else:
                self.crew.roster.tick(self.crew.now)

    @rule(number=st.integers(0, 9))
    def one_that_was_told_ends(self, number: int) -> None:
        handle = self.pick(lambda: [each for each in self.alive() if each.told], number)
        if handle is not None:
            self.crew.end(handle)

    @rule(number=st.integers(0, 9))
    def one_has_served_enough(self, number: int) -> None:
        handle = self.pick(self.staying, number)
        if handle is not None:
            handle.requests_served = 10

    @rule(seconds=st.floats(0.01, 40.0), beating=st.booleans())
    def time_passes(self, seconds: float, beating: bool) -> None:
        self.crew.pass_time(seconds, beating=beating)
        for launcher in self.launchers:
            launcher.now = self.crew.now

    @rule()
    def stalls_are_reported(self) -> None:
        while self.crew.stalled:
            handle = self.crew.stalled.pop()
            self.crew.roster.reported(handle, self.crew.now)

    @precondition(lambda self: self.generation < 3)
    @rule()
    def generations_are_swapped(self) -> None:
        self.generation += 1
        launcher = FakeLauncher(self.crew.launcher.kind, self.generation)
        launcher.now = self.crew.now
        new = [
            launcher.start(worker_id, on_ready=lambda _: None, on_exit=lambda _: None)
            for worker_id in range(self.count)
        ]
        self.ready.update(new)
        self.launchers.append(launcher)
        self.crew.launcher = launcher
        self.crew.roster.adopt(launcher, new, self.crew.now)

    @rule()
    def it_is_stopped(self) -> None:
        if self.crew.now > 1200.0:  # late enough for a run to have seen something
            self.crew.roster.stop(self.crew.now)

    # -- what holds ------------------------------------------------------------------------------------------------

    @invariant()
    def a_slot_has_one_worker_and_while_recycled_a_successor(self) -> None:
        for worker_id in range(self.count):
            staying = [handle for handle in self.staying() if handle.worker_id == worker_id]
            assert sum(handle in self.ready for handle in staying) <= 1
            assert sum(handle not in self.ready for handle in staying) <= 1

    @invariant()
    def threads_start_one_after_another(self) -> None:
        if self.crew.launcher.kind == "thread":
            assert sum(handle not in self.ready for handle in self.staying()) <= 1

    @invariant()
    def those_that_serve_are_alive_ready_and_were_not_told_to_go(self) -> None:
        for handle in self.crew.roster.serving:
            assert isinstance(handle, FakeHandle)
            assert handle in self.ready
            assert not handle.told

    @invariant()
    def a_stop_tells_all(self) -> None:
        if self.crew.roster.stopping:
            assert not self.staying()

    def teardown(self) -> None:
        """After a while without accidents every slot serves; after a stop all are gone."""
        if not hasattr(self, "crew"):
            return
        if not self.crew.roster.stopping:
            self._calm_down()
            if not self.crew.roster.stopping:
                assert sorted(handle.worker_id for handle in self.crew.roster.serving) == list(range(self.count))
            self.crew.roster.stop(self.crew.now)
        self.crew.roster.stop(self.crew.now)
        self.crew.pass_time(60.0)
        for handle in self.alive():
            if handle.told[-1:] == ["kill"]:
                self.crew.die(handle)
        assert self.crew.roster.finished

    def _calm_down(self) -> None:
        for _ in range(60):
            for handle in self.alive():
                handle.requests_served = 0
                if handle not in self.ready and not handle.told:
                    self.become_ready(handle)
            self.crew.pass_time(2.0)


TestRoster = RosterMachine.TestCase
TestRoster.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
