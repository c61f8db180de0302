"""Who serves in which slot: the decisions, without threads, sockets or waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from slot_doubles import FakeHandle, FakeLauncher, RosterUnderTest

from pounce_workers.supervision.departures import MARGIN
from pounce_workers.supervision.restarts import BUDGET, LONGEST_DELAY
from pounce_workers.supervision.slots import SlotExit

if TYPE_CHECKING:
    from pounce_workers.supervision.slots import SlotKind

FAILED = SlotExit(expected=False, error="LifespanError: no database")


# -- starting ----------------------------------------------------------------------------------------------------------


def test_processes_start_side_by_side() -> None:
    crew = RosterUnderTest(3)
    crew.roster.start(crew.now)
    assert [handle.worker_id for handle in crew.launcher.born] == [0, 1, 2]
    assert not crew.roster.started


def test_threads_start_one_after_another() -> None:
    crew = RosterUnderTest(3, "thread")
    crew.roster.start(crew.now)
    for count in (1, 2, 3):
        assert len(crew.launcher.born) == count
        assert not crew.roster.started
        crew.ready(crew.launcher.born[-1])
    assert crew.roster.started
    assert [len(serving) for serving in crew.serving] == [1, 2, 3]


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_a_failed_start_stops_everything(kind: SlotKind) -> None:
    crew = RosterUnderTest(3, kind)
    crew.roster.start(crew.now)
    first = crew.launcher.born[0]
    crew.ready(first)
    crew.die(crew.launcher.born[1], FAILED)
    assert crew.roster.stopping
    assert crew.roster.failure is FAILED
    assert crew.roster.failure_message == "worker 1 failed: LifespanError: no database"
    assert first.told == ["drain"]
    for handle in crew.launcher.born:
        if handle.is_alive():
            crew.end(handle)
    assert crew.roster.finished


def test_no_processes_to_be_had_at_the_start() -> None:
    crew = RosterUnderTest(2)
    crew.launcher.refuse = 1
    crew.roster.start(crew.now)
    assert crew.roster.stopping
    assert "worker 0 failed: it could not be started" in crew.roster.failure_message


# -- deaths ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_who_dies_is_replaced_after_a_back_off(kind: SlotKind) -> None:
    crew = RosterUnderTest(2, kind)
    first, second = crew.start()
    crew.die(second)
    assert crew.serves() == [first]
    assert len(crew.launcher.born) == 2
    crew.pass_time(0.1)
    third = crew.launcher.born[2]
    assert third.worker_id == 1
    crew.ready(third)
    assert crew.serves() == [first, third]


def test_a_death_that_nobody_told_of_is_noticed() -> None:
    crew = RosterUnderTest(1)
    (only,) = crew.start()
    only.exit = SlotExit(expected=False, signal=11)
    crew.pass_time(1.2)
    assert len(crew.launcher.born) == 2
    crew.roster.exited(only, crew.now)  # and told of late: nothing more happens
    crew.pass_time(5.0)
    assert len(crew.launcher.born) == 2


def test_the_back_off_of_one_slot_blocks_no_other() -> None:
    crew = RosterUnderTest(2)
    first, second = crew.start()
    for _ in range(6):
        crew.die(crew.launcher.born[-1])
        crew.pass_time(5.0)
    crew.die(crew.launcher.born[-1])  # waits for 6.4 s now
    crew.die(first)
    crew.pass_time(0.1)
    assert crew.launcher.born[-1].worker_id == 0
    assert second.worker_id == 1


def test_whoever_hears_why_nothing_starts_is_who_says_it(caplog: pytest.LogCaptureFixture) -> None:
    crew = RosterUnderTest(1)
    crew.roster.start(crew.now)
    crew.die(crew.launcher.born[0], FAILED)
    assert crew.roster.failure_message == "worker 0 failed: LifespanError: no database"
    assert not caplog.messages


def test_a_death_is_logged_where_nobody_else_would_say_it(caplog: pytest.LogCaptureFixture) -> None:
    crew = RosterUnderTest(1)
    crew.roster.start(crew.now)
    crew.die(crew.launcher.born[0], SlotExit(expected=False, error="SystemExit: 3", exception=SystemExit(3)))
    assert caplog.messages == ["worker 0 (process) failed: SystemExit: 3; the server stops"]
    caplog.clear()
    crew = RosterUnderTest(1)
    (only,) = crew.start()
    crew.die(only, FAILED)
    assert caplog.messages == ["worker 0 (process) failed: LifespanError: no database; it is replaced in 0.1 s"]


def test_a_spent_budget_stops_the_server_and_names_the_last_exits(caplog: pytest.LogCaptureFixture) -> None:
    crew = RosterUnderTest(2)
    first, second = crew.start()
    crew.die(second)
    for _ in range(BUDGET - 1):
        crew.pass_time(LONGEST_DELAY)
        crew.die(crew.launcher.born[-1])
    follows = [message.removeprefix("worker 1 (process) was killed by SIGKILL; ") for message in caplog.messages]
    assert follows[:3] == [
        "it is replaced in 0.1 s",
        "it is replaced in 0.2 s; after 8 more such ends soon the server stops",
        "it is replaced in 0.4 s; after 7 more such ends soon the server stops",
    ]
    assert follows[-2:] == [
        "it is replaced in 25.6 s; after 1 more such end soon the server stops",
        "it does not stay up, so the server stops",
    ]
    assert crew.roster.stopping
    ends = "; ".join(["it was killed by SIGKILL"] * 3)
    assert crew.roster.failure_message == f"worker 1 does not stay up; its last ends: {ends}"
    assert first.told == ["drain"]


def test_a_refused_start_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    crew = RosterUnderTest(1)
    (only,) = crew.start()
    crew.launcher.refuse = 2
    crew.die(only)
    crew.pass_time(2.0)
    assert len(crew.launcher.born) == 2
    assert caplog.messages[1].startswith("worker 0 (process) could not be started: ")
    assert caplog.messages[1].endswith("; it is replaced in 0.2 s; after 8 more such ends soon the server stops")


# -- heartbeats --------------------------------------------------------------------------------------------------------


def test_a_stalled_process_is_reported_once_and_replaced() -> None:
    crew = RosterUnderTest(2, worker_stall_timeout=30.0)
    first, second = crew.start()
    crew.pass_time(29.0)
    crew.pass_time(31.0, beating=False)
    assert crew.stalled == [first, second]
    crew.pass_time(31.0, beating=False)
    assert len(crew.stalled) == 2
    crew.roster.reported(first, crew.now)
    crew.roster.reported(first, crew.now)
    assert first.told == ["kill"]
    assert crew.serves() == [second]
    crew.pass_time(0.2, beating=False)
    assert crew.launcher.born[2].worker_id == 0, "although the kernel may still hold the old one"
    crew.die(first)
    crew.pass_time(5.0)
    assert len(crew.launcher.born) == 3


def test_a_stalled_thread_is_reported_and_gets_no_connections_until_it_turns_again() -> None:
    crew = RosterUnderTest(2, "thread", worker_stall_timeout=30.0)
    first, second = crew.start()
    for _ in range(32):
        second.last_beat = crew.now
        crew.pass_time(1.0, beating=False)
    assert crew.stalled == [first]
    assert crew.serves() == [second]
    crew.roster.reported(first, crew.now)
    assert first.told == []
    crew.pass_time(1.0)
    assert crew.serves() == [first, second]
    crew.pass_time(31.0, beating=False)
    assert first in crew.stalled[1:], "a second stall is reported too"


def test_when_all_stall_all_go_on_getting_connections() -> None:
    crew = RosterUnderTest(2, "thread", worker_stall_timeout=1.0)
    crew.start()
    crew.pass_time(5.0, beating=False)
    assert len(crew.stalled) == 2
    assert len(crew.serving[-1]) == 2


def test_one_that_recovered_before_the_report_was_out_is_left_alone() -> None:
    crew = RosterUnderTest(1, worker_stall_timeout=30.0)
    (only,) = crew.start()
    crew.pass_time(31.0, beating=False)
    only.last_beat = crew.now
    crew.roster.reported(only, crew.now)
    assert only.told == []


def test_a_slow_start_is_reported_and_never_killed() -> None:
    crew = RosterUnderTest(1, worker_stall_timeout=30.0)
    crew.roster.start(crew.now)
    crew.pass_time(120.0, beating=False)
    (only,) = crew.launcher.born
    assert crew.stalled == [only]
    crew.roster.reported(only, crew.now)
    assert only.told == []


# -- recycling ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_the_successor_is_ready_before_the_old_one_is_told(kind: SlotKind) -> None:
    crew = RosterUnderTest(1, kind, limit_max_requests=10)
    (old,) = crew.start()
    old.requests_served = 10
    crew.pass_time(1.0)
    successor = crew.launcher.born[1]
    assert old.told == []
    assert crew.serves() == [old]
    crew.ready(successor)
    assert crew.serves() == [successor]
    assert old.told == ["retire"]
    crew.end(old)
    crew.pass_time(60.0)
    assert len(crew.launcher.born) == 2
    assert crew.roster.handles == (successor,)


def test_one_successor_at_a_time() -> None:
    crew = RosterUnderTest(3, limit_max_requests=10)
    for handle in crew.start():
        handle.requests_served = 10
    crew.pass_time(10.0)
    assert len(crew.launcher.born) == 4
    crew.ready(crew.launcher.born[3])
    crew.pass_time(1.0)
    assert [handle.worker_id for handle in crew.launcher.born[3:]] == [0, 1]


def test_a_failed_successor_costs_another_try_and_nothing_else() -> None:
    crew = RosterUnderTest(1, limit_max_requests=10)
    (old,) = crew.start()
    old.requests_served = 10
    for count in range(2, 2 + 2 * BUDGET):
        crew.pass_time(LONGEST_DELAY + 1)
        assert len(crew.launcher.born) == count
        crew.die(crew.launcher.born[-1], FAILED)
        crew.pass_time(LONGEST_DELAY - 2)
        assert len(crew.launcher.born) == count, "there is no hurry"
    assert not crew.roster.stopping
    assert old.told == []
    assert crew.serving == [(old,)]


def test_a_successor_takes_the_place_of_one_that_dies_meanwhile() -> None:
    crew = RosterUnderTest(1, workers_lifetime=60.0)
    (old,) = crew.start()
    crew.pass_time(60.0)
    successor = crew.launcher.born[1]
    crew.die(old)
    crew.pass_time(10.0)
    assert len(crew.launcher.born) == 2
    crew.ready(successor)
    crew.pass_time(10.0)
    assert crew.serves() == [successor]
    assert successor.told == []
    assert len(crew.launcher.born) == 2


def test_one_that_does_not_retire_is_drained_and_then_killed() -> None:
    crew = RosterUnderTest(1, limit_max_requests=1)
    (old,) = crew.start()
    old.requests_served = 1
    crew.pass_time(1.0)
    crew.ready(crew.launcher.born[1])
    crew.pass_time(10.0)
    assert old.told == ["retire", "drain"]
    crew.pass_time(15.0 + MARGIN)
    assert old.told == ["retire", "drain", "kill"]
    crew.pass_time(6.0)
    assert old not in crew.roster.handles, "the kernel holds it, and it is given up"


# -- generations -------------------------------------------------------------------------------------------------------


def test_a_new_generation_serves_before_the_old_one_retires() -> None:
    crew = RosterUnderTest(2)
    old = crew.start()
    launcher = FakeLauncher(generation=2)
    new = [FakeHandle(0, 2, born=crew.now), FakeHandle(1, 2, born=crew.now)]
    crew.roster.adopt(launcher, new, crew.now)
    assert crew.serves() == new
    assert [handle.told for handle in old] == [["retire"], ["retire"]]
    crew.die(new[1])
    for handle in old:
        crew.end(handle)
    crew.pass_time(0.5)
    assert [handle.worker_id for handle in launcher.born] == [1], "replaced by its own generation"
    assert len(crew.launcher.born) == 2


def test_a_swap_drops_what_was_starting() -> None:
    crew = RosterUnderTest(1, limit_max_requests=1)
    (old,) = crew.start()
    old.requests_served = 1
    crew.pass_time(1.0)
    successor = crew.launcher.born[1]
    new = FakeHandle(0, 2, born=crew.now)
    crew.roster.adopt(FakeLauncher(generation=2), [new], crew.now)
    assert successor.told == ["drain"]
    crew.ready(successor)
    assert crew.serves() == [new]


def test_a_swap_during_a_stop_is_too_late() -> None:
    crew = RosterUnderTest(1)
    (old,) = crew.start()
    crew.roster.stop(crew.now)
    new = FakeHandle(0, 2, born=crew.now)
    crew.roster.adopt(FakeLauncher(generation=2), [new], crew.now)
    assert (old.told, new.told) == (["drain"], ["drain"])
    crew.end(old)
    assert not crew.roster.finished
    crew.end(new)
    assert crew.roster.finished


# -- stopping ----------------------------------------------------------------------------------------------------------


def test_a_stop_drains_all_and_kills_nobody_who_is_in_time() -> None:
    crew = RosterUnderTest(3)
    handles = crew.start()
    crew.roster.stop(crew.now)
    assert crew.serves() == []
    assert [handle.told for handle in handles] == [["drain"]] * 3
    crew.pass_time(15.0)
    for handle in handles:
        crew.end(handle)
    assert crew.roster.finished
    assert [handle.told for handle in handles] == [["drain"]] * 3


def test_the_second_stop_is_at_once_and_a_storm_says_nothing_new() -> None:
    crew = RosterUnderTest(1)
    (only,) = crew.start()
    for _ in range(100):
        crew.roster.stop(crew.now)
    assert only.told == ["drain", "stop_now"]
    crew.pass_time(5.0 + MARGIN)
    assert only.told == ["drain", "stop_now", "kill"]


def test_a_kill_gives_nobody_any_time() -> None:
    crew = RosterUnderTest(2)
    first, second = crew.start()
    crew.roster.stop(crew.now)
    crew.roster.kill(crew.now)
    crew.roster.kill(crew.now)
    crew.roster.stop(crew.now)
    assert first.told == second.told == ["drain", "kill"]
    crew.end(first)
    crew.die(second, SlotExit(expected=False, signal=9))
    assert crew.roster.finished
    assert crew.roster.failure is None, "they end as they were told"


def test_a_stop_after_it_has_given_up_is_the_first() -> None:
    crew = RosterUnderTest(2)
    first, second = crew.start()
    crew.die(second, SlotExit(expected=False, exception=SystemExit(3)))
    assert first.told == ["drain"]
    crew.roster.stop(crew.now)
    assert first.told == ["drain"]
    crew.roster.stop(crew.now)
    assert first.told == ["drain", "stop_now"]


def test_nobody_is_started_after_a_stop() -> None:
    crew = RosterUnderTest(2)
    first, second = crew.start()
    crew.die(first)
    crew.roster.stop(crew.now)
    crew.pass_time(5.0)
    crew.die(second)
    crew.pass_time(5.0)
    assert len(crew.launcher.born) == 2
    assert crew.roster.finished
