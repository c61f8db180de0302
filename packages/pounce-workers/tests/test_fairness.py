"""Nobody keeps the loop: what one connection has too much of waits until others had their turn."""

from __future__ import annotations

import asyncio
import contextvars
import itertools
import socket
from functools import partial
from typing import Any

import pytest
from loops import OURS, run_on
from test_selector import Batches
from transport_doubles import link
from watchers import Watcher, socket_pair

from pounce_workers import ServingLoop
from pounce_workers.net import acceptor, intake, selector
from pounce_workers.net.acceptor import Acceptor
from pounce_workers.net.loop import poller_of
from pounce_workers.net.readiness import READ, WRITE
from pounce_workers.net.selector import ServingSelector
from pounce_workers.net.transport import FIRST_AT_ONCE

HERE = contextvars.copy_context()


# -- the queue behind everybody --------------------------------------------------------------------------------------


class Looks(Batches):
    """Says each time that it is asked what is ready."""

    def __init__(self, log: list[str]) -> None:
        super().__init__()
        self.log = log

    def poll(self, timeout: float | None = None, maxevents: int = -1, /) -> list[tuple[int, int]]:
        self.log.append("look" if timeout == 0 else "sleep")
        return self.batches.pop(0) if self.batches else []


def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selector, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(selector, "LONGEST_BEHIND", 0.0)


def test_one_after_each_look_at_the_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one is all that fits into a turn."""
    no_time(monkeypatch)
    log: list[str] = []
    looks = Looks(log)
    loop = ServingLoop(ServingSelector(looks))
    try:
        for name in "abc":
            loop.call_behind(partial(log.append, name), context=HERE)
        loop.call_behind(loop.stop, context=HERE)
        loop.run_forever()
    finally:
        loop.close()
    # With no time at all it is looked aside, too.
    assert [one for one, _ in itertools.groupby(log)] == ["look", "a", "look", "b", "look", "c", "look"]


def test_who_wakes_a_task_counts_for_what_that_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs after the turn: so there is one of them in a turn, and many of those that wake nobody."""
    for name in ("TURN_SECONDS", "LONGEST_BEHIND", "WOKEN_COST"):
        monkeypatch.setattr(selector, name, 60.0)
    log: list[str] = []
    loop = ServingLoop(ServingSelector(Looks(log)))
    try:
        for name in "ab":
            loop.call_behind(partial(log.append, name), context=HERE)
        for name in "cd":
            loop.call_behind(partial(loop.call_soon, log.append, name), context=HERE)
        loop.call_behind(loop.stop, context=HERE)
        loop.run_forever()
    finally:
        loop.close()
    assert log == ["look", "a", "b", "c", "look", "d", "look"]


def test_whether_others_wait_is_what_the_last_look_said() -> None:
    seen: list[bool] = []
    looks = Looks([])
    served = ServingSelector(looks)
    loop = ServingLoop(served)
    for fd in (50, 51):
        served.watch(fd, Watcher())

    def ask(batches: list[list[tuple[int, int]]]) -> None:
        seen.append(loop.others_wait())
        looks.batches = batches[:1]
        if batches:
            loop.call_soon(ask, batches[1:])
        else:
            loop.stop()

    try:
        loop.call_soon(ask, [[(50, READ)], [(50, READ), (51, READ)], []])
        loop.run_forever()
    finally:
        loop.close()
    assert seen == [False, False, True, False]


def test_who_waits_now_and_would_be_done_at_once() -> None:
    looks = Looks([])
    served = ServingSelector(looks)
    loop = ServingLoop(served)
    try:
        for fd, quick in ((50, True), (51, False)):
            served.watch(fd, watcher := Watcher())
            watcher.quick = quick
        looks.batches = [[], [(50, READ)], [(51, READ), (50, READ)], [(51, READ)], [(50, READ | WRITE)], [(7, READ)]]
        assert [loop.quick_wait() for _ in range(6)] == [False, True, True, False, False, False]
        assert set(looks.log) == {"look"}
    finally:
        loop.close()


@pytest.mark.parametrize("name", OURS)
def test_who_is_ready_comes_before_it(name: str) -> None:
    log: list[str] = []
    loop: Any = OURS[name]()
    with socket_pair() as (ours, theirs):

        def ready() -> None:
            log.append("ready")
            ours.recv(9)

        watcher = Watcher(ready)

        def behind(left: int) -> None:
            log.append("behind")
            theirs.send(b"x")  # from now on somebody has something new
            if left:
                loop.call_behind(lambda: behind(left - 1), context=HERE)
            else:
                loop.call_soon(loop.stop)

        loop.serving_selector.watch(ours.fileno(), watcher)
        loop.call_behind(lambda: behind(2), context=HERE)
        loop.run_forever()
        loop.serving_selector.forget(ours.fileno())
        loop.close()
    assert log[:5] == ["behind", "ready", "behind", "ready", "behind"]


def test_what_it_raises_is_reported_and_the_next_is_called() -> None:
    loop = ServingLoop()
    reported: list[Any] = []
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))

    def fail() -> None:
        raise LookupError("behind")

    try:
        loop.call_behind(fail, context=HERE)
        loop.call_behind(loop.stop, context=HERE)
        loop.run_forever()
    finally:
        loop.close()
    assert [type(error) for error in reported] == [LookupError]


def test_each_is_called_in_its_context() -> None:
    loop = ServingLoop()
    variable = contextvars.ContextVar("variable", default="none")
    seen = []
    context = contextvars.copy_context()
    context.run(variable.set, "given")
    try:
        loop.call_behind(lambda: seen.append(variable.get()), context=context)
        loop.call_behind(loop.stop, context=HERE)
        loop.run_forever()
    finally:
        loop.close()
    assert seen == ["given"]


# -- what was ready --------------------------------------------------------------------------------------------------


class Sender(Watcher):
    """Somebody who has sent so many bytes."""

    def __init__(self, name: str, size: int, log: list[str], *, quick: bool = True) -> None:
        super().__init__()
        self.quick = quick
        self.name = name
        self.size = size
        self.log = log

    def on_readable(self) -> bytes | None:
        return bytes(self.size)

    def deliver(self, data: bytes, /) -> None:
        self.log.append(self.name)

    def put_off(self, data: bytes, /) -> None:
        self.log.append(f"{self.name} later")

    def on_writable(self) -> None:
        self.log.append(f"{self.name} writes")


def batch(log: list[str], senders: list[Sender], mask: int) -> None:
    """All of them are ready at once. How often it is looked aside meanwhile is `test_look_aside`'s."""
    looks = Looks(log)
    made = ServingSelector(looks)
    loop = ServingLoop(made)
    for fd, sender in enumerate(senders, 100):
        made.watch(fd, sender)
    looks.batches.append([(fd, mask) for fd in range(100, 100 + len(senders))])
    try:
        loop.call_soon(loop.stop)
        loop.run_forever()
        for fd in range(100, 100 + len(senders)):
            made.forget(fd)
    finally:
        loop.close()
        log[:] = [one for one in log if one != "look"]


def test_small_requests_come_before_large_ones_and_these_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selector, "TURN_SECONDS", 0.0)
    log: list[str] = []
    sizes = {"a": 65536, "b": 100, "c": 16384, "d": 16383, "e": 80000}
    batch(log, [Sender(name, size, log) for name, size in sizes.items()], READ)
    assert log == ["b", "d", "a", "c later", "e later"]


def test_who_is_known_to_be_quick_comes_before_who_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selector, "TURN_SECONDS", 0.0)
    log: list[str] = []
    batch(log, [Sender(name, 100, log, quick=name in "bd") for name in "abcde"], READ)
    assert log == ["b", "d", "a", "c later", "e later"]


def test_small_reads_are_put_off_whoever_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """They hold no more than the connection may hold anyway."""
    monkeypatch.setattr(selector, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(selector, "MOST_BEHIND", 0)
    log: list[str] = []
    batch(log, [Sender(name, 100, log, quick=False) for name in "abc"], READ)
    assert log == ["a", "b later", "c later"]


@pytest.mark.parametrize(("turn", "quick"), [(0.0, False), (1000.0, True)])
@pytest.mark.parametrize("before", [True, False])
def test_what_took_long_is_remembered(before: bool, turn: float, quick: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selector, "TURN_SECONDS", turn)
    senders = [Sender(name, 100, [], quick=before) for name in "ab"]
    batch([], senders, READ)
    assert senders[0].quick is quick


def test_who_was_put_off_is_known_then() -> None:
    async def main() -> None:
        async with link() as it:
            it.start()
            ours = it.transport
            assert not ours.quick
            ours.put_off(b"x")
            await it.protocol.receives(1)
            assert ours.quick

    run_on(ServingLoop, main)


@pytest.mark.parametrize(("size", "at_once"), [(FIRST_AT_ONCE, ["data"]), (FIRST_AT_ONCE + 1, [])])
def test_a_large_first_request_comes_behind_others(size: int, at_once: list[str]) -> None:
    async def scenario() -> None:
        async with link() as it:
            await it.send(bytes(size))
            it.start()
            assert it.protocol.calls == at_once
            assert it.transport.behind is not bool(at_once)
            await it.send(b"more")
            await it.protocol.receives(size + 4)
            assert it.protocol.data == bytes(size) + b"more"

    run_on(ServingLoop, scenario)


def test_who_is_not_known_waits_behind_those_who_wait() -> None:
    log: list[str] = []
    looks = Looks(log)
    made = ServingSelector(looks)
    loop = ServingLoop(made)
    made.watch(100, Sender("new", 100, log, quick=False))
    looks.batches.append([(100, READ)])
    loop.call_behind(partial(log.append, "old"), context=HERE)
    loop.call_behind(loop.stop, context=HERE)
    try:
        loop.run_forever()
        made.forget(100)
    finally:
        loop.close()
    assert log == ["look", "new later", "old"]


def test_no_more_than_so_much_is_held_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selector, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(selector, "MOST_BEHIND", 0)
    log: list[str] = []
    batch(log, [Sender(name, 65536, log) for name in "abc"], READ)
    assert log == ["a", "b", "c"]


def test_writers_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel names those again who had none."""
    monkeypatch.setattr(selector, "TURN_SECONDS", 0.0)
    log: list[str] = []
    looks = Looks(log)
    made = ServingSelector(looks)
    writers = [Sender(name, 0, log) for name in "abc"]
    for fd, writer in enumerate(writers, 100):
        made.watch(fd, writer)
    for _ in range(4):
        looks.batches.append([(fd, WRITE) for fd in (100, 101, 102)])
        made.select(0)
    assert [one for one in log if "writes" in one] == ["a writes", "b writes", "c writes", "a writes"]
    made.close()


def test_what_was_put_off_is_not_overtaken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selector, "TURN_SECONDS", 0.0)

    async def main() -> None:
        got: list[bytes] = []
        async with link() as it:
            it.start(lambda _, data: got.append(data))
            ours = it.transport
            await it.send(b"x" * 20000)
            data = ours.on_readable() or b""
            ours.put_off(data)
            await it.send(b"later")
            assert ours.behind
            assert ours.readable()
            assert ours.on_readable() is None
            await it.protocol.receives(20005)
            assert b"".join(got) == b"x" * 20000 + b"later"
            assert not ours.behind

    run_on(ServingLoop, main)


# -- accepting -------------------------------------------------------------------------------------------------------


def test_new_connections_are_served_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is answered as it is accepted, so a crowd of them would be a long turn."""
    monkeypatch.setattr(acceptor, "TURN_SECONDS", 0.0)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        looks: list[int] = []
        accepted: list[int] = []

        def served(sock: socket.socket, *_: object) -> None:
            accepted.append(len(looks))
            sock.close()

        with socket.create_server(("127.0.0.1", 0)) as listener:
            clients = [socket.create_connection(listener.getsockname()) for _ in range(5)]
            made = Acceptor(
                listener,
                loop=loop,
                poller=poller_of(loop),
                on_connection=served,
            )
            made.start()
            while len(accepted) < 5:
                looks.append(1)
                await asyncio.sleep(0)
            made.stop()
            for client in clients:
                client.close()
        assert len(set(accepted)) == 5

    loop = asyncio.SelectorEventLoop()  # which calls once for each look
    try:
        loop.run_until_complete(asyncio.wait_for(main(), 10))
    finally:
        loop.close()


def test_connections_of_another_thread_are_taken_in_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake, "TURN_SECONDS", 0.0)
    no_time(monkeypatch)
    log: list[str] = []
    loop = ServingLoop(ServingSelector(Looks(log)))
    door = intake.Intake()
    try:
        door.open(loop, lambda sock, _peer, _local: log.append(str(sock)))
        numbers: list[Any] = [1, 2, 3, 4]
        for number in numbers[:3]:
            assert door.put(number, None, None)
        for _ in range(6):
            loop.call_soon(loop.stop)
            loop.run_forever()
        assert [one for one in log if one != "look"] == ["1", "2", "3"]
        assert all("look" in log[log.index(str(number)) : log.index(str(number + 1))] for number in (1, 2))
        door.put(numbers[3], None, None)
        door.close()  # all of them, at once
        assert log[-1] == "4"
    finally:
        loop.close()
