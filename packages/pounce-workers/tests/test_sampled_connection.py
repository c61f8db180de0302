"""Connections of a worker that measures single requests note how a head comes in, and otherwise serve as any."""

from __future__ import annotations

import asyncio
import contextvars
import socket
from typing import TYPE_CHECKING, Any

import pytest
from fake_transport import FakeTransport
from http1_driver import Conversation, answer, converse

from pounce_asgi import ExchangeContext, ExchangeSettings, Listeners
from pounce_asgi.request_sampler import HeadTimes
from pounce_http1 import encode_header_line
from pounce_workers import ServingSettings, WorkerSettings
from pounce_workers.net.loop import ServingLoop, new_event_loop
from pounce_workers.net.timed_selector import TimedSelector
from pounce_workers.serving.http1_connection import Http1Connection
from pounce_workers.serving.loop_server import LoopServer
from pounce_workers.serving.sampled_connection import SampledConnection, SampledWire

if TYPE_CHECKING:
    from collections.abc import Callable

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"


class Sampler:
    """Its clock goes on by one with each look, and it keeps what it was told when the application was called."""

    def __init__(self, *, due: bool = True) -> None:
        self.due = due
        self.ready = 0.0
        self.head: HeadTimes | None = None
        self.now = 0.0
        self.told: list[HeadTimes | None] = []

    def clock(self) -> float:
        self.now += 1
        return self.now

    def wrap(self, app: Any) -> Any:
        def wrapped(scope: Any, receive: Any, send: Any) -> Any:
            self.told.append(self.head)
            return app(scope, receive, send)

        return wrapped


async def ok(_scope: Any, _receive: Any, send: Any) -> None:
    await answer(send)


def conversation(sampler: Sampler, app: Any = ok) -> Conversation:
    """A connection that asks this sampler."""
    loop = asyncio.get_running_loop()
    settings = ServingSettings(
        exchange=ExchangeSettings(date_header=False, server_header=False), worker=WorkerSettings(http="fast")
    )
    context = ExchangeContext(
        sampler.wrap(app), loop=loop, encode=encode_header_line, no_fields=b"", settings=settings.exchange
    )
    sweeper: Any = type("Sweeper", (), {"soon": 100.0})()
    wire = SampledWire(context, sampler=sampler, loop=loop, sweeper=sweeper, settings=settings)
    return Conversation(None, "fast", wire=wire)


def told_of(pieces: list[bytes], ready: list[float], *, due: list[bool] | None = None) -> list[HeadTimes | None]:
    """What a sampler is told that sees these pieces come, each found ready at its time."""
    sampler = Sampler()

    async def scenario() -> None:
        connection = conversation(sampler)
        for number, piece in enumerate(pieces):
            sampler.ready = ready[number]
            sampler.due = due[number] if due is not None else True
            await connection.send(piece)
        assert sampler.head is None

    converse(scenario)
    return sampler.told


@pytest.mark.parametrize(
    ("pieces", "ready", "expected"),
    [
        pytest.param([GET], [0.5], [HeadTimes(0.5, 1, 0.5, 1)], id="one piece"),
        pytest.param([GET], [0.0], [HeadTimes(1, 1, 1, 1)], id="a loop that cannot tell"),
        pytest.param([GET[:5], GET[5:]], [0.5, 1.5], [HeadTimes(0.5, 1, 1.5, 2)], id="two pieces"),
        pytest.param([GET[:3], GET[3:9], GET[9:]], [0.5, 1.5, 2.5], [HeadTimes(0.5, 1, 2.5, 3)], id="three"),
        pytest.param([GET, GET], [0.5, 1.5], [HeadTimes(0.5, 1, 0.5, 1), HeadTimes(1.5, 2, 1.5, 2)], id="two requests"),
    ],
)
def test_tells_how_a_head_came_in(pieces: list[bytes], ready: list[float], expected: list[HeadTimes]) -> None:
    assert told_of(pieces, ready) == expected


@pytest.mark.parametrize(
    ("pieces", "due"),
    [
        pytest.param([GET], [False], id="none is due"),
        pytest.param([GET[:5], GET[5:]], [False, True], id="due too late"),
        pytest.param([GET[:5], GET[5:] + GET[:7], GET[7:]], [True, False, True], id="the beginning of another"),
    ],
)
def test_tells_nothing_of_a_head_whose_beginning_it_did_not_see(pieces: list[bytes], due: list[bool]) -> None:
    assert set(told_of(pieces, [0.0] * len(pieces), due=due)) == {None}


def test_bytes_of_a_body_are_no_head() -> None:
    sampler = Sampler()
    bodies: list[bytes] = []

    async def reads(_scope: Any, receive: Any, send: Any) -> None:
        more = True
        while more:
            message = await receive()
            bodies.append(message["body"])
            more = message["more_body"]
        await answer(send)

    async def scenario() -> None:
        connection = conversation(sampler, reads)
        await connection.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\n", b"ab", b"cd")
        assert connection.statuses() == [200]

    converse(scenario)
    assert b"".join(bodies) == b"abcd"
    assert sampler.now == 1  # it looked at the clock for the head, and for nothing else


def test_what_it_sent_and_the_socket_did_not_take_is_unsent() -> None:
    async def scenario() -> None:
        connection = conversation(Sampler(due=False)).connection
        assert isinstance(connection, SampledConnection)
        assert not connection.unsent  # this transport keeps nothing
        connection.transport.sending = True  # type: ignore[attr-defined]
        assert connection.unsent

    converse(scenario)


# -- a worker's birth ------------------------------------------------------------------------------------------------


def server_of(sampler: Sampler | None) -> LoopServer:
    return LoopServer(
        ok,
        loop=asyncio.get_running_loop(),
        tick=1.0,
        settings=ServingSettings(),
        state={},
        listeners=Listeners(),
        worker_id=0,
        budget=None,
        sampler=sampler,
    )


def test_without_a_sampler_nothing_is_other_than_it_was() -> None:
    async def scenario() -> None:
        server = server_of(None)
        assert server.context.app is ok
        assert server.wire.connection_class is Http1Connection
        assert type(server.wire.connect(FakeTransport())) is Http1Connection

    converse(scenario)


def test_with_one_connections_ask_it_and_exchanges_call_what_it_wrapped() -> None:
    async def scenario() -> None:
        server = server_of(Sampler())
        assert server.context.app is not ok
        assert type(server.wire.connect(FakeTransport())) is SampledConnection

    converse(scenario)


def test_the_loop_tells_when_what_it_serves_was_ready() -> None:
    sampler = Sampler()
    loop = new_event_loop("asyncio", sampler)
    assert isinstance(loop, ServingLoop)
    assert isinstance(loop.serving_selector, TimedSelector)
    seen: list[float] = []

    class Watcher:
        """Reads once."""

        quick = True
        deliver: Callable[[bytes], None]

        def __init__(self, sock: Any) -> None:
            self.sock = sock
            self.done = loop.create_future()

        def on_readable(self) -> None:
            seen.append(sampler.ready)
            self.sock.recv(10)
            loop.call_soon(self.done.set_result, None)

    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        watcher: Any = Watcher(ours)
        loop.serving_selector.watch(ours.fileno(), watcher)
        theirs.send(b"x")
        loop.run_until_complete(watcher.done)
        loop.serving_selector.forget(ours.fileno())
    loop.close()
    assert seen == [sampler.now]
    assert sampler.ready == 0.0


@pytest.mark.parametrize(("ready", "expected"), [(7.0, 7.0), (0.0, 1.0)])
def test_what_waits_behind_others_was_ready_before(ready: float, expected: float) -> None:
    """In a batch it has been ready as long as that; and else since it waits."""
    sampler = Sampler()
    loop = new_event_loop("asyncio", sampler)
    assert isinstance(loop, ServingLoop)
    seen: list[float] = []

    def late() -> None:
        seen.append(sampler.ready)
        loop.stop()

    sampler.ready = ready
    loop.call_behind(late, context=contextvars.copy_context())
    sampler.ready = 0.0
    loop.run_forever()
    loop.close()
    assert seen == [expected]
    assert sampler.ready == 0.0


def test_a_loop_without_a_sampler_has_the_plain_selector() -> None:
    loop = new_event_loop("asyncio")
    assert isinstance(loop, ServingLoop)
    assert type(loop.serving_selector) is not TimedSelector
    loop.close()
