"""What a worker process hears of its parent, however it comes."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

from pounce_workers.supervision.birth import Birth, Certificate, begin_birth, is_being_born
from pounce_workers.supervision.control_pipe import ControlPipe

if TYPE_CHECKING:
    import pytest

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


def test_a_process_is_being_born_until_there_is_a_worker() -> None:
    assert not is_being_born()
    begin_birth()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        birth = Birth(CERTIFICATE, None, [], ControlPipe(theirs))
        assert is_being_born()
        birth.attach(StubWorker())
        assert not is_being_born()
