"""The warnings of a process, with its thread, real loops and the log as an operator reads it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import re
import subprocess
import sys
import threading
import time
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from advice_doubles import FakeFrame, FakeRequest, FakeTurn

from pounce_asgi import ClientTimedOut, Listeners
from pounce_observability.advice import Advice, AdviceSettings, LoopLag

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pounce_observability.advice.contracts import Request, Turn

HANGS_AFTER = 15.0
SLOW = 0.05


class CallbackLoop:
    """A loop that is asked by callbacks, as those are that are not the server's own."""

    worker_id = 4
    name = "worker"
    calm = True
    asleep = False
    requests_of_closed = 0

    def __init__(self, loop: asyncio.AbstractEventLoop, thread_id: int) -> None:
        self.loop = loop
        self.thread_id = thread_id

    def ask(self) -> Turn | None:
        turn = FakeTurn(time.monotonic())

        def ended() -> None:
            turn.ended = time.monotonic()

        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(ended)
            return turn
        return None

    def task(self) -> asyncio.Task[Any] | None:
        return asyncio.current_task(self.loop)

    def stack(self) -> list[FakeFrame]:
        # Of a thread that stands still while a test holds it.
        summary = traceback.extract_stack(sys._current_frames()[self.thread_id])
        return [FakeFrame(frame.filename, frame.lineno or 0, frame.name) for frame in summary]

    def request(self, task: asyncio.Task[Any] | None, /) -> Request | None:
        return FakeRequest() if task is not None else None

    def ask_requests(self, answer: Callable[[frozenset[asyncio.Task[Any]]], None], /) -> bool:
        self.loop.call_soon_threadsafe(answer, frozenset())
        return True


class Worker:
    """Has loops, and a client."""

    load = 1
    requests_served = 1

    def __init__(self, *loops: CallbackLoop) -> None:
        self.loops = loops


class Log:
    """What was logged, as text."""

    def __init__(self, caplog: pytest.LogCaptureFixture) -> None:
        self._caplog = caplog

    @property
    def texts(self) -> list[str]:
        return [record.getMessage() for record in list(self._caplog.records) if record.name == "pounce.advice"]

    def waits_for(self, part: str) -> str:
        end = time.monotonic() + HANGS_AFTER
        while time.monotonic() < end:
            for text in self.texts:
                if part in text:
                    return text
            time.sleep(0.005)
        raise AssertionError(f"nothing with {part!r} in {self.texts}")


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> Log:
    caplog.set_level(logging.WARNING, "pounce.advice")
    return Log(caplog)


@pytest.fixture
def loop() -> Iterator[CallbackLoop]:
    """One that runs in a thread of its own."""
    running = asyncio.new_event_loop()
    thread = threading.Thread(target=running.run_forever, name="loop under test")
    thread.start()
    assert thread.ident is not None
    yield CallbackLoop(running, thread.ident)
    running.call_soon_threadsafe(running.stop)
    thread.join(HANGS_AFTER)
    running.close()


@contextlib.contextmanager
def advising(*loops: CallbackLoop, **settings: Any) -> Iterator[Advice]:
    worker = Worker(*loops)
    options = {"slow_callback": SLOW, "task_leak": 0, **settings}
    advice = Advice(AdviceSettings(**options), loops=lambda one, _: one.loops, limits={"timeout_request_head": 10.0})
    advice.watch(worker, 4)
    advice.start()
    try:
        yield advice
    finally:
        advice.stop()


def blocks(until: threading.Event) -> None:
    assert until.wait(HANGS_AFTER)


async def view(until: threading.Event) -> None:
    blocks(until)


def comes(what: Callable[[], bool]) -> None:
    end = time.monotonic() + HANGS_AFTER
    while not what():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_what_holds_a_loop_is_named(log: Log, loop: CallbackLoop) -> None:
    let_go = threading.Event()
    with advising(loop) as advice:
        future = asyncio.run_coroutine_threadsafe(view(let_go), loop.loop)
        text = log.waits_for("still is")
        held = re.match(r"The event loop of worker 4 has been held for (\d+\.\d\d) s, and still is, ", text)
        assert held is not None
        assert float(held[1]) >= 1
        assert f"by blocks ({__file__}:" in text
        assert "for GET /slow over h2" in text
        assert "assert until.wait(HANGS_AFTER)" in text
        (lag,) = advice.loop_lags()
        assert lag[:2] == (4, "worker")
        assert lag.worst >= lag.latest >= 1
        let_go.set()
        future.result(HANGS_AFTER)
        log.waits_for("turns again")
        comes(lambda: advice.loop_lags()[0].latest < 1)


def test_the_end_tells_what_was_not_said(log: Log) -> None:
    with advising(slow_callback=0.5) as advice:
        (subscriber, *_) = [one for one in advice.listeners_for_worker(4) if ClientTimedOut in one.records]
        listener = Listeners.of(subscriber).client_timed_out
        assert listener is not None
        record = ClientTimedOut(0.0, 0.0, 4, 1, "http/1.1", ("192.0.2.1", 4), "timeout_request_head")
        listener(record)
        log.waits_for("timeout_request_head (10.0) ran out, such as for 192.0.2.1")
        listener(record)
    assert len(log.texts) == 2


def test_a_worker_that_is_gone_is_forgotten(loop: CallbackLoop) -> None:
    advice = Advice(AdviceSettings(), loops=lambda one, _: one.loops)
    worker = Worker(loop)
    advice.watch(worker, 4)
    assert advice._loops_now() == [loop]
    del worker
    gc.collect()
    assert advice._loops_now() == []
    advice.watch(other := Worker(loop), 5)
    assert len(advice._workers) == 1
    del other


def test_starting_and_stopping_again_does_no_harm(log: Log, loop: CallbackLoop) -> None:
    with advising(loop) as advice:
        advice.start()
        assert [thread.name for thread in threading.enumerate()].count("pounce-advice") == 1
        advice.stop()
        advice.stop()
        assert "pounce-advice" not in [thread.name for thread in threading.enumerate()]
        advice.start()
        comes(lambda: bool(advice.loop_lags()))
    assert advice.loop_lags() == ()
    assert log.texts == []


def test_a_failure_of_its_own_ends_the_warnings_and_nothing_else(log: Log, loop: CallbackLoop) -> None:
    def fails() -> Turn | None:
        raise RuntimeError("for once")

    loop.ask = fails  # type: ignore[method-assign]
    with advising(loop):
        log.waits_for("there will be no more of them")


def test_limits_can_be_left_to_others() -> None:
    advice = Advice(AdviceSettings(limit_warnings=False), loops=lambda _, __: ())
    assert advice.listeners_for_worker(1) == ()
    assert len(Advice(AdviceSettings(), loops=lambda _, __: ()).listeners_for_worker(1, shared=True)) == 3


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"slow_callback": -0.1}, "slow_callback: -0.1 is not a number of seconds from 0 on"),
        ({"slow_callback": float("nan")}, "slow_callback: nan"),
        ({"slow_callback": float("inf")}, "slow_callback: inf"),
        ({"task_leak": -1}, "task_leak: -1 is below 0 tasks"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        AdviceSettings(**settings)


def test_lags_are_plain() -> None:
    assert LoopLag(1, "worker", 0.5, 1.0)._asdict() == {"worker_id": 1, "loop": "worker", "latest": 0.5, "worst": 1.0}


def test_the_settings_bring_nothing_heavy() -> None:
    code = (
        "import sys; import pounce_observability.advice as a; a.AdviceSettings();"
        "assert 'asyncio' not in sys.modules and 'traceback' not in vars(a), sorted(sys.modules);"
        "assert hasattr(a, 'Advice') and not hasattr(a, 'Other')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
