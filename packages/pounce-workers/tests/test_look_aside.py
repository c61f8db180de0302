"""Between two parts of what takes long, who is quick and has come meanwhile is served."""

from __future__ import annotations

import contextvars
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from test_selector import Batches
from watchers import Watcher

from pounce_asgi.fairness import TURN_SECONDS
from pounce_workers import ServingLoop
from pounce_workers.net import selector
from pounce_workers.net.readiness import HANG_UP, READ, WRITE
from pounce_workers.net.selector import LARGE, ServingSelector

HERE = contextvars.copy_context()
SHORT, LONG = TURN_SECONDS / 8, TURN_SECONDS * 1.5
BUSY = TURN_SECONDS * 3
"""Somebody takes so long that those behind have a turn as long."""


class World(Batches):
    """A selector whose time is what those take whom it serves, and whose looks are given. In the log "|" is a look at
    the sockets, and ":" one aside.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.now = 0.0
        self.log: list[str] = []
        self.members: dict[str, Member] = {}
        monkeypatch.setattr(selector, "time", SimpleNamespace(monotonic=lambda: self.now))
        self.selector = ServingSelector(self)
        self.loop = ServingLoop(self.selector)
        self.errors: list[Any] = []
        self.loop.set_exception_handler(lambda _, context: self.errors.append(context.get("exception")))

    def member(self, name: str, takes: float = SHORT, **options: Any) -> Member:
        made = self.members[name] = Member(name, takes, self, **options)
        self.selector.watch(100 + len(self.members), made)
        made.fd = 100 + len(self.members)
        return made

    def ready(self, *looks: str, mask: int = READ) -> None:
        """Who is ready at each look, a letter each."""
        self.batches += [[(self.members[name].fd, mask) for name in names] for names in looks]

    def poll(self, timeout: float | None = None, maxevents: int = -1, /) -> list[tuple[int, int]]:
        self.log.append(":" if sys._getframe(1).f_code.co_name == "_quick_ones" else "|")
        return self.batches.pop(0) if self.batches else []

    def behind(self, name: str, takes: float) -> None:
        def callback() -> None:
            self.log.append(name)
            self.now += takes

        self.loop.call_behind(callback, context=HERE)

    def run(self) -> str:
        """Until nothing is left that was given."""

        def stop() -> None:
            if self.batches or self.selector._behind:
                self.loop.call_soon(stop)
            else:
                self.loop.stop()

        self.loop.call_soon(stop)
        self.loop.run_forever()
        for member in self.members.values():
            self.selector.forget(member.fd)
        self.loop.close()
        return " ".join(self.log).rstrip(" |:")


class Member(Watcher):
    """Somebody who has sent so many bytes, the handling of which takes so long."""

    fd = 0

    def __init__(self, name: str, takes: float, world: World, *, size: int = 1, quick: bool = True) -> None:
        super().__init__()
        self.name = name
        self.takes = takes
        self.world = world
        self.size = size
        self.quick = quick
        self.wakes = False
        self.reads = 0.0
        self.fails = ""

    def on_readable(self) -> bytes | None:
        self.world.now += self.reads
        if self.fails == "on_readable":
            raise LookupError(self.name)
        return bytes(self.size)

    def deliver(self, data: bytes, /) -> None:
        self.world.log.append(self.name)
        self.world.now += self.takes
        if self.fails == "deliver":
            raise LookupError(self.name)
        if self.wakes:
            self.world.loop.call_soon(self.world.log.append, f"{self.name} woke")

    def put_off(self, data: bytes, /) -> None:
        self.quick = False
        self.world.log.append(f"{self.name} later")
        if self.fails == "put_off":
            raise LookupError(self.name)

    def on_writable(self) -> None:
        self.world.log.append(f"{self.name} writes")

    def on_hang_up(self) -> None:
        self.world.log.append(f"{self.name} ends")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch)


def test_between_those_who_are_behind(world: World) -> None:
    world.member("x", BUSY)
    for name in "qr":
        world.member(name)
    for name in "abc":
        world.behind(name, LONG)
    world.ready("x", "q", "r")
    assert world.run() == "| x : q a : r b | c"


def test_between_reads_that_are_slow(world: World) -> None:
    """Nobody looks before the first of them, and nobody after the last: the next look comes by itself."""
    world.member("q")
    for name in "ab":
        world.member(name, LONG, quick=False)
    world.ready("ab", "q")
    assert world.run() == "| a : q b later"


def test_not_between_small_requests(world: World) -> None:
    """They come as they came, and looks would make each of them dearer."""
    world.member("q")
    for name in "abcdef":
        world.member(name, TURN_SECONDS)
    world.ready("abcdef", "q")
    assert world.run() == "| a b c d e f | q"


@pytest.mark.parametrize(
    ("looks", "log"), [(["xyz", "q"], "| x y z a b c | q"), (["x", "qrs", "y"], "| x : q r s a b | y c")]
)
def test_not_in_a_crowd(world: World, monkeypatch: pytest.MonkeyPatch, looks: list[str], log: str) -> None:
    monkeypatch.setattr(selector, "MAX_EVENTS", 3)
    world.member("x", BUSY)
    for name in "yzqrs":
        world.member(name)
    for name in "abc":
        world.behind(name, LONG)
    world.ready(*looks)
    assert world.run() == log


def test_after_what_reads_nothing_others_are_served_at_once(world: World) -> None:
    """Handshakes, datagrams and new connections take their time while they are read."""
    world.member("q")
    world.member("a")

    class Crowd(Member):
        def on_readable(self) -> bytes | None:
            self.world.log.append(self.name)
            self.world.now += self.takes
            return None

    for name in "xy":
        world.members[name] = Crowd(name, LONG, world, quick=False)
        world.members[name].fd = 200 + ord(name)
        world.selector.watch(200 + ord(name), world.members[name])
    world.ready("xya", "q")
    assert world.run() == "| a x : q y"


def test_each_is_served_once_between_two_looks(world: World) -> None:
    """So those behind go on, whatever comes."""
    world.member("x", BUSY)
    world.member("q")
    for name in "abc":
        world.behind(name, LONG)
    world.ready("x", "xq", "xq", "q")
    assert world.run() == "| x : q a : b | q c"


def test_who_was_served_aside_is_new_after_a_look_that_found_nobody(world: World) -> None:
    """Also for those who only ask."""
    world.member("x", BUSY)
    world.member("q")
    asked: list[bool] = []
    world.loop.call_behind(lambda: asked.append(world.loop.quick_wait()), context=HERE)
    world.behind("a", BUSY)
    world.loop.call_behind(lambda: asked.append(world.loop.quick_wait()), context=HERE)
    world.ready("x", "q", "q", "", "q")
    assert world.run() == "| x : q : a"
    assert asked == [False, True]


@pytest.mark.parametrize(
    ("options", "mask"),
    [({"quick": False}, READ), ({}, WRITE), ({}, READ | WRITE)],
    ids=["took long", "can write", "and write"],
)
def test_who_has_to_wait_for_the_next_look(world: World, options: dict[str, Any], mask: int) -> None:
    world.member("x", BUSY)
    world.member("q", **options)
    world.behind("a", LONG)
    world.ready("x")
    world.ready("q", mask=mask)
    assert world.run() == "| x : a"


def test_a_large_read_is_put_off(world: World) -> None:
    world.member("x", BUSY)
    world.member("q", size=LARGE)
    world.behind("a", LONG)
    world.ready("x", "q")
    assert world.run() == "| x : q later a"
    assert not world.members["q"].quick, "it is not known before it was handled"


def test_they_have_no_more_than_a_turn(world: World) -> None:
    world.member("x", BUSY)
    for name in "qrst":
        world.member(name, TURN_SECONDS / 2)
    for name in "abc":
        world.behind(name, LONG)
    world.ready("x", "qrst", "qrst")
    assert world.run() == "| x : q r a : s t b | c"


def test_who_takes_long_is_not_quick_any_more(world: World) -> None:
    world.member("x", BUSY)
    member = world.member("q", LONG)
    world.behind("a", LONG)
    world.ready("x", "q")
    assert world.run() == "| x : q a"
    assert not member.quick


def test_they_take_nothing_of_the_turn_of_slow_reads(world: World) -> None:
    world.member("q", TURN_SECONDS)
    for name in "xy":
        world.member(name, TURN_SECONDS * 0.7)
    for name in "abc":
        world.member(name, TURN_SECONDS / 2, quick=False)
    world.ready("xyabc", "q")
    assert world.run() == "| x y : q a b : c later"


def test_they_take_nothing_of_the_turn_of_those_behind(world: World) -> None:
    world.member("x", TURN_SECONDS * 2)
    world.member("q", TURN_SECONDS)
    for name in "abc":
        world.behind(name, TURN_SECONDS)
    world.ready("x", "q")
    assert world.run() == "| x : q a : b | c"


def test_those_behind_go_on_however_many_tasks_are_woken(world: World) -> None:
    world.member("x", BUSY)
    for name in "qr":
        world.member(name).wakes = True
    for name in "abc":
        world.behind(name, LONG)
    world.ready("x", "q", "r")
    assert world.run() == "| x : q a : r b q woke r woke | c"


def test_while_many_reads_are_put_off(world: World) -> None:
    """To read, and over TLS to decrypt, takes its time, too."""
    world.member("q")
    for name in "abcdefghij":
        world.member(name, LONG, quick=False).reads = TURN_SECONDS / 2
    world.ready("abcdefghij", "q")
    log = world.run()
    assert log.startswith("| a : q b later c later : d later e later : f later")


def test_quick_ones_come_before_all_that_may_be_slow_in_a_batch(world: World) -> None:
    names = [f"s{number}" for number in range(100)]
    for name in (*names, "q0", "q1", "gone"):
        world.member(name, quick=name.startswith("q"))
    world.batches.append([(world.members[name].fd, HANG_UP if name == "gone" else READ) for name in world.members])
    log = world.run().split()
    assert log[:3] == ["|", "q0", "q1"]
    assert "gone" in log


@pytest.mark.parametrize(
    ("where", "size", "log"),
    [
        ("on_readable", 1, "| x : r a"),
        ("deliver", 1, "| x : q q ends r a"),
        ("put_off", LARGE, "| x : q later q ends r a"),
    ],
)
def test_one_that_fails_harms_no_other(world: World, where: str, size: int, log: str) -> None:
    world.member("x", BUSY)
    world.member("q", size=size).fails = where
    world.member("r")
    world.behind("a", LONG)
    world.ready("x", "qr")
    assert world.run() == log
    assert [type(error) for error in world.errors] == [LookupError]


def test_one_that_fails_when_it_is_put_off_harms_no_other(world: World) -> None:
    for name in "abc":
        world.member(name, LONG, quick=False).fails = "put_off"
    world.ready("abc")
    assert world.run() == "| a : b later b ends c later c ends"
    assert [type(error) for error in world.errors] == [LookupError] * 2
