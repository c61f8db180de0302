"""One thread that accepts for all: who gets what, who waits, and what is survived."""

from __future__ import annotations

import contextlib
import errno
import logging
import queue
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest
from sync_runner import RunningPool, echo_path
from worker_runner import HANGS_AFTER, Client

from pounce_workers import bind_tcp
from pounce_workers.net import acceptor
from pounce_workers.net.accept_distributor import AcceptDistributor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Target:
    """Takes connections, up to ``room`` that are not taken out."""

    def __init__(self, room: int = 1_000_000) -> None:
        self.on_room: Callable[[], None] | None = None
        self.room = room
        self.sockets: list[socket.socket] = []
        self.taken = 0
        self.refused = 0
        self.missed = False
        self.news = threading.Condition()

    @property
    def load(self) -> int:
        return len(self.sockets)

    def hand_over(self, sock: socket.socket, peer: Any, local: Any) -> bool:
        assert not sock.getblocking()
        with self.news:
            if len(self.sockets) >= self.room:
                self.missed = True
                self.refused += 1
                self.news.notify_all()
                return False
            self.sockets.append(sock)
            self.taken += 1
            self.news.notify_all()
        return True

    def until(self, true: Callable[[Target], bool]) -> None:
        with self.news:
            assert self.news.wait_for(lambda: true(self), HANGS_AFTER)

    def take_out(self) -> None:
        """Close what it has, and tell that there is room."""
        with self.news:
            sockets, self.sockets = self.sockets, []
            missed, self.missed = self.missed, False
        for sock in sockets:
            sock.close()
        if missed:
            assert self.on_room is not None
            self.on_room()


class Accepting:
    """A distributor on a listening socket, and clients to it."""

    def __init__(self, *targets: Target, backlog: int = 1024) -> None:
        self.targets = targets
        self.sock = bind_tcp("127.0.0.1", 0, backlog)
        self.address = self.sock.getsockname()
        self.distributor = AcceptDistributor([self.sock], targets)
        self.clients: list[socket.socket] = []

    def connect(self, count: int = 1) -> None:
        for _ in range(count):
            self.clients.append(socket.create_connection(self.address, HANGS_AFTER))


@contextlib.contextmanager
def accepting(*targets: Target) -> Iterator[Accepting]:
    made = Accepting(*targets)
    made.distributor.start()
    try:
        yield made
    finally:
        assert made.distributor.stop(HANGS_AFTER)
        for client in made.clients:
            client.close()
        for target in targets:
            target.take_out()


def test_connections_go_to_the_least_loaded() -> None:
    first, second, third = Target(), Target(), Target()
    with accepting(first, second, third) as made:
        made.connect(30)
        for target in (first, second, third):
            target.until(lambda it: it.taken == 10)
        second.take_out()
        made.connect(10)
        second.until(lambda it: it.taken == 20)
        assert (first.load, second.load, third.load) == (10, 10, 10)


def test_those_that_are_equal_take_turns() -> None:
    targets = [Target() for _ in range(4)]
    with accepting(*targets) as made:
        for number in range(20):
            made.connect()
            target = targets[number % 4]
            target.until(lambda it: it.load == 1)
            target.take_out()  # short connections: nobody ever has one when the next one comes
    assert [target.taken for target in targets] == [5] * 4


def test_when_all_are_full_it_waits_and_loses_nobody() -> None:
    first, second = Target(room=5), Target(room=5)
    with accepting(first, second) as made:
        made.connect(200)
        first.until(lambda it: it.refused > 0)
        while (taken := first.taken + second.taken) < 200:
            refused = first.refused
            for target in (first, second):
                target.take_out()
            if taken < 190:
                first.until(lambda it, refused=refused: it.refused > refused)  # type: ignore[misc]
    # It asked again when it was told to, and not all the time.
    assert first.refused < 300
    assert first.taken + second.taken == 200


def test_room_that_is_made_at_once_is_not_missed() -> None:
    target = Target(room=1)
    stop = threading.Event()

    def make_room() -> None:
        while not stop.is_set():
            with target.news:
                target.news.wait_for(lambda: target.missed or stop.is_set(), HANGS_AFTER)
            target.take_out()

    thread = threading.Thread(target=make_room)
    thread.start()
    try:
        with accepting(target) as made:
            made.connect(300)
            target.until(lambda it: it.taken >= 300)
    finally:
        stop.set()
        with target.news:
            target.news.notify_all()
        thread.join()


def test_a_switch_of_targets_is_atomic_and_loses_nobody() -> None:
    old, new = [Target() for _ in range(3)], [Target() for _ in range(3)]
    with accepting(*old) as made:
        count, switched = 400, threading.Event()

        def come() -> None:
            for number in range(count):
                made.connect()
                if number == count // 2:
                    switched.set()

        thread = threading.Thread(target=come)
        thread.start()
        assert switched.wait(HANGS_AFTER)
        made.distributor.set_targets(new)
        taken = sum(target.taken for target in old)
        thread.join()
        while sum(target.taken for target in (*old, *new)) < count:
            with new[0].news:
                new[0].news.wait(0.01)
        assert sum(target.taken for target in old) == taken
        for target in (*old, *new):
            target.take_out()


def test_what_the_old_targets_had_no_room_for_goes_to_the_new_ones() -> None:
    full, roomy = Target(room=0), Target()
    with accepting(full) as made:
        made.connect(50)
        full.until(lambda it: it.refused > 0)
        made.distributor.set_targets([roomy])
        roomy.until(lambda it: it.taken == 50)
        made.distributor.set_targets([])
        made.connect(5)
        made.distributor.set_targets([roomy])
        roomy.until(lambda it: it.taken == 55)
        roomy.take_out()


def test_a_stop_hands_over_all_who_have_connected() -> None:
    target = Target()
    made = Accepting(target)
    made.connect(100)
    made.distributor.start()
    assert made.distributor.stop(HANGS_AFTER)
    assert not made.distributor.is_alive()
    assert target.taken == 100
    with pytest.raises(OSError, match="refused"):
        made.connect()
    assert made.distributor.stop(HANGS_AFTER), "a second time does nothing"
    target.take_out()
    for client in made.clients:
        client.close()


def test_a_stop_before_the_start_and_one_with_no_room(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("pounce_workers.net.accept_distributor.LAST_WAIT", 0.05)
    never = Accepting()
    assert never.distributor.stop()
    target = Target(room=0)
    with accepting(target) as made:
        made.connect()
        target.until(lambda it: it.refused > 0)
        assert made.distributor.stop(HANGS_AFTER)
        made.clients[0].settimeout(HANGS_AFTER)
        assert made.clients[0].recv(1) == b""
    assert "no worker had room" in caplog.text


class Failing:
    """A listening socket whose next accepts fail with these errors."""

    def __init__(self, sock: socket.socket, *errors: int) -> None:
        self._sock = sock
        self.errors = list(errors)

    def accept(self) -> Any:
        if self.errors:
            number = self.errors.pop(0)
            raise OSError(number, "on purpose")
        return self._sock.accept()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sock, name)


@pytest.mark.parametrize("number", [errno.ECONNABORTED, errno.EMFILE, errno.ENFILE, errno.ECONNRESET, errno.EINVAL])
def test_every_error_is_survived(
    number: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(acceptor, "BACK_OFF", 0.01)
    target = Target()
    sock = bind_tcp("127.0.0.1", 0, 16)
    distributor = AcceptDistributor([Failing(sock, number, number, number)], [target])  # type: ignore[list-item]
    distributor.start()
    with caplog.at_level(logging.ERROR), socket.create_connection(sock.getsockname()):
        target.until(lambda it: it.taken == 1)
    assert distributor.stop(HANGS_AFTER)
    target.take_out()


def test_clients_that_reset_or_stay_silent_hold_up_nobody() -> None:
    target = Target()
    with accepting(target) as made:
        for _ in range(50):
            with socket.create_connection(made.address) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, acceptor_reset())
        made.connect(50)
        target.until(lambda it: it.taken >= 50)


def acceptor_reset() -> bytes:
    from pounce_workers.net.transport_ending import RESET_ON_CLOSE

    return RESET_ON_CLOSE


def test_eight_workers_share_800_keep_alive_connections() -> None:
    with contextlib.ExitStack() as stack:
        pools = [stack.enter_context(RunningPool(echo_path, threads=1, accepts=False)).pool for _ in range(8)]
        sock = bind_tcp("127.0.0.1", 0, 1024)
        distributor = AcceptDistributor([sock], pools)
        distributor.start()
        stack.callback(distributor.stop)
        clients = [stack.enter_context(Client(sock.getsockname())) for _ in range(800)]
        for client in clients:
            assert client.get().status == 200
        loads = [pool.load for pool in pools]
        assert sum(loads) == 800
        assert max(loads) <= 1.2 * 100, loads


def test_who_waits_for_connections_is_told_when_accepting_is_over_for_good(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: acceptor.Acceptor) -> None:
        raise OSError(errno.EBADF, "closed by somebody else")

    monkeypatch.setattr(acceptor.Acceptor, "start", broken)
    told: queue.SimpleQueue[BaseException] = queue.SimpleQueue()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        distributor = AcceptDistributor([listener], [Target()], on_failed=told.put)
        distributor.start()
        assert isinstance(told.get(timeout=10), OSError)
        assert distributor.stop(10)


def test_two_distributors_hear_of_room_in_one_target() -> None:
    """One accepts for it, and the other moves connections to it when another worker makes way."""
    rung: list[str] = []
    target = Target()
    first, second = AcceptDistributor(()), AcceptDistributor(())
    first.room_made = lambda: rung.append("first")  # type: ignore[method-assign]
    second.room_made = lambda: rung.append("second")  # type: ignore[method-assign]
    for distributor in (first, second, first, second):
        distributor.set_targets([target])
    rung.clear()
    assert target.on_room is not None
    target.on_room()
    assert rung == ["first", "second"]
    for distributor in (first, second):
        distributor.stop()
