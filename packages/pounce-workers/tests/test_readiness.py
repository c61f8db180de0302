"""What the system offers, behind one interface: epoll and select answer alike."""

from __future__ import annotations

import errno
import select
from typing import TYPE_CHECKING, Any

import pytest
from watchers import socket_pair, tcp_pair

from pounce_workers.net.readiness import HANG_UP, READ, WRITE, SelectReadiness, new_readiness, register_exclusively

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce_workers.net.readiness import Readiness


@pytest.fixture(params=[new_readiness, SelectReadiness])
def readiness(request: pytest.FixtureRequest) -> Iterator[Readiness]:
    made = request.param()
    yield made
    made.close()


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="the numbers are those of epoll")
def test_the_masks_are_those_of_epoll() -> None:
    assert (READ, WRITE, HANG_UP) == (select.EPOLLIN, select.EPOLLOUT, select.EPOLLERR | select.EPOLLHUP)


@pytest.mark.parametrize(
    ("mask", "sent", "expected"),
    [
        (READ, False, 0),
        (READ, True, READ),
        (WRITE, False, WRITE),
        (WRITE, True, WRITE),
        (READ | WRITE, False, WRITE),
        (READ | WRITE, True, READ | WRITE),
        (0, True, 0),
    ],
)
def test_register_and_modify(readiness: Readiness, mask: int, sent: bool, expected: int) -> None:
    with socket_pair() as (ours, theirs):
        if sent:
            theirs.send(b"x")
        fd = ours.fileno()
        wanted = [(fd, expected)] if expected else []
        readiness.register(fd, mask)
        assert readiness.poll(0, 16) == wanted
        readiness.modify(fd, READ | WRITE)
        readiness.poll(0, 16)
        readiness.modify(fd, mask)
        assert readiness.poll(0, 16) == wanted
        readiness.unregister(fd)
        assert readiness.poll(0, 16) == []


@pytest.mark.parametrize("timeout", [None, -1, -0.5, 20])
def test_it_waits_until_something_is_ready(readiness: Readiness, timeout: float | None) -> None:
    with socket_pair() as (ours, theirs):
        readiness.register(ours.fileno(), READ)
        theirs.send(b"x")
        assert readiness.poll(timeout, 16) == [(ours.fileno(), READ)]


def test_it_waits_no_longer_than_it_may(readiness: Readiness) -> None:
    with socket_pair() as (ours, _):
        readiness.register(ours.fileno(), READ)
        assert readiness.poll(0.001, 16) == []


def test_what_stays_ready_is_reported_again(readiness: Readiness) -> None:
    with socket_pair() as (ours, theirs):
        readiness.register(ours.fileno(), READ)
        theirs.send(b"x")
        assert readiness.poll(0, 16) == readiness.poll(0, 16) == [(ours.fileno(), READ)]


def test_several(readiness: Readiness) -> None:
    with socket_pair() as (one, one_peer), socket_pair() as (two, _), socket_pair() as (three, three_peer):
        for sock in (one, two, three):
            readiness.register(sock.fileno(), READ)
        one_peer.send(b"x")
        three_peer.close()
        events = dict(readiness.poll(5, 16))
        assert set(events) == {one.fileno(), three.fileno()}
        assert all(mask & READ for mask in events.values())


def test_a_reset_is_readable(readiness: Readiness) -> None:
    ours, theirs = tcp_pair()
    with ours, theirs:
        readiness.register(ours.fileno(), READ)
        ours.send(b"unread bytes make the close a reset")
        select.select([theirs], [], [], 5)
        theirs.close()
        ((fd, mask),) = readiness.poll(5, 16)
        assert fd == ours.fileno()
        assert mask & READ


def test_a_descriptor_watched_exclusively_is_reported_and_forgotten(readiness: Readiness) -> None:
    with socket_pair() as (ours, theirs):
        register_exclusively(readiness, ours.fileno())
        assert readiness.poll(0, 16) == []
        theirs.send(b"x")
        assert readiness.poll(5, 16) == [(ours.fileno(), READ)]
        readiness.unregister(ours.fileno())
        assert readiness.poll(0, 16) == []


@pytest.mark.skipif(not hasattr(select, "EPOLLEXCLUSIVE"), reason="only Linux wakes one of several")
@pytest.mark.parametrize("number", [errno.EINVAL, errno.EPERM])
def test_a_kernel_that_does_not_know_it(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Linux before 4.5 says EINVAL, and then all are woken; another error is an error."""
    registered = []

    class OldEpoll:
        def register(self, fd: int, mask: int) -> None:
            if mask & select.EPOLLEXCLUSIVE:
                raise OSError(number, "refused")
            registered.append((fd, mask))

    monkeypatch.setattr(select, "epoll", OldEpoll)
    old: Any = OldEpoll()
    if number == errno.EINVAL:
        register_exclusively(old, 5)
        assert registered == [(5, READ)]
    else:
        with pytest.raises(OSError, match="refused"):
            register_exclusively(old, 5)
