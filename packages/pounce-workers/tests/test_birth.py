"""What a worker process hears of its parent, however it comes."""

from __future__ import annotations

import socket
import sys
import threading
import time
from dataclasses import replace

import pytest

from pounce_workers.supervision.birth import Birth, Certificate, begin_birth, is_being_born
from pounce_workers.supervision.control_pipe import ControlPipe

CERTIFICATE = Certificate(
    entry="nobody:calls_it", payload=b"", worker_id=3, generation=2, listeners=(), argv=(), status_period=60.0
)


class StubWorker:
    beat = 0.0
    load = 0
    requests_served = 0

    def __init__(self) -> None:
        self.stopped = threading.Event()
        self.retired = threading.Event()

    def run(self) -> None: ...

    def request_stop(self) -> None:
        self.stopped.set()

    def retire(self, move_to: object = None) -> None:
        self.retired.set()


def test_what_came_in_one_piece_with_the_certificate_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(Birth, "_orphaned", lambda _self: ended.set())  # would end this process
    ours, theirs = socket.socketpair()
    with ours, theirs:
        parent, child = ControlPipe(ours), ControlPipe(theirs)
        assert parent.send_bytes(b"certificate")
        assert parent.send("retire")
        assert parent.send("drain")
        assert child.receive_bytes() == b"certificate"  # and with it all that follows
        birth = Birth(CERTIFICATE, None, [], child)
        worker = StubWorker()
        birth.attach(worker)
        birth.start_listening()
        assert worker.retired.wait(10)
        assert worker.stopped.wait(10)
        assert birth.told_to_end
        parent.close()
        assert ended.wait(10)


def test_a_process_whose_import_caught_the_stop_ends_before_it_serves() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        birth = Birth(CERTIFICATE, None, [], ControlPipe(theirs))
        with pytest.raises(SystemExit):
            birth.on_terminate(15, None)
        with pytest.raises(SystemExit):
            birth.attach(StubWorker())


def test_an_end_that_is_lost_amid_a_collection_is_not_told_but_comes_again(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    again, ended = threading.Event(), threading.Event()
    monkeypatch.setattr("pounce_workers.supervision.birth._interrupt_main_thread", again.set)
    monkeypatch.setattr(Birth, "_orphaned", lambda _self: ended.set())
    before: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", before.append)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        birth = Birth(replace(CERTIFICATE, status_period=0.01), None, [], ControlPipe(theirs))
        birth.keep_ends()
        birth.start_listening()

        class Ends:
            def __init__(self, error: BaseException | None = None) -> None:
                self.error = error

            def __del__(self) -> None:
                if self.error is not None:
                    raise self.error
                birth.on_terminate(15, None)

        Ends(ValueError("of the application"))
        Ends(SystemExit(3))
        assert len(before) == 2  # nobody has told it to end
        Ends()
        assert again.wait(10)
        assert len(before) == 2
        with pytest.raises(SystemExit):
            birth.attach(StubWorker())
        assert sys.unraisablehook == before.append
        ours.close()
        assert ended.wait(10)  # its thread looks at the pipe no more
    assert capsys.readouterr().err == ""


def test_a_worker_that_has_served_does_not_look_blocked() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        parent = ControlPipe(ours)
        birth = Birth(CERTIFICATE, None, [], ControlPipe(theirs))
        worker = StubWorker()
        worker.beat = time.monotonic()
        birth._born -= 100.0
        birth.attach(worker)
        worker.beat -= 50.0
        for least, most in ((50.0, 60.0), (0.0, 1.0)):
            birth.ready()
            assert parent.receive()
            status = next(iter(parent.messages()))
            assert least <= status["beat_age"] <= most
            birth.served()


def test_a_process_is_being_born_until_there_is_a_worker() -> None:
    assert not is_being_born()
    begin_birth()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        birth = Birth(CERTIFICATE, None, [], ControlPipe(theirs))
        assert is_being_born()
        birth.attach(StubWorker())
        assert not is_being_born()
