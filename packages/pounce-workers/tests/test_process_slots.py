"""Workers as processes, with real ones: how they are born, what they say, how they end."""

from __future__ import annotations

import json
import os
import pathlib
import queue
import signal
import socket
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Any

import pytest

from pounce_asgi import ConfigError
from pounce_workers.supervision import process_slots
from pounce_workers.supervision.control_pipe import ControlPipe
from pounce_workers.supervision.process_slots import ProcessSlot, ProcessSlotLauncher
from pounce_workers.supervision.questions import NoAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_workers.supervision.slots import SlotHandle

HANGS_AFTER = 30.0

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs signals")


class Processes:
    """Starts process slots on one listening socket, and ends what a test left."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.ready: queue.SimpleQueue[SlotHandle] = queue.SimpleQueue()
        self.ended: queue.SimpleQueue[SlotHandle] = queue.SimpleQueue()
        self.slots: list[ProcessSlot] = []

    def start(self, entry: str = "serve", payload: Any = None, worker_id: int = 3) -> ProcessSlot:
        launcher = ProcessSlotLauncher(
            f"process_entries:{entry}",
            payload,
            [self.listener],
            generation=2,
            status_period=0.02,
            answers={"greet": lambda arguments: f"hello {arguments['name']}"},
        )
        slot = launcher.start(worker_id, on_ready=self.ready.put, on_exit=self.ended.put)
        self.slots.append(slot)
        return slot

    def serving(self, entry: str = "serve") -> ProcessSlot:
        slot = self.start(entry)
        assert self.ready.get(timeout=HANGS_AFTER) is slot
        return slot

    def ask(self, what: bytes = b"pid") -> bytes:
        with socket.create_connection(self.listener.getsockname(), HANGS_AFTER) as client:
            client.sendall(what)
            return client.recv(64)

    def end_of(self, slot: ProcessSlot) -> str:
        assert self.ended.get(timeout=HANGS_AFTER) is slot
        assert not slot.is_alive()
        return str(slot.exit)

    def close(self) -> None:
        for slot in self.slots:
            slot.kill()
        self.listener.close()


@pytest.fixture
def processes() -> Iterator[Processes]:
    made = Processes()
    yield made
    made.close()


def wait_for(condition: Any) -> None:
    """What another process does has no event here to wait for."""
    until = time.monotonic() + HANGS_AFTER
    while not condition():
        assert time.monotonic() < until, "it did not come to be"
        time.sleep(0.005)


def test_a_life(processes: Processes) -> None:
    slot = processes.serving()
    assert (slot.worker_id, slot.generation, slot.kind) == (3, 2, "process")
    assert processes.ask() == b"%d" % (slot.pid or 0)
    wait_for(lambda: slot.requests_served == 1)
    assert slot.rss is None or slot.rss > 1 << 20
    beat = slot.last_beat
    wait_for(lambda: slot.last_beat > beat)
    assert slot.last_beat <= time.monotonic()
    slot.drain()
    assert processes.end_of(slot) == "ended"
    assert slot.exit is not None
    assert slot.exit.expected
    slot.drain()
    slot.stop_now()
    slot.kill()
    assert "does not run" in slot.stack()


def test_a_drain_waits_for_what_is_in_flight_and_a_stop_does_not(processes: Processes) -> None:
    slot = processes.serving()
    with socket.create_connection(processes.listener.getsockname(), HANGS_AFTER) as client:
        client.sendall(b"hold")
        assert client.recv(64).startswith(b"held")
        wait_for(lambda: slot.load == 1)
        slot.drain()
        slot.drain()  # said twice, it is still the same
        with pytest.raises(queue.Empty):
            processes.ended.get(timeout=0.3)
        slot.stop_now()
        assert processes.end_of(slot) == "ended"


def test_questions_in_both_directions(processes: Processes) -> None:
    slot = processes.serving("converse")
    assert slot.ask("double", {"value": 21}, HANGS_AFTER) == 42
    assert slot.ask("ask back", {"name": "worker"}, HANGS_AFTER) == "hello worker"
    with pytest.raises(NoAnswer, match="nothing is known of 'else'"):
        slot.ask("else", {}, HANGS_AFTER)
    assert slot.word is None
    slot.drain()
    assert processes.end_of(slot) == "ended"
    assert slot.word == {"served": True}
    with pytest.raises(NoAnswer, match="does not run"):
        slot.ask("double", {"value": 21}, HANGS_AFTER)


def test_one_that_does_not_serve_yet_is_not_waited_for(processes: Processes, tmp_path: pathlib.Path) -> None:
    slot = processes.start("sleep_at_the_start", str(tmp_path / "started"))
    wait_for((tmp_path / "started").exists)
    with pytest.raises(NoAnswer, match="does not serve yet"):
        slot.ask("double", {"value": 21}, HANGS_AFTER)


def test_retiring_ends_it_too(processes: Processes) -> None:
    slot = processes.serving()
    slot.retire()
    assert processes.end_of(slot) == "ended"


def test_what_it_does_is_told_while_its_main_thread_is_blocked(processes: Processes) -> None:
    slot = processes.serving()
    with socket.create_connection(processes.listener.getsockname(), HANGS_AFTER) as client:
        client.sendall(b"block")
        wait_for(lambda: "time.sleep(60.0)" in slot.stack())
        wait_for(lambda: slot.stack().lstrip().startswith("Thread MainThread:"))
        beat = slot.last_beat
        wait_for(lambda: time.monotonic() - slot.last_beat > 0.2)
        assert slot.last_beat <= beat + 0.2, "it says that it lives, and not that its loop turns"


@posix
def test_one_that_is_stopped_says_nothing(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_slots, "ANSWER_TIME", 0.2)
    slot = processes.serving()
    os.kill(slot.pid or 0, signal.SIGSTOP)
    wait_for(lambda: "does not answer" in slot.stack())  # it stops a moment after the signal
    slot.kill()
    assert processes.end_of(slot) == "was killed by SIGKILL"


@posix
def test_a_terminal_and_a_service_manager_signal_the_whole_group(processes: Processes) -> None:
    slot = processes.serving()
    pid = slot.pid or 0
    for number in (signal.SIGINT, signal.SIGHUP):
        os.kill(pid, number)
    assert processes.ask() == b"%d" % pid
    os.kill(pid, signal.SIGTERM)
    slot.drain()
    assert processes.end_of(slot) == "ended"
    assert slot.exit is not None
    assert slot.exit.expected


@posix
def test_a_drain_by_signal_and_by_pipe_counts_once(processes: Processes) -> None:
    slot = processes.serving()
    with socket.create_connection(processes.listener.getsockname(), HANGS_AFTER) as client:
        client.sendall(b"hold")
        assert client.recv(64).startswith(b"held")
        for _ in range(20):
            os.kill(slot.pid or 0, signal.SIGTERM)
            slot.drain()
        with pytest.raises(queue.Empty):
            processes.ended.get(timeout=0.3)
        slot.stop_now()
        assert processes.end_of(slot) == "ended"


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ("lifespan", "exited with code 1: the database is not there"),
        ("other", "exited with code 1: ValueError: no"),
        ("exit", "exited with code 7: SystemExit: 7"),
    ],
)
def test_a_failure_is_told_in_words(processes: Processes, payload: str, text: str) -> None:
    slot = processes.start("fail", payload)
    assert processes.end_of(slot) == text
    assert processes.ready.empty()


def test_an_entry_that_is_not_there(processes: Processes) -> None:
    slot = processes.start("nowhere")
    assert "AttributeError: module 'process_entries' has no attribute 'nowhere'" in processes.end_of(slot)


def test_told_to_end_before_it_was_started(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher = ProcessSlotLauncher("process_entries:serve", None, [processes.listener])
    monkeypatch.setattr(launcher, "spawn", lambda _: pytest.fail("it is started"))
    slot = ProcessSlot(launcher, 0, on_ready=processes.ready.put, on_exit=processes.ended.put)
    slot.drain()
    slot.spawn()
    assert slot.reap()
    assert processes.end_of(slot) == "ended"
    slot.pipe.close()


def test_a_process_that_cannot_be_started(processes: Processes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    slot = processes.start()
    assert processes.end_of(slot).startswith("failed: it could not be started")


@posix
def test_a_stop_during_the_import_does_not_wait_for_it(processes: Processes, tmp_path: pathlib.Path) -> None:
    began = tmp_path / "began"
    slot = processes.start("sleep_at_the_start", str(began))
    wait_for(began.exists)
    slot.drain()
    assert processes.end_of(slot) == "ended"


def test_a_start_that_takes_its_time_has_no_beat(processes: Processes, tmp_path: pathlib.Path) -> None:
    began = tmp_path / "began"
    slot = processes.start("sleep_at_the_start", str(began))
    wait_for(began.exists)
    wait_for(lambda: time.monotonic() - slot.last_beat > 0.3)
    wait_for(lambda: "sleep_at_the_start" in slot.stack())


def test_a_forgotten_thread_does_not_hold_the_exit(processes: Processes) -> None:
    slot = processes.serving("leave_a_thread_behind")
    slot.drain()
    begun = time.monotonic()
    assert processes.end_of(slot) == "ended"
    assert time.monotonic() - begun < 10.0


def test_it_runs_as_its_parent_does(processes: Processes, tmp_path: pathlib.Path) -> None:
    told = tmp_path / "told"
    slot = processes.start("describe", str(told))
    processes.end_of(slot)
    found = json.loads(told.read_text())
    assert found["argv"] == sys.argv
    assert found["path"] == [str(each) for each in sys.path]
    assert found["cwd"] == str(pathlib.Path.cwd())
    assert found["main"] is None
    assert found["environment"] == [], "what is between parent and child is not for the application"
    assert found["worker"] == [3, 2]
    if sys.platform != "win32":
        assert found["inheritable"] == [False]


def test_flags_are_handed_on_and_the_program_is_not_run_again(tmp_path: pathlib.Path) -> None:
    """The script has no guard: it starts its workers wherever it is imported."""
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import queue, sys
            sys.path.insert(0, {str(pathlib.Path(__file__).parent)!r})
            from pounce_workers.supervision.process_slots import ProcessSlotLauncher
            print("the script runs", flush=True)
            ended = queue.SimpleQueue()
            launcher = ProcessSlotLauncher("process_entries:describe", {str(tmp_path / "told")!r}, [])
            slot = launcher.start(0, on_ready=lambda _: None, on_exit=ended.put)
            print(ended.get().exit)
            """
        )
    )
    command = [sys.executable, "-X", "dev", "-O", "-W", "error::UserWarning", str(script)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=HANGS_AFTER, check=True)
    assert done.stdout.splitlines() == ["the script runs", "ended without being told to"], done.stderr
    found = json.loads((tmp_path / "told").read_text())
    assert (found["dev_mode"], found["optimize"]) == (True, 1)
    assert "error::UserWarning" in found["warnoptions"]


def test_what_cannot_be_pickled_is_refused_at_once() -> None:
    with pytest.raises(ConfigError, match="name the application as module:attribute"):
        ProcessSlotLauncher("x:y", lambda: None, [])


def test_a_frozen_program_has_no_interpreter_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(ConfigError, match="--worker-kind thread"):
        ProcessSlotLauncher("x:y", None, [])


@posix
@pytest.mark.parametrize("blocked", [False, True])
def test_it_ends_with_its_pipe(processes: Processes, blocked: bool) -> None:
    """Where the kernel does not tell of a parent's death, the pipe does, even to a loop that is blocked."""
    launcher = ProcessSlotLauncher("process_entries:serve", None, [processes.listener])
    ours, theirs = socket.socketpair()
    process = launcher.spawn(theirs)
    theirs.close()
    pipe = ControlPipe(ours)
    pipe.send_bytes(launcher.certificate(0, process.pid))
    client = socket.create_connection(processes.listener.getsockname(), HANGS_AFTER)
    client.sendall(b"block" if blocked else b"hold")
    if not blocked:
        assert client.recv(64).startswith(b"held")
    else:
        while not any(message["is"] == "ready" for message in pipe.messages()):
            assert pipe.receive()
    begun = time.monotonic()
    pipe.close()
    process.wait(HANGS_AFTER)
    assert time.monotonic() - begun < 2.0
    client.close()
