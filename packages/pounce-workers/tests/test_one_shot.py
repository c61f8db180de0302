"""Descriptors that are reported once: straight on epoll, and on what other systems have."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from pounce_workers.net import one_shot
from pounce_workers.net.one_shot import OneShot, PolledOneShot
from pounce_workers.net.readiness import READ, WRITE, SelectReadiness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HANGS_AFTER = 10.0

KINDS: dict[str, Callable[[], OneShot]] = {"select": lambda: PolledOneShot(SelectReadiness())}
if hasattr(select, "epoll"):
    KINDS["epoll"] = one_shot.EpollOneShot
else:
    KINDS["best"] = one_shot.new_one_shot


@pytest.fixture(params=KINDS)
def shots(request: pytest.FixtureRequest) -> Iterator[OneShot]:
    made = KINDS[request.param]()
    yield made
    made.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    first, second = socket.socketpair()
    with first, second:
        yield first, second


def test_a_descriptor_is_reported_once_until_it_is_armed_again(
    shots: OneShot, pair: tuple[socket.socket, socket.socket]
) -> None:
    here, there = pair
    shots.add(here.fileno(), READ)
    assert shots.wait(0) == []
    there.send(b"x")
    assert shots.wait(HANGS_AFTER) == [(here.fileno(), READ)]
    assert shots.wait(0.01) == [], "it is still readable, and was reported"
    shots.arm(here.fileno(), READ)
    assert shots.wait(HANGS_AFTER) == [(here.fileno(), READ)]
    shots.arm(here.fileno(), WRITE)
    assert shots.wait(HANGS_AFTER) == [(here.fileno(), WRITE)]
    shots.forget(here.fileno())


def test_a_descriptor_that_was_forgotten_may_be_added_again(
    shots: OneShot, pair: tuple[socket.socket, socket.socket]
) -> None:
    here, there = pair
    there.send(b"x")
    for _ in range(3):
        shots.add(here.fileno(), READ)
        assert shots.wait(HANGS_AFTER) == [(here.fileno(), READ)]
        shots.forget(here.fileno())
        assert shots.wait(0) == []


def test_changes_and_wake_ups_from_another_thread_end_the_wait(
    shots: OneShot, pair: tuple[socket.socket, socket.socket]
) -> None:
    here, there = pair
    there.send(b"x")
    seen: list[tuple[int, int]] = []
    waits, done = threading.Barrier(2), threading.Event()

    def wait() -> None:
        waits.wait()
        shots.wait(HANGS_AFTER)
        done.set()
        while not seen:
            seen.extend(shots.wait(HANGS_AFTER))

    thread = threading.Thread(target=wait)
    thread.start()
    waits.wait()
    shots.wake()
    assert done.wait(HANGS_AFTER)
    shots.add(here.fileno(), READ)
    thread.join(HANGS_AFTER)
    assert seen == [(here.fileno(), READ)]
    shots.forget(here.fileno())


def test_ten_thousand_wake_ups_are_not_too_many_and_one_after_the_end_is_harmless() -> None:
    for kind in KINDS.values():
        made = kind()
        for _ in range(10_000):
            made.wake()  # more than its pipe holds
        assert made.wait(HANGS_AFTER) == []
        with contextlib.suppress(OSError):
            made.close()
        made.wake()
