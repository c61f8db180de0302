"""A connection between two loops."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

import pytest
from worker_runner import HANGS_AFTER

from pounce_workers.net.deadlines import NEVER, DeadlineSweeper
from pounce_workers.net.loop import ServingLoop, poller_of
from pounce_workers.net.movable_transport import MovableTransport

if TYPE_CHECKING:
    from collections.abc import Iterator


class Protocol:
    """Notes what it hears."""

    idle = True

    def __init__(self) -> None:
        self.received = b""
        self.ended = False

    def data_received(self, data: bytes) -> None:
        self.received += data

    def eof_received(self) -> None:
        self.ended = True

    def writable(self) -> None: ...

    def deadline_expired(self) -> None: ...

    def begin_drain(self) -> None: ...

    def connection_lost(self, error: OSError | None) -> None:
        self.ended = True


class Moving:
    """A transport, its client, and two loops that are run by turns."""

    def __init__(self) -> None:
        ours, self.client = socket.socketpair()
        ours.setblocking(False)
        self.loops = [ServingLoop(), ServingLoop()]
        self.sweepers = [DeadlineSweeper(loop, 0.02) for loop in self.loops]
        self.protocol = Protocol()
        self.transport = MovableTransport(
            ours,
            loop=self.loops[0],
            poller=poller_of(self.loops[0]),
            sweeper=self.sweepers[0],
            peer=None,
            local=None,
            write_stall=HANGS_AFTER,
        )
        self.transport.start(lambda _: self.protocol)

    def move(self) -> None:
        self.transport.leave()
        self.transport.enter(self.loops[1], poller_of(self.loops[1]), self.sweepers[1])

    def turn(self, index: int) -> None:
        self.loops[index].run_until_complete(asyncio.sleep(0.01))

    def close(self) -> None:
        self.transport.close()
        self.client.close()
        for loop in self.loops:
            loop.close()


@pytest.fixture
def moving() -> Iterator[Moving]:
    one = Moving()
    yield one
    one.close()


def test_what_comes_on_the_way_waits_in_the_socket(moving: Moving) -> None:
    moving.client.send(b"a")
    moving.turn(0)
    assert moving.protocol.received == b"a"
    moving.transport.leave()
    moving.client.send(b"b")
    moving.turn(0)
    moving.turn(1)
    assert moving.protocol.received == b"a"
    moving.transport.enter(moving.loops[1], poller_of(moving.loops[1]), moving.sweepers[1])
    moving.turn(1)
    assert moving.protocol.received == b"a"
    moving.transport.watch()
    moving.transport.watch()
    moving.turn(0)
    assert moving.protocol.received == b"a"
    moving.turn(1)
    assert moving.protocol.received == b"ab"


def test_the_end_is_heard_after_a_move(moving: Moving) -> None:
    moving.move()
    moving.transport.watch()
    moving.client.close()
    moving.turn(1)
    assert moving.protocol.ended


def test_who_rests_reads_nothing(moving: Moving) -> None:
    moving.transport.deadline = 1.0
    moving.transport.rest()
    assert moving.transport.deadline == NEVER
    moving.move()
    assert moving.transport.deadline == NEVER
    moving.transport.watch()
    moving.client.send(b"a")
    moving.turn(1)
    assert moving.protocol.received == b""
    moving.transport.resume_reading()
    moving.turn(1)
    assert moving.protocol.received == b"a"


def test_a_deadline_keeps_the_time_that_was_left(moving: Moving) -> None:
    sweeper: Any = moving.sweepers[1]
    sweeper.soon -= 100.0  # its loop has been held up for so long
    moving.transport.deadline = moving.sweepers[0].soon + 5.0
    moving.move()
    assert moving.transport.deadline == pytest.approx(sweeper.soon + 5.0)


def test_what_waits_to_be_sent_is_sent_after_a_move(moving: Moving) -> None:
    data = bytes(4 << 20)
    moving.transport.write(data)
    assert moving.transport.sending
    moving.turn(0)
    moving.move()
    moving.transport.watch()
    moving.client.setblocking(False)
    left = len(data)
    while left:
        moving.turn(1)
        left -= len(moving.client.recv(1 << 20))
    moving.turn(1)
    assert not moving.transport.sending
