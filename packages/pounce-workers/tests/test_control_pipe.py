"""Messages between a worker process and its parent."""

from __future__ import annotations

import socket
import struct
import threading
from typing import TYPE_CHECKING

import pytest

from pounce_workers.supervision.control_pipe import ControlPipe

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, ControlPipe]]:
    left, right = socket.socketpair()
    pipe = ControlPipe(right)
    yield left, pipe
    left.close()
    pipe.close()


WIRE = b"".join(struct.pack("!I", len(text)) + text for text in (b'{"is": "drain"}', b'{"is": "stack", "id": 1}'))


@pytest.mark.parametrize("size", [1, 3, 7, len(WIRE)])
def test_messages_come_whole_however_they_are_cut(ends: tuple[socket.socket, ControlPipe], size: int) -> None:
    left, pipe = ends
    messages = []
    for start in range(0, len(WIRE), size):
        left.sendall(WIRE[start : start + size])
        assert pipe.receive()
        messages += pipe.messages()
    assert messages == [{"is": "drain"}, {"is": "stack", "id": 1}]


def test_both_directions(ends: tuple[socket.socket, ControlPipe]) -> None:
    left, pipe = ends
    other = ControlPipe(left)
    assert pipe.send("status", load=3)
    assert other.receive()
    assert other.messages() == [{"is": "status", "load": 3}]
    assert other.send_bytes(b"\x80raw")
    assert pipe.receive_bytes() == b"\x80raw"


def test_what_follows_the_raw_bytes_is_kept(ends: tuple[socket.socket, ControlPipe]) -> None:
    left, pipe = ends
    other = ControlPipe(left)
    other.send_bytes(b"certificate")
    other.send("drain")
    assert pipe.receive_bytes() == b"certificate"
    messages = pipe.messages()
    if not messages:
        assert pipe.receive()
        messages = pipe.messages()
    assert messages == [{"is": "drain"}]


def test_the_end_is_told_and_never_raised(ends: tuple[socket.socket, ControlPipe]) -> None:
    left, pipe = ends
    left.sendall(WIRE[:9])
    left.close()
    assert pipe.receive_bytes() is None
    assert not pipe.receive()
    assert not pipe.send("ready")
    pipe.close()
    pipe.close()
    assert not pipe.send("ready")
    assert not pipe.receive()


def test_threads_do_not_cut_each_others_messages(ends: tuple[socket.socket, ControlPipe]) -> None:
    left, pipe = ends
    other = ControlPipe(left)
    text = "x" * 5000
    threads = [
        threading.Thread(target=lambda n=n: [pipe.send("stack", id=n, text=text) for _ in range(50)]) for n in range(4)
    ]
    for thread in threads:
        thread.start()
    counts = [0] * 4
    while sum(counts) < 200:
        assert other.receive()
        for message in other.messages():
            assert message["text"] == text
            counts[message["id"]] += 1
    for thread in threads:
        thread.join()
    assert counts == [50] * 4


def test_what_is_there_is_read_although_somebody_holds_the_other_end() -> None:
    """As a child that the application forked does, long after its worker has ended."""
    ours, theirs = socket.socketpair()
    with ours, theirs, theirs.dup():
        parent, child = ControlPipe(ours), ControlPipe(theirs)
        assert child.send("exit", error="")
        child.close()
        parent.receive_rest()  # would wait for ever, else
        assert [message["is"] for message in parent.messages()] == ["exit"]
