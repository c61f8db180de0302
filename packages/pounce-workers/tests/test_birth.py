"""What a worker process hears of its parent, however it comes."""

from __future__ import annotations

import socket
import threading
import time

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
