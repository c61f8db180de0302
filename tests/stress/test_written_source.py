"""The source that tells of its writes does what it did, and tells."""

from __future__ import annotations

import ast
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.stress.writers import Writers
from tests.stress.written_source import telling

if TYPE_CHECKING:
    from tests.stress.happened_before import Clocks

ROOT: Final = Path(__file__).resolve().parent.parent.parent


def run(source: str) -> tuple[dict[str, Any], list[Any]]:
    """The names that a module makes, and what it told: the object and the name; an object alone is a new one."""
    told: list[Any] = []

    def changes(one: Any, name: str) -> Any:
        told.append((one, name))
        return getattr(one, name)

    names: dict[str, Any] = {
        "__wrote__": lambda one, name: told.append((one, name)),
        "__changes__": changes,
        "__enters__": lambda one: one,
        "__born__": told.append,
    }
    exec(compile(telling(ast.parse(source)), "m", "exec"), names)
    return names, told


MADE: Final = """
class A:
    def __init__(self):
        'It.'
        self.x = 0
        self.y = []

a, b = A(), A()
b.y = a
"""


@pytest.mark.parametrize(
    ("statement", "names"),
    [
        ("a.x = 1", ["x"]),
        ("a.x += 1", ["x"]),
        ("a.x: int = 1", ["x"]),
        ("a.x: int", []),
        ("del a.x", ["x"]),
        ("a.x, (a.y, *a.z) = 1, (2, 3)", ["x", "y", "z"]),
        ("a.y[:] = [1]", ["y"]),
        ("b.y.x = 1", ["x"]),
        ("a.y.append(1)", ["y"]),
        ("a.y.count(1)", []),
        ("len(a.y)", []),
        ("x = a.x", []),
        ("if a: a.x = 1", ["x"]),
        ("for _ in (1, 2): a.x = 1", ["x", "x"]),
        ("with open('/dev/null') as a.x: pass", []),
    ],
)
def test_what_is_told(statement: str, names: list[str]) -> None:
    before = len(run(MADE)[1])
    made, told = run(MADE + statement)
    assert told[before:] == [(made["a"], name) for name in names]


def test_new_objects_are_told_once_their_docstring_is_over() -> None:
    made, told = run(MADE)
    assert [one for one in told if not isinstance(one, tuple)] == [made["a"], made["b"]]
    assert made["A"].__init__.__doc__ == "It."


class Thing:
    """What threads write to."""

    def __init__(self) -> None:
        self.x = 0
        self.lock = threading.Lock()


def in_a_thread(work: Any) -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def test_who_gives_away_for_good_is_nothing_to_talk_about() -> None:
    writers, thing = Writers(), Thing()
    writers.born(thing)
    writers.wrote(thing, "x")
    in_a_thread(lambda: writers.wrote(thing, "x"))
    assert list(writers.shared()) == []


def test_who_writes_again_shares_unless_all_had_a_lock() -> None:
    writers, thing, other = Writers(), Thing(), Thing()

    def write() -> None:
        writers.wrote(thing, "x")
        with writers.enters(thing.lock):
            writers.wrote(other, "x")

    for _ in range(2):
        write()
        in_a_thread(write)
    assert list(writers.shared()) == [(f"{__name__}.Thing", "x")]
    assert thing.lock.acquire(blocking=False)


def test_another_object_in_the_same_place_is_another() -> None:
    writers, thing = Writers(), Thing()
    for _ in range(3):
        writers.born(thing)
        writers.wrote(thing, "x")
        in_a_thread(lambda: writers.wrote(thing, "x"))
    assert list(writers.shared()) == []


@pytest.mark.parametrize("handed_over", [True, False])
def test_a_race_is_two_writes_of_which_none_waited_for_the_other(handed_over: bool) -> None:
    writers, thing = Writers(), Thing()
    clocks = writers.clocks
    for _ in range(3):
        writers.wrote(thing, "x")
        if handed_over:
            clocks.leave(thing.lock)
        in_a_thread(lambda: _write_elsewhere(writers, clocks, thing, handed_over=handed_over))
        if handed_over:
            clocks.meet(thing.lock)
    assert list(writers.raced()) == ([] if handed_over else [(f"{__name__}.Thing", "x")])
    assert list(writers.shared()) == [(f"{__name__}.Thing", "x")], "there is no lock, whoever waited for whom"


def _write_elsewhere(writers: Writers, clocks: Clocks, thing: Thing, *, handed_over: bool) -> None:
    if handed_over:
        clocks.meet(thing.lock)
    writers.wrote(thing, "x")
    if handed_over:
        clocks.leave(thing.lock)


CARRIED: Final = """
import asyncio, queue, sys, threading
from tests.stress.writers import Writers

writers = Writers()
writers.clocks.install()

class Thing: ...

def by_thread(thing):
    thread = threading.Thread(target=writers.wrote, args=(thing, "x"))
    thread.start()
    thread.join()

def by_event(thing):
    there, back = threading.Event(), threading.Event()
    def work():
        there.wait()
        writers.wrote(thing, "x")
        back.set()
    go(work, there.set)
    back.wait()

def by_queue(thing):
    there, back = queue.SimpleQueue(), queue.SimpleQueue()
    def work():
        there.get()
        writers.wrote(thing, "x")
        back.put(1)
    go(work, lambda: there.put(1))
    back.get()

def by_condition(thing):
    changed, state = threading.Condition(), []
    def work():
        with writers.enters(changed):
            changed.wait_for(lambda: state)
            writers.wrote(thing, "x")
            state.clear()
            changed.notify()
    def let():
        with writers.enters(changed):
            state.append(1)
            changed.notify()
    go(work, let)
    with writers.enters(changed):
        changed.wait_for(lambda: not state)

def by_loop(thing):
    loop = asyncio.new_event_loop()
    def here():
        writers.wrote(thing, "x")
        loop.call_soon_threadsafe(loop.stop)
    go(loop.run_forever, lambda: loop.call_soon_threadsafe(here)).join()
    loop.close()

def by_nothing(thing):
    done = []
    def work():
        writers.wrote(thing, "x")
        done.append(1)
    go(work, lambda: None)
    while not done:
        pass

def go(work, let):
    thread = threading.Thread(target=work)
    thread.start()
    writers.wrote(things[0], "x")
    let()
    return thread

things = []
for way in (by_thread, by_event, by_queue, by_condition, by_loop, by_nothing):
    kind = type(way.__name__, (), {})
    things[:] = [kind()]
    for _ in range(3):
        writers.wrote(things[0], "x")
        way(things[0])
    writers.wrote(things[0], "x")
print(*[owner.rpartition(".")[2] for owner, _ in writers.raced()])
"""


def test_what_the_standard_library_hands_over_is_no_race() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", CARRIED], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.stdout.split(), ran.stderr) == (["by_nothing"], "")
