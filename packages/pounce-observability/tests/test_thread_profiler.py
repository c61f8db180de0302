"""A profile of all threads: what it tells, its bounds, one at a time, and its end when nobody wants it any more."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from pounce_observability.profiling import ThreadProfiler
from pounce_observability.profiling.idle_frames import is_idle
from pounce_observability.profiling.stack_counts import StackCounts
from pounce_observability.profiling.stack_readers import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

APP = Frame("handler", "/app/app.py", 5)
LOOP = Frame("ServingSelector.select", "/lib/pounce_workers/net/selector.py", 200)
RUN = Frame("Thread.run", "/lib/threading.py", 900)


class Reader:
    """Stacks that are told beforehand; the last of them again and again. An error stands for a failure."""

    how = "told"
    stops_all = False

    def __init__(self, *looks: dict[int, list[Frame]] | Exception) -> None:
        self.looks = list(looks)
        self.read_again = threading.Event()
        self.count = 0
        self.closed = False
        self.on_look: Callable[[int], object] = lambda _count: None

    def read(self) -> dict[int, list[Frame]]:
        self.count += 1
        self.on_look(self.count)
        if self.count > 1:
            self.read_again.set()
        look = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(look, Exception):
            raise look
        return look

    def close(self) -> None:
        self.closed = True


def made(reader: Reader, **arguments: Any) -> dict[str, Any]:
    """A profile of some looks with this reader, however long those take."""
    profiler = ThreadProfiler(new_reader=lambda: reader)
    reader.on_look = lambda count: count == 5 and profiler.stop({"id": "made"})
    return profiler.answer({"id": "made", "seconds": 60, "interval": 0.001} | arguments)


def test_tells_what_was_seen_and_how_often() -> None:
    answer = made(Reader({1: [APP, *[RUN] * 8], 2: [LOOP, RUN]}))
    assert answer["frames"] == [list(RUN), list(APP)]
    assert answer["stacks"] == [["thread 1", [0] * 8 + [1], answer["samples"]]]
    assert answer["idle"] == answer["samples"] == 5
    assert (answer["missed"], answer["left_out"], answer["how"]) == (0, 0, "told")
    assert answer["interval"] == pytest.approx(answer["seconds"] / answer["samples"])
    assert json.loads(json.dumps(answer)) == answer


def test_threads_that_wait_are_told_too_if_that_is_wished() -> None:
    answer = made(Reader({2: [LOOP, RUN]}), idle=True)
    assert answer["stacks"] == [["thread 2", [0, 1], answer["samples"]]]


def test_threads_go_by_the_worker_whose_they_are_else_by_their_names() -> None:
    own = threading.get_ident()
    profiler = ThreadProfiler(
        worker_of=lambda ident, name: f"worker 7 ({name})" if ident == 1 else None,
        new_reader=lambda: Reader({1: [APP], own: [APP]}),
    )
    names = {stack[0] for stack in profiler.answer({"seconds": 0.01})["stacks"]}
    assert names == {"worker 7 (thread 1)", threading.current_thread().name}


def test_samples_that_fail_are_counted_and_the_others_kept() -> None:
    answer = made(Reader(OSError("full"), OSError("gone"), {1: [APP]}), idle=True)
    assert answer["missed"] == 2
    assert answer["stacks"][0][2] == answer["samples"]


def test_a_look_that_takes_long_is_followed_by_a_longer_pause() -> None:
    class Slow(Reader):
        stops_all = True

        def read(self) -> dict[int, list[Frame]]:
            time.sleep(0.01)  # all threads are stopped for so long
            return super().read()

    answer = made(Slow({1: [APP]}), seconds=0.3)
    assert 1 <= answer["samples"] <= 4
    assert answer["interval"] >= 0.07


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ({"seconds": 61}, "seconds"),
        ({"seconds": 0}, "seconds"),
        ({"seconds": "10"}, "seconds"),
        ({"seconds": float("nan")}, "seconds"),
        ({"seconds": True}, "seconds"),
        ({"interval": 0.0001}, "interval"),
        ({"interval": 2}, "interval"),
    ],
)
def test_what_is_out_of_range_is_refused(arguments: dict[str, Any], names: str) -> None:
    answer = ThreadProfiler(new_reader=lambda: Reader({})).answer(arguments)
    assert answer["error"].startswith(f"{names} must be a number of seconds from ")


def in_background(profiler: ThreadProfiler, arguments: dict[str, Any]) -> tuple[threading.Thread, list[Any]]:
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(profiler.answer(arguments)))
    thread.start()
    return thread, answers


def test_one_at_a_time_and_the_next_when_that_has_ended() -> None:
    reader = Reader({1: [APP]})
    profiler = ThreadProfiler(new_reader=lambda: reader)
    thread, answers = in_background(profiler, {"id": "first", "seconds": 60, "interval": 0.001})
    assert reader.read_again.wait(10)
    refused = profiler.answers["profile"]({"id": "second"})
    assert refused["busy"] is True
    assert "another profile" in refused["error"]
    assert profiler.answers["profile_stop"]({"id": "second"}) == {"stopped": False}
    assert profiler.answers["profile_stop"]({"id": "first"}) == {"stopped": True}
    thread.join(10)
    assert not thread.is_alive()
    assert reader.closed
    assert answers[0]["seconds"] < 30
    assert "error" not in profiler.answer({"seconds": 0.01})
    assert profiler.stop({"id": "first"}) == {"stopped": False}


def test_a_reader_that_cannot_be_made_leaves_room_for_the_next_profile() -> None:
    readers: list[Any] = [OSError("no descriptors"), Reader({1: [APP]})]

    def new_reader() -> Any:
        reader = readers.pop(0)
        if isinstance(reader, Exception):
            raise reader
        return reader

    profiler = ThreadProfiler(new_reader=new_reader)
    with pytest.raises(OSError, match="no descriptors"):
        profiler.answer({"seconds": 0.01})
    assert profiler.answer({"seconds": 0.01})["samples"]


def test_of_real_threads_the_busy_one_is_seen_and_the_waiting_one_is_not() -> None:
    end = threading.Event()

    def spin() -> None:
        while not end.is_set():
            sum(range(100))

    busy = threading.Thread(target=spin, name="busy")
    waiting = threading.Thread(target=end.wait, name="waiting")
    busy.start()
    waiting.start()
    try:
        answer = ThreadProfiler().answer({"seconds": 0.5, "interval": 0.005})
    finally:
        end.set()
        busy.join()
        waiting.join()
    stacks = [stack for stack in answer["stacks"] if stack[0] == "busy"]
    assert any(answer["frames"][place][0].endswith("spin") for stack in stacks for place in stack[1])
    assert not [stack for stack in answer["stacks"] if stack[0] == "waiting"]
    assert answer["idle"] >= 1


# -- memory ----------------------------------------------------------------------------------------------------------


def test_the_number_of_different_stacks_is_bounded_and_what_was_left_out_is_told() -> None:
    counts = StackCounts(most=2)
    for number in (1, 2, 3, 1, 4):
        counts.add("t", [Frame("f", "/f.py", number)])
    told = counts.as_json()
    assert [stack[2] for stack in told["stacks"]] == [2, 1]
    assert told["left_out"] == 2


def test_threads_that_never_moved_from_near_their_roots_are_dropped() -> None:
    counts = StackCounts()
    for number in range(10):
        counts.add("waits", [APP, RUN])
        counts.add("works", [Frame("f", "/f.py", number), RUN])
        counts.add("stuck in a handler", [APP] * 9)
    threads = ["waits", "works", "stuck in a handler", "was never seen"]
    assert counts.drop_unmoved(threads, frames=8, samples=11) == 0
    assert counts.drop_unmoved(threads[1:], frames=8, samples=10) == 0
    assert counts.drop_unmoved(threads, frames=8, samples=10) == 10
    assert {stack[0] for stack in counts.as_json()["stacks"]} == {"works", "stuck in a handler"}


# -- idle ------------------------------------------------------------------------------------------------------------

BOOT = [
    RUN,
    Frame("Thread._bootstrap_inner", "/lib/threading.py", 1),
    Frame("Thread._bootstrap", "/lib/threading.py", 1),
]
EVENT = [Frame("Condition.wait", "/lib/threading.py", 320), Frame("Event.wait", "/lib/threading.py", 600)]


@pytest.mark.parametrize(
    ("stack", "idle"),
    [
        pytest.param([LOOP, *BOOT], True, id="a loop that waits for sockets"),
        pytest.param([Frame("EpollSelector.select", "/lib/selectors.py", 1), APP], True, id="asyncio's own"),
        pytest.param([Frame("_worker", "C:\\lib\\concurrent\\futures\\thread.py", 1), *BOOT], True, id="a free thread"),
        pytest.param([*EVENT, Frame("Log._run", "/lib/log.py", 1), *BOOT], True, id="a thread with nothing to write"),
        pytest.param([*EVENT, *[APP] * 9, *BOOT], False, id="a handler that waits for another thread"),
        pytest.param([APP, LOOP, *BOOT], False, id="a handler"),
        pytest.param([Frame("select", "/app/models.py", 1), *BOOT], False, id="a function that only is called so"),
        pytest.param([], False, id="nothing"),
    ],
)
def test_a_thread_is_idle_that_waits_for_something_to_do(stack: list[Frame], idle: bool) -> None:
    assert is_idle(stack) is idle
