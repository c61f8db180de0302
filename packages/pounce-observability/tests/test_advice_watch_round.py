"""Rounds over the loops of a process: which there are, how often to look, and what is said."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from advice_doubles import FakeLoop, FakeRequest, FakeWorker

from pounce_observability.advice import AdviceSettings
from pounce_observability.advice.code_places import CodePlaces
from pounce_observability.advice.collection_pauses import CollectionPause
from pounce_observability.advice.watch_round import FIND, LONGEST, SHORTEST, UNWATCHED, WatchRound

if TYPE_CHECKING:
    from pounce_observability.advice.task_census import TaskLeak


class Watching:
    """Rounds come when they are wanted."""

    def __init__(self, *loops: FakeLoop, **settings: float) -> None:
        self.loops = list(loops)
        self.worker = FakeWorker()
        self.leaks: list[TaskLeak] = []
        self.said: list[str] = []
        self.now = 1000.0
        self.round = WatchRound(
            AdviceSettings(**{"task_leak": 0, **settings}),  # type: ignore[arg-type]
            lambda: self.loops,
            self.leaks.append,
            workers=lambda: [(self.worker, self.loops)],
            cpu=lambda _: 0.0,
            places=CodePlaces(["/srv/pounce_"]),
        )
        self.goes_by(0.2)

    def goes_by(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += self.round.pause
            for loop in self.loops:
                loop.now = self.now
            self.said += self.round.look(self.now)

    def held(self, loop: FakeLoop, seconds: float) -> None:
        loop.begin()
        self.goes_by(seconds)
        loop.end()
        self.goes_by(0.05)


def test_a_call_is_said_once_and_then_counted_for_a_minute() -> None:
    loop = FakeLoop()
    watching = Watching(loop)
    watching.held(loop, 0.3)
    (said,) = watching.said
    assert said.startswith("The event loop of worker 2 was held for 0.3")
    assert " s by query (/srv/app.py:8) for GET /slow over h2: all its other requests waited. It waits" in said
    assert said.splitlines()[1] == '  File "/srv/app.py", line 7, in handler'
    for seconds in (0.2, 0.6, 0.2):
        watching.held(loop, seconds)
    assert len(watching.said) == 1
    watching.goes_by(60)
    (_, again) = watching.said
    assert again.startswith("Event loops were held 3 times in 1 s by query (/srv/app.py:8), at the longest for 0.6")
    assert " s in worker 2 for GET /slow over h2. It waits" in again


def test_one_that_lasts_is_said_at_once_and_so_is_its_end() -> None:
    loop = FakeLoop(name="shared", asked_by=None)
    watching = Watching(loop)
    watching.held(loop, 3)
    (held, over) = watching.said
    assert held.startswith("The event loop of worker 2 (shared) has been held for 1.0")
    assert " and still is, by query (/srv/app.py:8): all its other requests wait." in held
    assert over.startswith("The event loop of worker 2 (shared) turns again, after 3.0")
    assert over.endswith(" s in query (/srv/app.py:8)")


def test_what_a_client_chose_forges_no_line() -> None:
    loop = FakeLoop(asked_by=FakeRequest(path="/a\nWARNING \x1b[31mb\xff"))
    watching = Watching(loop)
    watching.held(loop, 0.3)
    assert "GET /a\\nWARNING \\x1b[31mb\\xff over h2" in watching.said[0]


def test_loops_come_and_go() -> None:
    first, second = FakeLoop(), FakeLoop(worker_id=5)
    watching = Watching(first)
    assert [lag.worker_id for lag in watching.round.lags] == [2]
    watching.loops.append(second)
    watching.goes_by(FIND + 0.2)
    assert [lag.worker_id for lag in watching.round.lags] == [2, 5]
    watching.loops.remove(first)
    watching.goes_by(FIND + 0.2)
    assert [lag.worker_id for lag in watching.round.lags] == [5]
    watching.held(second, 0.3)
    assert "worker 5" in watching.said[0]


@pytest.mark.parametrize("ends", [False, True])
def test_a_call_is_said_though_nobody_looks_any_more(ends: bool) -> None:
    loop = FakeLoop()
    watching = Watching(loop)
    loop.begin()
    watching.goes_by(0.3)
    if ends:
        assert watching.said == []
        watching.said += watching.round.finish(watching.now)
        assert watching.round.lags == ()
    else:
        watching.loops.clear()
        watching.goes_by(FIND)
    assert len(watching.said) == 1
    assert "was held for" in watching.said[0]


def test_garbage_collections_are_named_as_such() -> None:
    watching = Watching(FakeLoop())
    pauses = [CollectionPause(watching.now, 2.0, 2, cpu) for cpu in (0.3, 0.05, 0.4)]
    (said,) = watching.round.look(watching.now + 0.8, pauses)
    assert said.startswith("2 garbage collections stopped the process for up to 0.40 s (generation 2): all requests")
    assert watching.round.look(watching.now + 1, pauses) == [], "not within the minute"
    (again,) = watching.round.look(watching.now + 70, [CollectionPause(0.0, 0.2, 1, 0.2)])
    assert again.startswith("3 garbage collections")
    assert Watching(FakeLoop(), slow_callback=0).round.look(2000.0, pauses) == []


LONG = CollectionPause(1000.1, 0.5, 2, 0.5)


@pytest.mark.parametrize(
    ("pause", "load", "said"),
    [
        pytest.param(LONG, 1, True, id="a client is there"),
        pytest.param(LONG, 0, False, id="nobody is there"),
        pytest.param(LONG._replace(own=True), 1, False, id="the server's own"),
        pytest.param(LONG._replace(cpu=0.05), 1, False, id="the machine has too much to do"),
    ],
)
def test_a_collection_is_named_only_if_it_kept_somebody_waiting(pause: CollectionPause, load: int, said: bool) -> None:
    watching = Watching(FakeLoop())
    watching.worker.load = load
    assert bool(watching.round.look(watching.now + 0.1, [pause])) is said


@pytest.mark.parametrize(
    ("slow", "busy", "idle", "resting"),
    [
        (0.1, 0.02, 0.05, 0.1),
        (0.01, SHORTEST, SHORTEST, SHORTEST),
        (10, LONGEST, LONGEST, LONGEST),
        (0, UNWATCHED, UNWATCHED, UNWATCHED),
    ],
)
def test_looks_are_more_frequent_while_something_goes_on(slow: float, busy: float, idle: float, resting: float) -> None:
    loop = FakeLoop()
    watching = Watching(loop, slow_callback=slow)
    loop.begin()
    watching.goes_by(1)
    assert watching.round.pause == pytest.approx(busy)
    loop.end()
    watching.goes_by(1)
    assert watching.round.pause == pytest.approx(idle)
    watching.goes_by(3)
    assert watching.round.pause == pytest.approx(resting)


def test_a_round_that_comes_late_holds_nothing_against_anybody() -> None:
    loop = FakeLoop()
    watching = Watching(loop)
    loop.begin()
    watching.goes_by(0.05)
    for _ in range(5):
        watching.now += 60
        watching.said += watching.round.look(watching.now)
    loop.now = watching.now
    loop.end()
    watching.goes_by(0.1)
    assert watching.said == []


@pytest.mark.parametrize(("task_leak", "asked"), [(0, False), (100, True)])
def test_tasks_are_counted_where_that_is_wanted(task_leak: int, asked: bool) -> None:
    loop = FakeLoop()
    answers: list[object] = []
    loop.ask_requests = lambda answer: not answers.append(answer)  # type: ignore[method-assign, func-returns-value]
    watching = Watching(loop, task_leak=task_leak)
    watching.goes_by(40)
    assert bool(answers) is asked
