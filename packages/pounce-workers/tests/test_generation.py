"""A new generation takes over: with doubles for workers, in the real thread."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING, Any

import pytest

from pounce_workers.supervision import departures
from pounce_workers.supervision.generation import GenerationSwap, SwapCallbacks
from pounce_workers.supervision.slots import SlotExit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pounce_workers.supervision.slots import SlotKind

TIMEOUT = 10


class Handle:
    """A worker that does what the test says."""

    def __init__(self, launcher: Launcher, worker_id: int, on_ready: Any, on_exit: Any) -> None:
        self.worker_id, self.generation, self.kind = worker_id, launcher.generation, launcher.kind
        self.exit: SlotExit | None = None
        self.told: list[str] = []
        self.ends_when_told = True
        self._on_ready, self._on_exit = on_ready, on_exit

    def ready(self) -> None:
        self._on_ready(self)

    def end(self, error: str = "") -> None:
        self.exit = SlotExit(expected=not error, error=error, exception=ValueError(error) if error else None)
        self._on_exit(self)

    def _told(self, word: str) -> None:
        self.told.append(word)
        if (self.ends_when_told or word == "kill") and self.exit is None and word != "retire":
            self.end()

    def drain(self) -> None:
        self._told("drain")

    def stop_now(self) -> None:
        self._told("stop_now")

    def kill(self) -> None:
        self._told("kill")

    def retire(self, move_to: object = None) -> None:
        self._told("retire")


class Launcher:
    """Hands every worker that it starts to the test."""

    def __init__(self, generation: int, kind: SlotKind) -> None:
        self.generation, self.kind = generation, kind
        self.started: queue.SimpleQueue[Handle] = queue.SimpleQueue()

    def start(self, worker_id: int, *, on_ready: Any, on_exit: Any) -> Handle:
        handle = Handle(self, worker_id, on_ready, on_exit)
        self.started.put(handle)
        return handle

    def next(self) -> Handle:
        return self.started.get(timeout=TIMEOUT)


class Code:
    """A generation, and how it ended."""

    def __init__(self, number: int, kind: SlotKind) -> None:
        self.launcher = Launcher(number, kind)
        self.over: queue.SimpleQueue[str] = queue.SimpleQueue()

    def undo(self) -> None:
        self.over.put("undo")

    def release(self) -> None:
        self.over.put("release")


class Bench:
    """A swap, and everything that it says."""

    def __init__(self, kind: SlotKind = "process", count: int = 2) -> None:
        self.kind, self.count = kind, count
        self.first = Code(1, kind)
        self.prepared: queue.SimpleQueue[Code] = queue.SimpleQueue()
        self.said: queue.SimpleQueue[tuple[Any, ...]] = queue.SimpleQueue()
        self.prepare: Callable[[int], Code] = lambda number: Code(number, kind)
        self.swap = GenerationSwap(
            self.first,  # type: ignore[arg-type]
            self._prepare,  # type: ignore[arg-type]
            count,
            callbacks=SwapCallbacks(
                on_ready=lambda handle: None,
                on_exit=lambda handle: None,
                adopt=self._adopt,
                on_switched=lambda number: self.said.put(("switched", number)),
                on_failed=lambda number, error: self.said.put(("failed", number, error)),
            ),
            shutdown_timeout=0.0,
        )
        self.serving = [self._serve(worker_id) for worker_id in range(count)]
        self.swap.start()

    def _adopt(self, launcher: Any, handles: Any, adopted: Callable[[], None]) -> None:
        self.said.put(("adopt", launcher.generation, handles))
        adopted()

    def _prepare(self, number: int) -> Code:
        code = self.prepare(number)
        self.prepared.put(code)
        return code

    def _serve(self, worker_id: int) -> Handle:
        ignore = lambda handle: None  # noqa: E731
        self.swap.launcher.start(worker_id, on_ready=ignore, on_exit=ignore)
        return self.first.launcher.next()

    def next_code(self) -> Code:
        return self.prepared.get(timeout=TIMEOUT)

    def hear(self) -> tuple[Any, ...]:
        return self.said.get(timeout=TIMEOUT)

    def swapped(self) -> tuple[Code, list[Handle]]:
        """Request one and let it succeed."""
        self.swap.request()
        code = self.next_code()
        handles = []
        for _ in range(self.count):
            handles.append(code.launcher.next())
            handles[-1].ready()
        number = code.launcher.generation
        assert self.hear() == ("adopt", number, tuple(handles))
        assert self.hear() == ("switched", number)
        return code, handles


@pytest.fixture
def make() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def one(**options: Any) -> Bench:
        made.append(Bench(**options))
        return made[-1]

    yield one
    for bench in made:
        bench.swap.stop()
        assert bench.swap.join(TIMEOUT)


@pytest.mark.parametrize("kind", ["thread", "process"])
def test_when_all_are_ready_the_supervisor_adopts_them(make: Callable[..., Bench], kind: SlotKind) -> None:
    bench = make(kind=kind, count=3)
    code, handles = bench.swapped()
    assert [handle.worker_id for handle in handles] == [0, 1, 2]
    assert bench.swap.serving == 2
    assert bench.swap.launcher.generation == 2
    for handle in bench.serving:
        assert bench.first.over.empty()
        handle.end()
    assert bench.first.over.get(timeout=TIMEOUT) == "release"
    assert code.over.empty()


def test_threads_start_one_after_another(make: Callable[..., Bench]) -> None:
    bench = make(kind="thread", count=2)
    bench.swap.request()
    code = bench.next_code()
    one = code.launcher.next()
    with pytest.raises(queue.Empty):
        code.launcher.started.get(timeout=0.05)
    one.ready()
    code.launcher.next().ready()
    assert bench.hear()[0] == "adopt"


def test_processes_start_side_by_side(make: Callable[..., Bench]) -> None:
    bench = make(kind="process", count=4)
    bench.swap.request()
    code = bench.next_code()
    handles = [code.launcher.next() for _ in range(4)]
    for handle in reversed(handles):
        handle.ready()
    assert bench.hear() == ("adopt", 2, tuple(handles))


def test_code_that_cannot_be_imported(make: Callable[..., Bench]) -> None:
    bench = make()
    error = SyntaxError("def (")

    def fail(number: int) -> Code:
        raise error

    good, bench.prepare = bench.prepare, fail
    bench.swap.request()
    assert bench.hear() == ("failed", 2, error)
    assert bench.swap.serving == 1
    bench.prepare = good
    assert bench.swapped()[0].launcher.generation == 3


@pytest.mark.parametrize("kind", ["thread", "process"])
@pytest.mark.parametrize("ready", [0, 1])
def test_a_worker_that_fails_to_start(make: Callable[..., Bench], kind: SlotKind, ready: int) -> None:
    bench = make(kind=kind, count=2)
    bench.swap.request()
    code = bench.next_code()
    handles = [code.launcher.next()]
    if ready:
        handles[0].ready()
    if ready or kind == "process":
        handles.append(code.launcher.next())
    handles[-1].end("lifespan failed")
    word, number, error = bench.hear()
    assert (word, number) == ("failed", 2)
    assert "lifespan failed" in str(error)
    assert isinstance(error.__cause__, ValueError)
    assert code.over.get(timeout=TIMEOUT) == "undo"
    assert [handle.told for handle in handles[:-1]] == [["drain"]] * (len(handles) - 1)
    assert all(handle.told == [] for handle in bench.serving)
    assert bench.swapped()[0].launcher.generation == 3


def test_one_that_will_not_go_is_killed_before_the_next_attempt(
    make: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(departures, "MARGIN", 0.0)
    bench = make(count=2)
    bench.swap.request()
    code = bench.next_code()
    stuck, failing = code.launcher.next(), code.launcher.next()
    stuck.ends_when_told = False
    failing.end("no")
    assert bench.hear()[0] == "failed"
    assert code.over.get(timeout=TIMEOUT) == "undo"
    assert stuck.told[0] == "drain"
    assert stuck.told[-1] == "kill"


def test_requests_while_one_is_under_way_are_one_more(make: Callable[..., Bench]) -> None:
    bench = make(count=1)
    for _ in range(10):
        bench.swap.request()
    for number in (2, 3):
        code = bench.next_code()
        assert code.launcher.generation == number
        code.launcher.next().ready()
        assert bench.hear()[0] == "adopt"
        assert bench.hear() == ("switched", number)
    with pytest.raises(queue.Empty):
        bench.prepared.get(timeout=0.05)


def test_stopped_while_it_imports(make: Callable[..., Bench]) -> None:
    bench = make()
    importing, go_on = threading.Event(), threading.Event()

    def wait(number: int) -> Code:
        importing.set()
        go_on.wait(TIMEOUT)
        return Code(number, "process")

    bench.prepare = wait
    bench.swap.request()
    assert importing.wait(TIMEOUT)
    bench.swap.stop()
    go_on.set()
    assert bench.swap.join(TIMEOUT)
    code = bench.next_code()
    assert code.over.get(timeout=TIMEOUT) == "undo"
    assert code.launcher.started.empty()


def test_stopped_while_workers_start(make: Callable[..., Bench]) -> None:
    bench = make(count=2)
    bench.swap.request()
    code = bench.next_code()
    handles = [code.launcher.next() for _ in range(2)]
    handles[0].ready()
    bench.swap.stop()
    assert bench.swap.join(TIMEOUT)
    assert [handle.told for handle in handles] == [["drain"], ["drain"]]
    assert code.over.get(timeout=TIMEOUT) == "undo"
    assert bench.said.empty()


def test_stopped_before_it_was_started() -> None:
    code = Code(1, "thread")
    nothing: Any = lambda *arguments: None  # noqa: E731
    callbacks = SwapCallbacks(on_ready=nothing, on_exit=nothing, adopt=nothing, on_switched=nothing, on_failed=nothing)
    swap = GenerationSwap(code, nothing, 1, callbacks=callbacks, shutdown_timeout=0.0)  # type: ignore[arg-type]
    swap.stop()
    assert swap.join(0)


def test_an_old_generation_that_had_nobody_left_is_released(make: Callable[..., Bench]) -> None:
    bench = make(count=1)
    bench.serving[0].end()
    bench.swapped()
    assert bench.first.over.get(timeout=TIMEOUT) == "release"


def test_a_worker_that_the_supervisor_replaced_counts(make: Callable[..., Bench]) -> None:
    bench = make(count=1)
    bench.swap.launcher.start(0, on_ready=lambda handle: None, on_exit=lambda handle: None)
    successor = bench.first.launcher.next()
    bench.serving[0].end()
    bench.swapped()
    with pytest.raises(queue.Empty):
        bench.first.over.get(timeout=0.05)
    successor.end()
    assert bench.first.over.get(timeout=TIMEOUT) == "release"


def test_an_error_in_a_callback_does_not_end_it(make: Callable[..., Bench], caplog: pytest.LogCaptureFixture) -> None:
    bench = make(count=1)
    first = bench.first

    def fail() -> None:
        first.over.put("tried")
        raise ValueError("no")

    first.release = fail  # type: ignore[method-assign]
    bench.swapped()
    bench.serving[0].end()
    assert first.over.get(timeout=TIMEOUT) == "tried"
    assert bench.swapped()[0].launcher.generation == 3
    assert "a step of the reload failed" in caplog.text
