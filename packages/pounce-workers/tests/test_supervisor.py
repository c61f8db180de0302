"""The supervisor over real threads and real processes."""

from __future__ import annotations

import contextlib
import logging
import os
import pathlib
import queue
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from pounce_workers import WorkerSettings
from pounce_workers.supervision import process_slots
from pounce_workers.supervision.process_slots import ProcessSlot, ProcessSlotLauncher
from pounce_workers.supervision.supervisor import Supervisor, WorkersFailed
from pounce_workers.supervision.thread_slots import ThreadSlotLauncher

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pounce_workers.supervision.slots import MoveTo, SlotHandle, SlotLauncher

HANGS_AFTER = 30.0

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")


class Running:
    """A supervisor in a thread of its own. ``serving`` gets what serves, each time that changes."""

    def __init__(self, launcher: SlotLauncher, count: int, *, shutdown_timeout: float = 1.0, **settings: Any) -> None:
        self.serving: queue.SimpleQueue[tuple[SlotHandle, ...]] = queue.SimpleQueue()
        self.started = threading.Event()
        self.error: BaseException | None = None
        self.supervisor = Supervisor(
            launcher,
            count,
            settings=WorkerSettings(**{"graceful_timeout": 5.0, **settings}),
            shutdown_timeout=shutdown_timeout,
            on_started=self.started.set,
            on_serving=self.serving.put,
        )
        self.thread = threading.Thread(target=self._run, name="supervisor under test", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        try:
            self.supervisor.run()
        except WorkersFailed as error:
            self.error = error

    def until(self, condition: Callable[[tuple[SlotHandle, ...]], bool]) -> tuple[SlotHandle, ...]:
        """Wait until those that serve are as they should be."""
        while True:
            serving = self.serving.get(timeout=HANGS_AFTER)
            if condition(serving):
                return serving

    def all_serve(self, count: int) -> tuple[SlotHandle, ...]:
        serving = self.until(lambda serving: len(serving) == count)
        assert self.started.wait(HANGS_AFTER)
        return serving

    def join(self) -> None:
        self.thread.join(HANGS_AFTER)
        assert not self.thread.is_alive(), "the supervisor does not end"


class ThreadWorker:
    """Serves nothing. ``fail`` ends it with an error, ``block`` keeps its beat from moving."""

    def __init__(self, worker_id: int, on_started: Callable[[], None]) -> None:
        self.worker_id = worker_id
        self.load = 0
        self.requests_served = 0
        self.told: list[str] = []
        self.blocked = False
        self._on_started = on_started
        self._news: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._beat = time.monotonic()

    @property
    def beat(self) -> float:
        return self._beat if self.blocked else time.monotonic()

    def run(self) -> None:
        self._on_started()
        news = self._news.get()
        if news == "fail":
            raise RuntimeError("as the test wanted")

    def block(self) -> None:
        self._beat = time.monotonic()
        self.blocked = True

    def fail(self) -> None:
        self._news.put("fail")

    def request_stop(self) -> None:
        self.told.append("stop")
        self._news.put("stop")

    def retire(self, move_to: MoveTo | None = None) -> None:
        self.told.append("retire")
        self._news.put("retire")


class Threads:
    """Worker threads; the workers are in ``workers``, in order of their birth."""

    def __init__(self) -> None:
        self.workers: list[ThreadWorker] = []
        self.launcher = ThreadSlotLauncher(self._make)

    def _make(self, worker_id: int, on_started: Callable[[], None]) -> ThreadWorker:
        self.workers.append(ThreadWorker(worker_id, on_started))
        return self.workers[-1]


# -- threads -----------------------------------------------------------------------------------------------------------


def test_threads_serve_and_stop() -> None:
    threads = Threads()
    running = Running(threads.launcher, 4)
    serving = running.all_serve(4)
    assert [handle.worker_id for handle in serving] == [0, 1, 2, 3]
    assert running.supervisor.handles == serving
    running.supervisor.stop()
    running.join()
    assert running.error is None
    assert [worker.told for worker in threads.workers] == [["stop"]] * 4


def test_a_thread_that_fails_is_replaced(caplog: pytest.LogCaptureFixture) -> None:
    threads = Threads()
    running = Running(threads.launcher, 2)
    before = running.all_serve(2)
    threads.workers[1].fail()
    after = running.until(lambda serving: len(serving) == 2)
    assert after[0] is before[0]
    assert (after[1].worker_id, after[1] is before[1]) == (1, False)
    running.supervisor.stop()
    running.join()
    assert "worker 1 (thread) failed: RuntimeError: as the test wanted; it is replaced in 0.1 s" in caplog.messages


def test_a_thread_that_cannot_start_ends_the_server_with_its_error() -> None:
    def make(worker_id: int, on_started: Callable[[], None]) -> ThreadWorker:
        if worker_id == 1:
            raise LookupError("no database")
        return ThreadWorker(worker_id, on_started)

    running = Running(ThreadSlotLauncher(make), 3)
    running.join()
    assert not running.started.is_set()
    assert isinstance(running.error, WorkersFailed)
    assert str(running.error) == "worker 1 failed: LookupError: no database"
    assert isinstance(running.error.__cause__, LookupError)


def test_a_thread_that_has_served_enough_is_followed_before_it_goes() -> None:
    threads = Threads()
    running = Running(threads.launcher, 1, limit_max_requests=5)
    (old,) = running.all_serve(1)
    threads.workers[0].requests_served = 5
    (new,) = running.serving.get(timeout=HANGS_AFTER)
    assert new is not old, "there was never a moment without"
    running.supervisor.stop()
    running.join()
    assert threads.workers[0].told[0] == "retire"


def test_a_blocked_thread_is_reported_with_its_stack(caplog: pytest.LogCaptureFixture) -> None:
    threads = Threads()
    running = Running(threads.launcher, 2, worker_stall_timeout=0.1)
    running.all_serve(2)
    threads.workers[0].block()
    running.until(lambda serving: [handle.worker_id for handle in serving] == [1])
    while not any("has not turned for" in message for message in caplog.messages):
        time.sleep(0.005)
    (report,) = [message for message in caplog.messages if "has not turned for" in message]
    assert report.startswith("worker 0 (thread): its event loop")
    assert "self._news.get()" in report
    running.supervisor.stop()
    running.join()


def test_a_thread_that_does_not_end_is_left_behind(caplog: pytest.LogCaptureFixture) -> None:
    release = threading.Event()

    class Deaf(ThreadWorker):
        def run(self) -> None:
            self._on_started()
            assert release.wait(HANGS_AFTER)

    running = Running(ThreadSlotLauncher(Deaf), 1, shutdown_timeout=0.1, graceful_timeout=0.1)
    (deaf,) = running.all_serve(1)
    running.supervisor.stop()
    running.join()
    assert str(deaf.exit) == "did not end and was left behind"
    assert any("release.wait" in message for message in caplog.messages)
    release.set()


def test_a_new_generation_takes_over() -> None:
    threads, fresh = Threads(), Threads()
    running = Running(threads.launcher, 2)
    running.all_serve(2)
    ready: queue.SimpleQueue[SlotHandle] = queue.SimpleQueue()
    handles = [
        fresh.launcher.start(worker_id, on_ready=ready.put, on_exit=running.supervisor.exited) for worker_id in range(2)
    ]
    for _ in handles:
        ready.get(timeout=HANGS_AFTER)
    running.supervisor.adopt(fresh.launcher, handles)
    assert running.serving.get(timeout=HANGS_AFTER) == tuple(handles)
    fresh.workers[0].fail()
    running.until(lambda serving: len(serving) == 2 and serving != tuple(handles))
    running.supervisor.stop()
    running.join()
    assert [worker.told for worker in threads.workers] == [["retire"]] * 2
    assert len(fresh.workers) == 3


@posix
def test_it_is_told_that_a_generation_serves_once_it_does_and_not_too_late() -> None:
    threads = Threads()
    running = Running(threads.launcher, 1)
    (old,) = running.all_serve(1)
    served: queue.SimpleQueue[tuple[SlotHandle, ...]] = queue.SimpleQueue()
    tell = lambda: served.put(running.supervisor.handles)  # noqa: E731
    fresh = Threads()
    exited = running.supervisor.exited
    handles = [fresh.launcher.start(0, on_ready=lambda _: None, on_exit=exited)]
    running.supervisor.adopt(fresh.launcher, handles, tell)
    assert served.get(timeout=HANGS_AFTER) == tuple(handles) != (old,)
    running.supervisor.stop()
    late = fresh.launcher.start(0, on_ready=lambda _: None, on_exit=exited)
    running.supervisor.adopt(fresh.launcher, [late], tell)
    running.join()
    assert served.empty()


def test_signals_may_stop_it_while_it_waits() -> None:
    """In the main thread, as a server runs it."""
    threads = Threads()
    supervisor = Supervisor(
        threads.launcher,
        2,
        settings=WorkerSettings(graceful_timeout=5.0),
        shutdown_timeout=1.0,
        on_started=lambda: os.kill(os.getpid(), signal.SIGUSR1),
    )
    before = signal.signal(signal.SIGUSR1, lambda *_: supervisor.stop())
    try:
        supervisor.run()
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert [worker.told for worker in threads.workers] == [["stop"]] * 2


# -- processes ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=256) as sock:
        yield sock


def launcher(listener: socket.socket, entry: str = "serve") -> ProcessSlotLauncher:
    return ProcessSlotLauncher(f"process_entries:{entry}", None, [listener], status_period=0.05)


def ask(listener: socket.socket, what: bytes = b"pid") -> bytes:
    with socket.create_connection(listener.getsockname(), HANGS_AFTER) as client:
        client.sendall(what)
        return client.recv(64)


def pids(handles: tuple[SlotHandle, ...]) -> set[bytes]:
    return {b"%d" % (handle.pid or 0) for handle in handles if isinstance(handle, ProcessSlot)}


@posix
def test_a_process_killed_under_use_costs_its_own_connections_only(listener: socket.socket) -> None:
    running = Running(launcher(listener), 2)
    before = running.all_serve(2)
    answers: list[bytes] = []
    seen_new = threading.Event()
    new: set[bytes] = set()

    def use() -> None:
        while not seen_new.is_set():
            try:
                answers.append(ask(listener))
            except ConnectionError:
                answers.append(b"")
            if answers[-1] in new:
                seen_new.set()

    with socket.create_connection(listener.getsockname(), HANGS_AFTER) as held:
        held.sendall(b"hold")
        victim = int(held.recv(64).split()[1])
        user = threading.Thread(target=use)
        user.start()
        os.kill(victim, signal.SIGKILL)
        with contextlib.suppress(ConnectionResetError):
            assert held.recv(64) == b""
    after = running.until(lambda serving: len(serving) == 2 and serving != before)
    new |= pids(after) - pids(before)
    assert seen_new.wait(HANGS_AFTER)
    user.join(HANGS_AFTER)
    assert len(pids(after) & pids(before)) == 1
    assert answers.count(b"") <= 1, "at most the one that it had just accepted"
    running.supervisor.stop()
    running.join()
    assert running.error is None


def test_ten_processes_stop_in_time_and_none_is_killed(
    listener: socket.socket, caplog: pytest.LogCaptureFixture
) -> None:
    running = Running(launcher(listener), 10, graceful_timeout=10.0)
    handles = running.all_serve(10)
    begun = time.monotonic()
    running.supervisor.stop()
    running.join()
    assert time.monotonic() - begun < 10.0
    assert [str(handle.exit) for handle in handles] == ["ended"] * 10
    assert [record.message for record in caplog.records if record.levelno > logging.INFO] == []


def test_a_process_that_does_not_end_is_killed(listener: socket.socket) -> None:
    running = Running(launcher(listener, "ignore_the_stop"), 1, graceful_timeout=0.1, shutdown_timeout=0.1)
    (handle,) = running.all_serve(1)
    running.supervisor.stop()
    running.join()
    assert handle.exit is not None
    assert handle.exit.expected is False


def test_a_blocked_process_is_reported_and_replaced(
    listener: socket.socket, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_slots, "ANSWER_TIME", HANGS_AFTER)  # a busy machine answers late
    running = Running(launcher(listener), 1, worker_stall_timeout=0.3)
    (old,) = running.all_serve(1)
    with socket.create_connection(listener.getsockname(), HANGS_AFTER) as client:
        client.sendall(b"block")
        (new,) = running.until(lambda serving: len(serving) == 1 and serving != (old,))
        with contextlib.suppress(ConnectionResetError):
            assert client.recv(64) == b""
    reports = [message for message in caplog.messages if "has not turned for" in message]
    # A busy machine may be slow to start either process, which is reported too.
    assert any("time.sleep(60.0)" in report for report in reports)
    assert ask(listener) in pids((new,))
    running.supervisor.stop()
    running.join()


@posix
def test_no_process_outlives_its_parent(tmp_path: pathlib.Path) -> None:
    script = tmp_path / "server.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import socket, sys
            sys.path.insert(0, {str(pathlib.Path(__file__).parent)!r})
            from pounce_workers import WorkerSettings
            from pounce_workers.supervision.process_slots import ProcessSlotLauncher
            from pounce_workers.supervision.supervisor import Supervisor
            listener = socket.create_server(("127.0.0.1", 0))
            Supervisor(
                ProcessSlotLauncher("process_entries:serve", None, [listener]), 3, settings=WorkerSettings(),
                shutdown_timeout=1.0, on_started=lambda: print(listener.getsockname()[1], flush=True),
            ).run()
            """
        )
    )
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        port = int(parent.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), HANGS_AFTER) as client:
            client.sendall(b"block")
            os.kill(parent.pid, signal.SIGKILL)
            begun = time.monotonic()
            # Every worker has inherited this pipe: it ends when the last of them is gone.
            assert parent.stdout.read() == b""
            assert time.monotonic() - begun < 2.0
