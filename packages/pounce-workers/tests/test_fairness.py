"""Nobody keeps the loop: what one connection has too much of waits until others had their turn."""

from __future__ import annotations

import asyncio
import contextvars
import socket
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from http1_driver import Conversation, answer, both_engines, converse
from loops import OURS, run_on, turns
from test_selector import Batches
from transport_doubles import link
from watchers import Watcher, socket_pair

from pounce_workers import ServingLoop
from pounce_workers.net import acceptor, selector
from pounce_workers.net.acceptor import Acceptor
from pounce_workers.net.loop import poller_of
from pounce_workers.net.readiness import READ, WRITE
from pounce_workers.net.selector import ServingSelector
from pounce_workers.serving import http1_answers, http1_connection

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = contextvars.copy_context()
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


# -- the queue behind everybody --------------------------------------------------------------------------------------


class Looks(Batches):
    """Says each time that it is asked what is ready."""

    def __init__(self, log: list[str]) -> None:
        super().__init__()
        self.log = log

    def poll(self, timeout: float | None = None, maxevents: int = -1, /) -> list[tuple[int, int]]:
        self.log.append("look" if timeout == 0 else "sleep")
        return self.batches.pop(0) if self.batches else []


def test_one_after_each_look_at_the_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one is all that fits into a turn."""
    monkeypatch.setattr(selector, "TURN_SECONDS", 0.0)
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
    assert log == ["look", "a", "look", "b", "look", "c", "look"]


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

    def __init__(self, name: str, size: int, log: list[str]) -> None:
        super().__init__()
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
    """All of them are ready at once."""
    looks = Looks(log)
    made = ServingSelector(looks)
    loop = ServingLoop(made)
    for fd, sender in enumerate(senders, 100):
        made.watch(fd, sender)
    looks.batches.append([(fd, mask) for fd in range(100, 100 + len(senders))])
    try:
        loop.call_behind(loop.stop, context=HERE)
        loop.run_forever()
        for fd in range(100, 100 + len(senders)):
            made.forget(fd)
    finally:
        loop.close()


def test_small_requests_come_before_large_ones_and_these_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selector, "TURN_SECONDS", 0.0)
    log: list[str] = []
    sizes = {"a": 65536, "b": 100, "c": 16384, "d": 16383, "e": 80000}
    batch(log, [Sender(name, size, log) for name, size in sizes.items()], READ)
    assert log == ["look", "b", "d", "a", "c later", "e later"]


def test_no_more_than_so_much_is_held_for_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selector, "TURN_SECONDS", 0.0)
    monkeypatch.setattr(selector, "MOST_BEHIND", 1)  # the stop of the loop is one
    log: list[str] = []
    batch(log, [Sender(name, 65536, log) for name in "abc"], READ)
    assert log == ["look", "a", "b", "c"]


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


# -- bodies ----------------------------------------------------------------------------------------------------------


def chunks(count: int) -> bytes:
    return b"1\r\nx\r\n" * count


class Counting:
    """Reads the whole body, and answers with its size."""

    def __init__(self) -> None:
        self.size = 0
        self.disconnected = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.disconnected = True
                return
            self.size += len(message["body"])
            if not message["more_body"]:
                break
        await answer(send, b"%d" % self.size)


@pytest.fixture
def short_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1_connection, "TURN_SECONDS", 0.0)


@pytest.mark.usefixtures("short_turns")
def test_pieces_of_a_body_leave_others_their_turn() -> None:
    async def scenario() -> None:
        app = Counting()
        it = Conversation(app, "fast")
        it.transport.send(HEAD + chunks(1000))
        assert it.transport.paused
        assert it.connection.reader.buffered > 1000  # most of it was not looked at
        assert it.transport.deadline == float("inf")  # that is not the client's fault
        await turns(5)
        assert 0 < app.size < 1000
        await turns(100)
        assert app.size == 1000
        assert not it.transport.paused
        await it.send(b"0\r\n\r\n")
        assert [response.body for response in it.responses()] == [b"1000"]
        assert it.connection.idle

    converse(scenario)


@both_engines
@pytest.mark.usefixtures("short_turns")
@pytest.mark.parametrize("more", [chunks(500), b"0\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n"])
def test_what_comes_meanwhile_is_kept_in_order(engine: str, more: bytes) -> None:
    async def scenario() -> None:
        app = Counting()
        it = Conversation(app, engine)
        it.transport.send(HEAD + chunks(1000))
        it.connection.data_received(more)  # what was on its way when reading was paused
        await turns(200)
        if more.startswith(b"0"):
            assert [response.body for response in it.responses()] == [b"1000", b"1000"]
        else:
            assert app.size == 1500
            assert not it.transport.paused

    converse(scenario)


@pytest.mark.usefixtures("short_turns")
def test_a_client_that_leaves_meanwhile() -> None:
    async def scenario() -> None:
        app = Counting()
        it = Conversation(app, "fast")
        it.transport.send(HEAD + chunks(1000))
        it.transport.leave()
        await turns(100)
        assert app.disconnected
        assert not it.wire.connections

    converse(scenario)


@pytest.mark.usefixtures("short_turns")
def test_the_rest_of_an_unwanted_body_leaves_others_their_turn() -> None:
    async def scenario() -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await answer(send)

        it = Conversation(app, "fast")
        it.transport.send(HEAD + chunks(1000))
        await turns(200)
        await it.send(b"0\r\n\r\nGET /next HTTP/1.1\r\nHost: x\r\n\r\n")
        assert it.statuses() == [200, 200]

    converse(scenario)


@pytest.mark.usefixtures("short_turns")
def test_an_error_behind_the_turn_is_heard() -> None:
    async def scenario() -> None:
        it = Conversation(Counting(), "fast")
        it.transport.send(HEAD + chunks(1000) + b"xyz\r\n")
        await turns(200)
        assert it.statuses() == [400]
        assert it.ended == "lingering"

    converse(scenario)


# -- answers ---------------------------------------------------------------------------------------------------------


def count_turns(others: list[int]) -> Callable[[], None]:
    """Others, who have something to do in each turn."""

    def once() -> None:
        others[0] += 1
        asyncio.get_running_loop().call_soon(once)

    return once


@pytest.mark.parametrize("chunked", [True, False])
def test_an_application_that_only_sends_leaves_others_their_turn(
    chunked: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the client takes all that is written."""
    monkeypatch.setattr(http1_answers, "SENDING_TURN", 0)
    others = [0]
    seen: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        fields = [] if chunked else [(b"content-length", b"60")]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        for _ in range(20):
            await send({"type": "http.response.body", "body": b"xyz", "more_body": True})
            seen.append(others[0])
        await send({"type": "http.response.body", "body": b""})

    async def scenario() -> None:
        it = Conversation(app, "fast")
        count_turns(others)()
        await it.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await turns(100)
        (response,) = it.responses()
        assert response.body == b"xyz" * 20
        assert len(set(seen)) >= 19  # the first piece goes with the head
        assert it.connection.idle
        await it.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await turns(100)
        assert it.statuses() == [200, 200]

    converse(scenario)


def test_who_waits_for_a_turn_hears_that_the_client_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http1_answers, "SENDING_TURN", 0)
    ended: list[str] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"xyz", "more_body": True})
        except OSError:
            ended.append("gone")

    async def scenario() -> None:
        it = Conversation(app, "fast")
        await it.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        it.transport.leave()
        await turns(20)
        assert ended == ["gone"]

    converse(scenario)
