"""What is made of looks at a loop: no clock, no thread, no loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from advice_doubles import APP, FakeFrame, FakeLoop, stack

from pounce_observability.advice.code_places import CodePlaces, Place
from pounce_observability.advice.loop_sight import LoopSight, SampleBudget

if TYPE_CHECKING:
    from pounce_observability.advice.slow_call import SlowCall

SLOW = 0.1
STEP = 0.02


class Watching:
    """Looks every 20 ms of the test's time."""

    def __init__(self, *, slow: float = SLOW, budget: SampleBudget | None = None) -> None:
        self.loop = FakeLoop()
        self.sight = LoopSight(
            self.loop,
            slow=slow,
            places=CodePlaces(["/srv/pounce_"], ["/usr/lib/python/"]),
            budget=budget or SampleBudget(),
            cpu=lambda _: self.loop.cpu,
        )
        self.told: list[SlowCall] = []
        self.look()
        self.look()

    def look(self, *, late: float = 0.0, collected: float = 0.0) -> None:
        call = self.sight.look(self.loop.now, late, collected)
        if call is not None:
            self.told.append(call)

    def goes_by(self, seconds: float, *, busy: float = 0.0) -> None:
        """Time, with looks in it; ``busy``: the share of it in which the loop's thread has a processor."""
        for _ in range(round(seconds / STEP)):
            self.loop.now += STEP
            self.loop.cpu += STEP * busy
            self.look()

    def held(self, seconds: float, **options: Any) -> None:
        """The loop runs one task for so long."""
        self.loop.begin()
        self.goes_by(seconds, **options)
        self.loop.end()
        self.goes_by(STEP)


def test_a_call_that_holds_the_loop_is_named_while_it_does() -> None:
    watching = Watching()
    watching.held(0.3)
    (call,) = watching.told
    assert call.place == Place(APP, 8, "query")
    assert (call.worker_id, call.over, call.announced) == (2, True, False)
    assert call.held == pytest.approx(0.3)
    assert call.request is watching.loop.asked_by
    assert f'File "{APP}", line 7, in handler' in call.stack
    assert "pounce_workers" not in call.stack


@pytest.mark.parametrize(
    ("busy", "says"),
    [(0.0, "It waits without awaiting"), (1.0, "It computes (100% of a processor)"), (0.3, "Keep it off")],
)
def test_it_is_said_whether_it_computes_or_waits(busy: float, says: str) -> None:
    watching = Watching()
    watching.held(0.3, busy=busy)
    (call,) = watching.told
    assert call.nature.startswith(says)


@pytest.mark.parametrize("seconds", [0.0, 0.02, 0.08])
def test_a_short_one_is_not(seconds: float) -> None:
    watching = Watching()
    watching.held(seconds)
    assert watching.told == []


def test_every_length_from_a_third_more_on_is_found_wherever_the_looks_fall() -> None:
    for offset in range(20):
        watching = Watching()
        watching.loop.now += offset / 1000
        watching.loop.begin()
        watching.goes_by(0.14 - offset / 1000)
        watching.loop.end()
        watching.goes_by(STEP)
        assert len(watching.told) == 1, offset


def test_a_long_one_is_said_while_it_lasts_and_when_it_is_over() -> None:
    watching = Watching()
    watching.loop.begin()
    watching.goes_by(0.98)
    assert watching.told == []
    watching.goes_by(0.04)
    (call,) = watching.told
    assert call.announced
    assert not call.over
    watching.goes_by(3)
    assert len(watching.told) == 1, "once"
    watching.loop.end()
    watching.goes_by(STEP)
    assert watching.told == [call, call]
    assert call.over
    assert call.held == pytest.approx(4.02)


def test_a_loop_that_waits_holds_nothing() -> None:
    watching = Watching()
    watching.goes_by(10)
    assert watching.told == []
    assert watching.loop.samples == 0
    assert watching.sight.lag[2:] == (0, 0)


def test_many_short_ones_in_a_turn_blame_none() -> None:
    watching = Watching()
    watching.loop.begin()
    for _ in range(20):
        watching.loop.running = object()
        watching.goes_by(STEP)
    watching.loop.end()
    watching.goes_by(STEP)
    assert watching.told == []
    assert watching.sight.lag.worst == pytest.approx(0.4), "though the loop did not come back"


def test_a_callback_without_a_task_is_known_by_its_lines() -> None:
    watching = Watching()
    watching.loop.begin()
    watching.loop.running = None
    watching.goes_by(0.2)
    watching.loop.end()
    watching.goes_by(STEP)
    (call,) = watching.told
    assert call.request is None


def test_callbacks_that_follow_each_other_are_different_calls() -> None:
    watching = Watching()
    watching.loop.begin()
    watching.loop.running = None
    for number in range(10):
        watching.loop.frames = stack(f"callback_{number}", "work")
        watching.goes_by(STEP)
    watching.loop.end()
    watching.goes_by(STEP)
    assert watching.told == []


@pytest.mark.parametrize("frames", [[], stack(), [FakeFrame("/usr/lib/python/asyncio/events.py", 1, "_run")]])
def test_without_the_application_nobody_is_blamed(frames: list[FakeFrame]) -> None:
    watching = Watching()
    watching.loop.frames = frames
    watching.held(0.5)
    assert watching.told == []


@pytest.mark.parametrize("file", ["/usr/lib/python/bdb.py", "/opt/pydevd_bundle/pydevd_frame.py"])
def test_one_that_stands_still_in_a_debugger_is_left_alone(file: str) -> None:
    watching = Watching()
    watching.loop.frames = [*stack("handler"), FakeFrame(file, 1, "trace_dispatch")]
    watching.held(20)
    assert watching.told == []
    assert watching.loop.samples == 1, "one look is enough"


def test_a_worker_that_starts_or_drains_is_left_alone() -> None:
    watching = Watching()
    watching.loop.calm = False
    watching.held(0.5)
    assert (watching.told, watching.loop.samples) == ([], 0)


def test_it_can_be_switched_off_and_the_lag_is_known_all_the_same() -> None:
    watching = Watching(slow=0.0)
    watching.held(0.5)
    assert (watching.told, watching.loop.samples) == ([], 0)
    assert watching.sight.lag.worst == pytest.approx(0.5)


def late_by(watching: Watching, seconds: float, *, worked: float) -> None:
    """Nobody could look for so long."""
    watching.loop.now += STEP + seconds
    watching.loop.cpu += worked
    watching.look(late=STEP + seconds)


def test_time_in_which_the_process_did_not_run_is_not_held_against_a_call() -> None:
    watching = Watching()
    watching.loop.begin()
    watching.goes_by(STEP)
    late_by(watching, 60.0, worked=0.001)  # it was stopped, or the machine was
    watching.goes_by(STEP)
    watching.loop.end()
    watching.goes_by(STEP)
    assert watching.told == []


def test_a_machine_that_is_overloaded_blames_nobody() -> None:
    watching = Watching()
    watching.loop.begin()
    for number in range(10):
        late_by(watching, 0.06, worked=0.005)
        watching.goes_by(STEP if number % 3 == 0 else 0)
    watching.loop.end()
    watching.goes_by(STEP)
    assert watching.told == []


def test_a_call_that_lets_nobody_else_run_is_found_by_the_processor_time_it_took() -> None:
    watching = Watching()
    watching.loop.begin()
    late_by(watching, 0.5, worked=0.52)  # such as C code that keeps the GIL
    watching.loop.end()
    watching.goes_by(STEP)
    (call,) = watching.told
    assert call.held == pytest.approx(0.52)
    assert call.busy == 1.0


def test_a_collection_of_garbage_is_no_call() -> None:
    watching = Watching()
    watching.loop.begin()
    watching.loop.now += STEP + 0.5
    watching.loop.cpu += 0.5
    watching.look(late=0.5, collected=0.5)
    watching.loop.end()
    watching.goes_by(STEP)
    assert watching.told == []


def test_a_call_is_told_though_its_loop_is_gone() -> None:
    watching = Watching()
    assert watching.sight.close() is None
    watching.loop.begin()
    watching.goes_by(0.3)
    call = watching.sight.close()
    assert call is not None
    assert not call.over
    assert watching.sight.close() is None


def test_what_was_said_while_it_lasted_is_not_said_again_when_its_loop_is_gone() -> None:
    watching = Watching()
    watching.loop.begin()
    watching.goes_by(2)
    assert len(watching.told) == 1
    assert watching.sight.close() is None


def test_what_looks_into_threads_take_is_bounded() -> None:
    clock = iter(range(1000))  # each look takes a second
    budget = SampleBudget(share=0.01, most=2.0, clock=lambda: float(next(clock)))
    looks = []
    for second in range(1000, 1400, 10):
        if budget.allows(second):
            looks.append(second)
            with budget:
                pass
    assert looks == [1000, 1010, 1020, 1110, 1210, 1310]


def test_without_time_for_it_nobody_is_blamed() -> None:
    watching = Watching(budget=SampleBudget(share=0.0, most=0.0))
    watching.held(0.5)
    assert (watching.told, watching.loop.samples) == ([], 0)


def test_the_worst_lag_is_forgotten_after_a_minute() -> None:
    watching = Watching()
    watching.held(0.5)
    assert watching.sight.lag[:2] == (2, "worker")
    assert watching.sight.lag.latest == watching.sight.lag.worst == pytest.approx(0.5)
    watching.held(0.06)
    assert watching.sight.lag.worst == pytest.approx(0.5)
    watching.goes_by(45)
    assert watching.sight.lag.worst == pytest.approx(0.5)
    watching.goes_by(16)
    assert watching.sight.lag.worst == 0


def test_the_lag_of_a_loop_that_is_held_now_grows() -> None:
    watching = Watching()
    watching.loop.begin()
    watching.goes_by(0.04)
    assert watching.sight.lag[2:] == pytest.approx((0.04, 0.04))
    watching.goes_by(0.04)
    assert watching.sight.lag[2:] == pytest.approx((0.08, 0.08))
    watching.loop.end()
