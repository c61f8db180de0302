"""The selector by itself: batches, stale events, asyncio's keys. Over epoll and over select alike."""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import socket
from typing import TYPE_CHECKING

import pytest
from watchers import Watcher, socket_pair

from pounce_workers.net.readiness import SelectReadiness, new_readiness
from pounce_workers.net.selector import READ_AHEAD, ServingSelector

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pounce_workers.net.readiness import Readiness

Pairs = list[tuple[socket.socket, socket.socket]]
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


@pytest.fixture(params=[new_readiness, SelectReadiness])
def selector(request: pytest.FixtureRequest) -> Iterator[ServingSelector]:
    made = ServingSelector(request.param())
    yield made
    made.close()


@pytest.fixture
def pairs() -> Iterator[Pairs]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(socket_pair()) for _ in range(3)]


class Batches:
    """A readiness whose batches are given, in an order that the kernel may choose any time."""

    def __init__(self, *batches: list[tuple[int, int]]) -> None:
        self.batches = list(batches)
        self.registered: dict[int, int] = {}

    def register(self, fd: int, eventmask: int, /) -> None:
        assert fd not in self.registered
        self.registered[fd] = eventmask

    def modify(self, fd: int, eventmask: int, /) -> None:
        assert fd in self.registered
        self.registered[fd] = eventmask

    def unregister(self, fd: int, /) -> None:
        del self.registered[fd]

    def poll(self, timeout: float | None = None, maxevents: int = -1, /) -> list[tuple[int, int]]:
        return self.batches.pop(0)

    def close(self) -> None:
        self.registered.clear()


# -- for transports --------------------------------------------------------------------------------------------------


def test_a_watcher_is_called_and_asyncio_never_hears_of_it(selector: ServingSelector, pairs: Pairs) -> None:
    ours, theirs = pairs[0]
    watcher = Watcher()
    selector.watch(ours.fileno(), watcher)
    assert selector.select(0) == []
    assert watcher.calls == []
    theirs.send(b"x")
    assert selector.select(5) == []
    assert watcher.calls == ["readable"]
    assert len(selector.get_map()) == 0


@pytest.mark.parametrize(
    ("readable", "writable", "expected"),
    [
        (True, False, ["readable"]),
        (False, True, ["writable"]),
        (True, True, ["readable", "writable"]),
        (False, False, []),
    ],
)
def test_change(
    selector: ServingSelector,
    pairs: Pairs,
    readable: bool,
    writable: bool,
    expected: list[str],
) -> None:
    ours, theirs = pairs[0]
    watcher = Watcher()
    selector.watch(ours.fileno(), watcher)
    theirs.send(b"x")
    selector.change(ours.fileno(), readable=readable, writable=writable)
    selector.select(0)
    assert watcher.calls == expected


def test_a_forgotten_watcher_is_not_called(selector: ServingSelector, pairs: Pairs) -> None:
    ours, theirs = pairs[0]
    watcher = Watcher()
    selector.watch(ours.fileno(), watcher)
    selector.forget(ours.fileno())
    theirs.send(b"x")
    assert selector.select(0) == []
    assert watcher.calls == []
    selector.watch(ours.fileno(), watcher)
    selector.select(0)
    assert watcher.calls == ["readable"]


def test_the_end_of_a_connection_is_readable(selector: ServingSelector, pairs: Pairs) -> None:
    ours, theirs = pairs[0]
    watcher = Watcher()
    selector.watch(ours.fileno(), watcher)
    theirs.close()
    selector.select(5)
    assert watcher.calls == ["readable"]


@pytest.mark.skipif(not hasattr(select, "epoll"), reason="only epoll reports what it was not asked for")
def test_a_hang_up_reaches_a_watcher_that_does_not_read() -> None:
    selector = ServingSelector()
    watcher = Watcher()
    with socket_pair() as (ours, theirs):
        selector.watch(ours.fileno(), watcher)
        selector.change(ours.fileno(), readable=False, writable=False)
        theirs.close()
        selector.select(5)
        assert watcher.calls == ["hang up"]
        selector.forget(ours.fileno())
    selector.close()


# -- reading ahead ---------------------------------------------------------------------------------------------------


class Reading(Watcher):
    """Gives the bytes that it was made with, and notes in a common list when it reads and when it is given them."""

    def __init__(self, data: bytes, log: list[tuple[str, bytes]], error: BaseException | None = None) -> None:
        super().__init__()
        self.data = data
        self.log = log
        self.error = error

    def on_readable(self) -> bytes:
        self.log.append(("read", self.data))
        return self.data

    def deliver(self, data: bytes, /) -> None:
        self.log.append(("deliver", data))
        if self.error is not None:
            raise self.error

    def on_hang_up(self) -> None:
        self.log.append(("hang up", self.data))
        if self.error is not None:
            raise ZeroDivisionError


@pytest.mark.parametrize("count", [1, 2, READ_AHEAD - 1, READ_AHEAD, READ_AHEAD + 1, 3 * READ_AHEAD])
def test_all_are_read_before_the_first_is_delivered(count: int) -> None:
    """Within a bound; and each gets its own bytes, once, in the order of the batch."""
    selector = ServingSelector(Batches([(fd, 1) for fd in range(count)]))
    log: list[tuple[str, bytes]] = []
    names = [b"%d" % fd for fd in range(count)]
    for fd in range(count):
        selector.watch(fd, Reading(names[fd], log))
    assert selector.select(0) == []
    expected: list[tuple[str, bytes]] = []
    for start in range(0, count, READ_AHEAD):
        expected += [("read", name) for name in names[start : start + READ_AHEAD]]
        expected += [("deliver", name) for name in names[start : start + READ_AHEAD]]
    assert log == expected


def test_bytes_that_cannot_be_delivered_end_their_connection_and_no_other() -> None:
    """Even when ending it fails too, the others of the batch get theirs and nothing leaves ``select()``."""
    reported: list[BaseException] = []

    class Loop:
        _ready: tuple[object, ...] = ("something",)
        _stopping = False
        report = staticmethod(reported.append)

    selector = ServingSelector(Batches([(1, 1), (2, 1), (3, 1)]))
    selector.attach(Loop())  # type: ignore[arg-type]
    log: list[tuple[str, bytes]] = []
    error = SystemExit()
    selector.watch(1, Reading(b"1", log))
    selector.watch(2, Reading(b"2", log, error))
    selector.watch(3, Reading(b"3", log))
    assert selector.select(0) == []
    assert log[3:] == [("deliver", b"1"), ("deliver", b"2"), ("hang up", b"2"), ("deliver", b"3")]
    assert reported[0] is error
    assert isinstance(reported[1], ZeroDivisionError)


# -- stale events ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reopened", ["watch", "register"])
def test_an_event_of_a_closed_descriptor_never_reaches_its_next_watcher(reopened: str) -> None:
    """Descriptors 7 and 8 are ready in one batch; the call for 7 closes 8, whose number is given away at once."""
    readiness = Batches([(7, 1), (8, 1)])
    selector = ServingSelector(readiness)
    old, new = Watcher(), Watcher()

    def reuse() -> None:
        selector.forget(8)
        if reopened == "watch":
            selector.watch(8, new)
        else:
            selector.register(8, READ, "new")

    selector.watch(7, Watcher(reuse))
    selector.watch(8, old)
    assert selector.select(0) == []
    # A transport that was closed ignores a late event, so reaching the old one is harmless.
    assert (old.calls, new.calls) == (["readable"], [])


@pytest.mark.parametrize("reopened", ["watch", "register", "modify"])
def test_an_event_of_asyncios_never_reaches_the_next_owner(reopened: str) -> None:
    readiness = Batches([(8, 1), (7, 1)])
    selector = ServingSelector(readiness)
    new = Watcher()

    def reuse() -> None:
        if reopened == "modify":
            selector.modify(8, READ, "new")
            return
        selector.unregister(8)
        if reopened == "watch":
            selector.watch(8, new)
        else:
            selector.register(8, READ, "new")

    selector.watch(7, Watcher(reuse))
    selector.register(8, READ, "old")
    assert selector.select(0) == []
    assert new.calls == []


def test_a_real_descriptor_reused_within_a_batch(selector: ServingSelector, pairs: Pairs) -> None:
    """The same with the kernel's own numbers: whoever is called first closes the other and opens a new socket."""
    (first, _), (second, _), _ = pairs
    opened: list[socket.socket] = []
    newcomer = Watcher()
    watchers = {}

    def close_other(mine: socket.socket, other: socket.socket) -> Callable[[], None]:
        def act() -> None:
            mine.recv(10)
            if opened:
                return
            number = other.fileno()
            selector.forget(number)
            other.close()
            left, right = socket.socketpair()
            opened.extend((left, right))
            reused = left if left.fileno() == number else right
            assert reused.fileno() == number
            selector.watch(number, newcomer)

        return act

    watchers[first] = Watcher(close_other(first, second))
    watchers[second] = Watcher(lambda: None)
    for (ours, theirs), watcher in zip(pairs, watchers.values(), strict=False):
        selector.watch(ours.fileno(), watcher)
        theirs.send(b"x")
    selector.select(5)
    selector.select(0)
    assert newcomer.calls == []
    opened[0].send(b"y")
    opened[1].send(b"y")
    selector.select(5)
    assert newcomer.calls == ["readable"]
    for sock in opened:
        sock.close()


# -- for asyncio -----------------------------------------------------------------------------------------------------


def test_what_asyncio_registered_is_returned_with_its_data(selector: ServingSelector, pairs: Pairs) -> None:
    ours, theirs = pairs[0]
    key = selector.register(ours, READ | WRITE, "data")
    assert (key.fileobj, key.fd, key.events, key.data) == (ours, ours.fileno(), READ | WRITE, "data")
    assert selector.select(0) == [(key, WRITE)]
    theirs.send(b"x")
    assert selector.select(0) == [(key, READ | WRITE)]
    changed = selector.modify(ours, READ, "other")
    assert selector.select(0) == [(changed, READ)]
    assert selector.get_key(ours) is changed
    assert selector.unregister(ours) is changed
    assert selector.select(0) == []


def test_a_batch_of_both_kinds(selector: ServingSelector, pairs: Pairs) -> None:
    watcher = Watcher()
    selector.watch(pairs[0][0].fileno(), watcher)
    keys = [selector.register(ours, READ, None) for ours, _ in pairs[1:]]
    for _, theirs in pairs:
        theirs.send(b"x")
    returned = selector.select(5)
    assert sorted(key.fd for key, _ in returned) == sorted(key.fd for key in keys)
    assert watcher.calls == ["readable"]


def test_the_map_and_its_errors(selector: ServingSelector, pairs: Pairs) -> None:
    ours = pairs[0][0]
    key = selector.register(ours, READ)
    assert dict(selector.get_map()) == {ours.fileno(): key}
    assert ours in selector.get_map()
    assert selector.get_map()[ours.fileno()] is key
    assert pairs[1][0] not in selector.get_map()
    with pytest.raises(KeyError):
        selector.register(ours, READ)
    with pytest.raises(KeyError):
        selector.unregister(pairs[1][0])
    with pytest.raises(KeyError):
        selector.modify(pairs[1][0], READ)


class Pipe:
    """A file object whose ``fileno()`` raises once it is closed, as those of `io` do."""

    def __init__(self) -> None:
        self.descriptors = os.pipe()
        self.closed = False

    def fileno(self) -> int:
        if self.closed:
            raise ValueError("I/O operation on closed file")
        return self.descriptors[0]

    def close(self) -> None:
        self.closed = True
        for descriptor in self.descriptors:
            os.close(descriptor)


@pytest.mark.parametrize("kind", [Pipe, socket.socket])
@pytest.mark.parametrize("found", [True, False])
def test_a_file_object_that_was_closed_is_still_found(kind: Callable[[], Pipe | socket.socket], found: bool) -> None:
    """A socket that is closed has descriptor -1, other files raise; `selectors` finds both, and asyncio leans on it."""
    selector = ServingSelector()
    fileobj = kind()
    number = fileobj.fileno()
    if found:
        key = selector.register(fileobj, READ)
    fileobj.close()
    if found:
        assert selector.get_map().get(fileobj) is key
        assert selector.unregister(fileobj) is key
        assert number not in selector.get_map()
    else:
        assert fileobj not in selector.get_map()
        with pytest.raises((KeyError, ValueError)):
            selector.unregister(fileobj)
    selector.close()


@pytest.mark.parametrize("timeout", [0, -1, -0.001])
def test_no_time_to_wait(selector: ServingSelector, timeout: float) -> None:
    """`selectors.BaseSelector`: at or below zero the call does not block."""
    assert selector.select(timeout) == []


def test_readiness_is_the_best_of_the_system() -> None:
    readiness: Readiness = new_readiness()
    try:
        if hasattr(select, "epoll"):
            assert isinstance(readiness, select.epoll)
        else:
            assert not isinstance(readiness, SelectReadiness)
    finally:
        readiness.close()
