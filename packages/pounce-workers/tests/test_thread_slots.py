"""Workers in threads: how they are born, told, and given up."""

from __future__ import annotations

import contextvars
import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from pounce_workers.supervision.thread_slots import ThreadSlot, ThreadSlotLauncher

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_workers.supervision.slots import MoveTo, SlotHandle

HANGS_AFTER = 10.0
SECRET: contextvars.ContextVar[str] = contextvars.ContextVar("SECRET", default="none")


class StubWorker:
    """Serves nothing, until it is stopped. What it does in ``run()`` can be given."""

    def __init__(self, on_started: Callable[[], None], body: Callable[[StubWorker], None] | None = None) -> None:
        self.beat = 0.0
        self.load = 3
        self.requests_served = 7
        self.stops = 0
        self.moved_to: list[MoveTo | None] = []
        self.stopped = threading.Event()
        self._on_started = on_started
        self._body = body

    def run(self) -> None:
        self.beat = time.monotonic()
        if self._body is not None:
            self._body(self)
        self._on_started()
        assert self.stopped.wait(HANGS_AFTER)

    def request_stop(self) -> None:
        self.stops += 1
        self.stopped.set()

    def retire(self, move_to: MoveTo | None = None) -> None:
        self.moved_to.append(move_to)
        self.stopped.set()


class Slots:
    """Starts slots and collects what they tell."""

    def __init__(self) -> None:
        self.workers: list[StubWorker] = []
        self.ready: queue.SimpleQueue[SlotHandle] = queue.SimpleQueue()
        self.ended: queue.SimpleQueue[SlotHandle] = queue.SimpleQueue()

    def start(self, body: Callable[[StubWorker], None] | None = None, make: Any = None) -> ThreadSlot:
        def made(worker_id: int, on_started: Callable[[], None]) -> StubWorker:
            self.workers.append(StubWorker(on_started, body))
            return self.workers[-1]

        launcher = ThreadSlotLauncher(make or made, generation=4)
        return launcher.start(5, on_ready=self.ready.put, on_exit=self.ended.put)


@pytest.fixture
def slots() -> Slots:
    return Slots()


def test_a_life(slots: Slots) -> None:
    slot = slots.start()
    assert slots.ready.get(timeout=HANGS_AFTER) is slot
    (worker,) = slots.workers
    assert (slot.worker_id, slot.generation, slot.kind, slot.rss) == (5, 4, "thread", None)
    assert (slot.load, slot.requests_served) == (3, 7)
    assert slot.last_beat == worker.beat > 0
    assert slot.is_alive()
    assert "stopped.wait" in slot.stack()
    slot.drain()
    assert slots.ended.get(timeout=HANGS_AFTER) is slot
    assert not slot.is_alive()
    assert slot.exit is not None
    assert slot.exit.expected


@pytest.mark.parametrize(("calls", "stops"), [(["drain"] * 3, 1), (["stop_now"] * 3, 2), (["drain", "stop_now"], 2)])
def test_the_worker_hears_each_stop_once(slots: Slots, calls: list[str], stops: int) -> None:
    slot = slots.start()
    slots.ready.get(timeout=HANGS_AFTER)
    for call in calls:
        getattr(slot, call)()
    slots.ended.get(timeout=HANGS_AFTER)
    assert slots.workers[0].stops == stops


@pytest.mark.parametrize("call", ["drain", "stop_now", "retire"])
def test_what_was_said_before_there_was_a_worker_reaches_it(slots: Slots, call: str) -> None:
    told = threading.Event()

    def make(worker_id: int, on_started: Callable[[], None]) -> StubWorker:
        assert told.wait(HANGS_AFTER)
        slots.workers.append(StubWorker(on_started))
        return slots.workers[-1]

    slot = slots.start(make=make)
    assert slot.load == slot.requests_served == 0
    assert slot.last_beat <= time.monotonic()
    getattr(slot, call)()
    told.set()
    slots.ended.get(timeout=HANGS_AFTER)
    (worker,) = slots.workers
    assert (worker.stops, len(worker.moved_to)) == {"drain": (1, 0), "stop_now": (2, 0), "retire": (0, 1)}[call]
    assert slot.exit is not None
    assert slot.exit.expected


def test_retiring_hands_on_where_connections_move(slots: Slots) -> None:
    def move_to(sock: object, peer: object, local: object) -> None: ...

    slot = slots.start()
    slots.ready.get(timeout=HANGS_AFTER)
    slot.retire(move_to)
    slots.ended.get(timeout=HANGS_AFTER)
    assert slots.workers[0].moved_to == [move_to]


@pytest.mark.parametrize("error", [ValueError("no database"), SystemExit(3), KeyboardInterrupt()])
def test_whatever_is_raised_is_told(slots: Slots, error: BaseException) -> None:
    def fail(_: StubWorker) -> None:
        raise error

    slot = slots.start(fail)
    assert slots.ended.get(timeout=HANGS_AFTER) is slot
    assert slot.exit is not None
    assert not slot.exit.expected
    assert slot.exit.exception is error
    assert type(error).__name__ in slot.exit.error
    assert slots.ready.empty()


def test_a_worker_that_cannot_be_made(slots: Slots) -> None:
    def make(worker_id: int, on_started: Callable[[], None]) -> StubWorker:
        raise ImportError("no such module")

    slot = slots.start(make=make)
    slots.ended.get(timeout=HANGS_AFTER)
    assert str(slot.exit) == "failed: ImportError: no such module"


def test_an_end_that_nobody_asked_for_is_not_expected(slots: Slots) -> None:
    slot = slots.start(lambda worker: worker.stopped.set())
    slots.ended.get(timeout=HANGS_AFTER)
    assert str(slot.exit) == "ended without being told to"


def test_one_that_does_not_end_is_named_and_left_behind(slots: Slots, caplog: pytest.LogCaptureFixture) -> None:
    release, blocked = threading.Event(), threading.Event()

    def blocked_here(_: StubWorker) -> None:
        blocked.set()
        assert release.wait(HANGS_AFTER)

    slot = slots.start(blocked_here)
    assert blocked.wait(HANGS_AFTER)
    slot.stop_now()
    with caplog.at_level(logging.ERROR, "pounce.supervisor"):
        slot.kill()
        slot.kill()
    assert slots.ended.get(timeout=HANGS_AFTER) is slot
    assert slot.exit is not None
    assert slot.exit.abandoned
    (record,) = caplog.records
    assert "pounce-worker-5 does not end and is left behind" in record.message
    assert "blocked_here" in record.message
    release.set()
    slot._thread.join(HANGS_AFTER)
    assert slots.ended.empty(), "its end is told once"
    assert slots.ready.empty(), "and never that it is ready after all"


def test_a_worker_begins_with_a_fresh_context(slots: Slots) -> None:
    seen: list[str] = []
    token = SECRET.set("of the one that started it")
    try:
        slot = slots.start(lambda _: seen.append(SECRET.get()))
    finally:
        SECRET.reset(token)
    slots.ready.get(timeout=HANGS_AFTER)
    slot.drain()
    slots.ended.get(timeout=HANGS_AFTER)
    assert seen == ["none"]
