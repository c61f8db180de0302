"""Which connections a worker gives away or closes while it makes way, and that none of them loses a byte."""

from __future__ import annotations

import asyncio
import functools
import logging
import socket
from typing import TYPE_CHECKING, Any

from floors import TICK, Floor, Guest, floor
from http1_driver import Waiting, answer, echo_path, get, post, read_body
from loops import run_on, turns

from pounce_asgi import ConnectionClosed, ConnectionOpened, Listeners
from pounce_workers.serving import retirement
from pounce_workers.serving.http1_connection import Http1Connection

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    MakeLoop = Callable[[], asyncio.AbstractEventLoop]


class Shelf:
    """Takes what is moved, and keeps it until it is handed on."""

    def __init__(self) -> None:
        self.taken: list[tuple[Any, ...]] = []

    def __call__(self, *connection: Any) -> None:
        self.taken.append(connection)

    def hand_on(self, to: Floor) -> None:
        while self.taken:
            to.take(*self.taken.pop())


class Stream:
    """Sends its head and a first piece of body, and the last when it is let."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["path"] != "/stream":
            await answer(send, b"other")
            return
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"begun", "more_body": True})
        self.begun.set()
        await self.gate.wait()
        await send({"type": "http.response.body", "body": b"ended"})


# -- moving ----------------------------------------------------------------------------------------------------------


def test_an_idle_connection_moves_with_the_bytes_that_its_client_sends_meanwhile(make_loop: MakeLoop) -> None:
    async def main() -> None:
        shelf = Shelf()
        async with floor(echo_path) as old, floor(echo_path) as new:
            guest, fresh = old.connect(), old.connect()
            assert (await guest.get("/old")).body == b"/old"
            # It lies in the socket before the loop has turned: nobody has read it.
            guest.socket.send(get("/on-the-way"))
            assert old.retirement.look(shelf) is False
            assert len(shelf.taken) == 2
            assert not old.wire.connections
            assert not old.sweeper.members
            await fresh.send(get("/first"))
            await turns()  # whoever watched these sockets hears of them no more
            shelf.hand_on(new)
            assert (await guest.response()).body == b"/on-the-way"
            assert (await fresh.response()).body == b"/first"
            assert not (await guest.get("/new")).closes
            assert {connection.requests for connection in new.wire.connections} == {1, 2}

    run_on(make_loop, main)


def test_back_and_forth_on_the_same_descriptor(make_loop: MakeLoop) -> None:
    """Whatever the loop still has for the transport of before, or for the one before that, reaches nobody."""

    async def main() -> None:
        async with floor(echo_path) as left, floor(echo_path) as right:
            guest, other = left.connect(), left.connect()
            here, there = left, right
            for number in range(50):
                guest.socket.send(get(f"/{number}"))
                if number % 3 == 1:
                    await asyncio.sleep(0)  # an event may be under way, or the request be answered
                here.retirement.look(there.take)
                here, there = there, here
                if number % 5 == 2:
                    here.retirement.look(there.take)
                    here, there = there, here
                assert (await guest.response()).body == b"/%d" % number
            assert (await other.get("/other")).body == b"/other"

    run_on(make_loop, main)


def test_a_unix_socket_moves_with_its_addresses(make_loop: MakeLoop) -> None:
    async def main() -> None:
        shelf = Shelf()
        async with floor(echo_path) as old, floor(echo_path) as new:
            guest = old.connect(unix=True)
            assert (await guest.get("/old")).body == b"/old"
            old.retirement.look(shelf)
            assert shelf.taken[0][1:] == (None, ("/run/x", None))
            shelf.hand_on(new)
            assert (await guest.get("/new")).body == b"/new"

    run_on(make_loop, main)


def test_a_busy_connection_moves_after_its_answer_and_a_half_received_head_after_its_own(make_loop: MakeLoop) -> None:
    async def main() -> None:
        app = Waiting()
        shelf = Shelf()
        async with floor(app) as old, floor(echo_path) as new:
            busy, half, body = old.connect(), old.connect(), old.connect()
            await busy.send(get("/busy"))
            await half.send(b"GET /half HTT")
            await body.send(post(b"abc", length=6))
            await _until(lambda: len(app.gates) == 2 and _buffered(old) == 1)
            old.retirement.look(shelf)
            assert not shelf.taken
            await half.send(b"P/1.1\r\nHost: x\r\n\r\n")
            await body.send(b"def")
            await _until(lambda: len(app.gates) == 3)
            old.retirement.look(shelf)
            assert not shelf.taken
            for gate in app.gates:
                gate.set()
            for guest, expected in ((busy, b"/busy"), (half, b"/half"), (body, b"/")):
                response = await guest.response()
                assert (response.body, response.closes) == (expected, False)
            old.retirement.look(shelf)
            assert len(shelf.taken) == 3
            shelf.hand_on(new)
            for guest in (busy, half, body):
                assert (await guest.get("/new")).body == b"/new"

    run_on(make_loop, main)


def test_a_connection_stays_while_a_part_of_its_answer_waits_to_be_sent(make_loop: MakeLoop) -> None:
    sizes: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await answer(send, bytes(sizes[-1]))

    async def main() -> None:
        shelf = Shelf()
        async with floor(app) as old, floor(echo_path) as new:
            # From a little to much more than may wait without holding up the application.
            taken = await _room(old)
            for beyond in (30_000, 1_000_000):
                sizes.append(taken + beyond)
                guest = old.connect(room=16384)
                await guest.send(get())
                (connection,) = old.wire.connections
                transport: Any = connection.transport
                await _until(functools.partial(getattr, transport, "sending"))
                assert connection.idle is (beyond == 30_000)
                old.retirement.look(shelf)
                assert not shelf.taken
                assert len((await guest.response()).body) == sizes[-1]
                while not connection.idle or transport.sending:
                    await turns(1)
                old.retirement.look(shelf)
                shelf.hand_on(new)
                assert (await guest.get("/new")).body == b"/new"

    run_on(make_loop, main)


def test_requests_sent_ahead_are_answered_where_they_were_read(make_loop: MakeLoop) -> None:
    """So many that reading is paused in between."""

    async def main() -> None:
        app = Waiting()
        shelf = Shelf()
        async with floor(app) as old, floor(echo_path) as new:
            guest = old.connect()
            count = 40
            filler = f"X-Filler: {'x' * 4000}"
            sending = asyncio.ensure_future(guest.send(b"".join(get(f"/{n}", filler) for n in range(count))))
            for number in range(count):
                while len(app.gates) <= number:
                    await turns(1)
                old.retirement.look(shelf)
                assert not shelf.taken
                app.gates[number].set()
                assert (await guest.response()).body == b"/%d" % number
            await sending
            await _until(lambda: all(connection.idle for connection in old.wire.connections))
            old.retirement.look(shelf)
            shelf.hand_on(new)
            assert (await guest.get("/new")).body == b"/new"

    run_on(make_loop, main)


def test_a_client_that_has_ended_its_side(make_loop: MakeLoop) -> None:
    """Before the move, so that nobody has read it, or before its answer, so that reading is over."""

    async def main() -> None:
        app = Waiting()
        shelf = Shelf()
        async with floor(app) as old, floor(echo_path) as new:
            gone, waits, asks = old.connect(), old.connect(), old.connect()
            gone.socket.shutdown(socket.SHUT_WR)
            asks.socket.send(get("/asks"))
            asks.socket.shutdown(socket.SHUT_WR)
            old.retirement.look(shelf)
            assert len(shelf.taken) == 3
            shelf.hand_on(new)
            assert await gone.at_end()
            assert (await asks.response()).body == b"/asks"
            assert await asks.at_end()
            # The same, when the worker that makes way knows.
            new.retirement.look(old.take)
            await waits.send(get("/waits"))
            waits.socket.shutdown(socket.SHUT_WR)
            await _until(lambda: bool(app.gates))
            await turns()
            old.retirement.look(shelf)
            assert not shelf.taken
            app.gates[-1].set()
            old.retirement.look(shelf)
            assert (await waits.response()).body == b"/waits"
            old.retirement.look(shelf)
            shelf.hand_on(new)
            assert await waits.at_end()

    run_on(make_loop, main)


def test_a_stream_goes_on_and_moves_when_it_ends(make_loop: MakeLoop) -> None:
    async def main() -> None:
        app = Stream()
        shelf = Shelf()
        async with floor(app) as old, floor(echo_path) as new:
            guest = old.connect()
            await guest.send(get("/stream"))
            await guest.read_until(b"begun")
            old.retirement.look(shelf)
            app.gate.set()
            await guest.read_until(b"ended")
            old.retirement.look(shelf)
            shelf.hand_on(new)
            assert (await guest.get("/new")).body == b"/new"

    run_on(make_loop, main)


def test_an_application_goes_on_after_its_answer_although_the_connection_has_moved(make_loop: MakeLoop) -> None:
    seen: list[Any] = []
    done = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await read_body(receive)
        await answer(send)
        gate.set()
        await release.wait()
        seen.append((await receive())["type"])
        done.set()

    gate, release = asyncio.Event(), asyncio.Event()

    async def main() -> None:
        async with floor(app) as old, floor(echo_path) as new:
            guest = old.connect()
            await guest.get()
            await gate.wait()
            old.retirement.look(new.take)
            assert old.wire.context.running
            assert (await guest.get("/new")).body == b"/new"
            release.set()
            await done.wait()
            await turns()
            assert not old.wire.context.running
            assert (await guest.get("/again")).body == b"/again"

    run_on(make_loop, main)
    assert seen == ["http.disconnect"]


def test_many_are_moved_in_several_turns(make_loop: MakeLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retirement, "MOVES_PER_TURN", 4)

    async def main() -> None:
        async with floor(echo_path) as old, floor(echo_path) as new:
            for _ in range(9):
                old.connect()
            looks = [(old.retirement.look(new.take), len(new.wire.connections)) for _ in range(3)]
            assert looks == [(True, 4), (True, 8), (False, 9)]

    run_on(make_loop, main)


def test_a_move_that_fails_costs_one_connection(make_loop: MakeLoop, caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        moved: list[Any] = []

        def move(*connection: Any) -> None:
            if not moved:
                moved.append(None)
                raise RuntimeError("nobody takes it")
            new.take(*connection)

        async with floor(echo_path) as old, floor(echo_path) as new:
            guests = [old.connect() for _ in range(2)]
            old.retirement.look(move)
            assert not old.wire.connections
            ends = [asyncio.ensure_future(_ends(guest)) for guest in guests]
            assert sorted([await end for end in ends]) == [False, True]

    with caplog.at_level(logging.ERROR, "pounce.worker"):
        run_on(make_loop, main)
    assert "nobody takes it" in caplog.text


def test_listeners_hear_of_an_orderly_end_here_and_of_a_beginning_there(make_loop: MakeLoop) -> None:
    records: list[Any] = []
    listeners = Listeners(connection_opened=records.append, connection_closed=records.append)

    async def main() -> None:
        async with (
            floor(echo_path, worker_id=1, listeners=listeners) as old,
            floor(echo_path, worker_id=2, listeners=listeners) as new,
        ):
            guest = old.connect()
            await guest.get()
            await guest.get()
            old.retirement.look(new.take)
            await guest.get()
            guest.socket.close()
            await _until(lambda: not new.wire.connections)

    run_on(make_loop, main)
    first, second = (record.connection_id for record in records if isinstance(record, ConnectionOpened))
    assert first != second, "it has a number of its own with each worker"
    assert [(type(record), record.worker_id, record.connection_id) for record in records] == [
        (ConnectionOpened, 1, first),
        (ConnectionClosed, 1, first),
        (ConnectionOpened, 2, second),
        (ConnectionClosed, 2, second),
    ]
    assert len({record.client for record in records}) == 1
    assert [(record.requests, record.error) for record in records[1::2]] == [(2, None), (1, None)]


# -- telling ---------------------------------------------------------------------------------------------------------


def test_clients_are_told_with_their_next_answer_and_no_promise_is_broken(make_loop: MakeLoop) -> None:
    async def main() -> None:
        app = Stream()
        async with floor(app, drain_idle=60) as old:
            idle, half, stream = old.connect(), old.connect(), old.connect()
            assert not (await idle.get()).closes
            await half.send(b"GET / HT")
            await stream.send(get("/stream"))
            head = await stream.read_until(b"begun")
            assert b"connection: close" not in head
            await _until(lambda: _buffered(old) == 1)
            old.retirement.look(None)
            assert len(old.wire.connections) == 3
            await half.send(b"TP/1.1\r\nHost: x\r\n\r\n")
            for guest in (idle, half):
                if guest is idle:
                    await guest.send(get())
                assert (await guest.response()).closes
                assert await guest.at_end()
            # Its head has promised that another request may follow.
            app.gate.set()
            await stream.read_until(b"ended")
            old.retirement.look(None)
            assert len(old.wire.connections) == 1
            assert (await stream.get("/next")).closes
            assert await stream.at_end()
            await _until(lambda: not old.wire.connections)

    run_on(make_loop, main)


def test_an_answer_under_way_whose_head_is_not_out_says_that_it_is_the_last(make_loop: MakeLoop) -> None:
    async def main() -> None:
        app = Waiting()
        async with floor(app, drain_idle=60) as old:
            guests = [old.connect() for _ in range(2)]
            await guests[0].send(get("/slow"))
            await guests[1].send(post(b"abc", length=6))
            await _until(lambda: len(app.gates) == 2)
            old.retirement.look(None)
            await guests[1].send(b"def")
            for gate in app.gates:
                gate.set()
            for guest in guests:
                assert (await guest.response()).closes
                assert await guest.at_end()

    run_on(make_loop, main)


def test_only_who_has_certainly_been_idle_for_long_is_closed(make_loop: MakeLoop) -> None:
    async def main() -> None:
        async with floor(echo_path, drain_idle=5) as old:
            guest = old.connect()
            old.sweeper.pass_time(3)
            assert not (await guest.get()).closes
            # The clock has turned once for each tick: up to one of them may have passed before the answer.
            for _ in range(5):
                old.sweeper.pass_time(TICK)
                old.retirement.look(None)
                assert len(old.wire.connections) == 1
            old.sweeper.pass_time(TICK)
            old.retirement.look(None)
            assert await guest.at_end()
            assert not old.wire.connections

    run_on(make_loop, main)


def test_a_request_that_nobody_has_read_yet_is_answered_however_long_the_client_was_idle(make_loop: MakeLoop) -> None:
    async def main() -> None:
        async with floor(echo_path, drain_idle=0) as old:
            guest = old.connect()
            await guest.get()
            old.sweeper.pass_time(60)
            guest.socket.send(get("/late"))
            old.retirement.look(None)
            response = await guest.response()
            assert (response.body, response.closes) == (b"/late", True)
            assert await guest.at_end()

    run_on(make_loop, main)


def test_who_takes_over_may_come_later_or_be_gone_again(make_loop: MakeLoop) -> None:
    async def main() -> None:
        async with floor(echo_path, drain_idle=60) as old, floor(echo_path) as new:
            first, second = old.connect(), old.connect()
            await _until(lambda: len(old.wire.connections) == 2)
            old.retirement.look(None)
            old.retirement.look(new.take)
            assert not old.wire.connections
            for guest in (first, second):
                assert not (await guest.get()).closes

    run_on(make_loop, main)


# -- inside ----------------------------------------------------------------------------------------------------------


async def _until(true: Callable[[], bool]) -> None:
    """Let the loop turn until it is so."""
    while not true():
        await turns(1)


def _buffered(here: Floor) -> int:
    """Connections of which a part of a head has come."""
    connections = [one for one in here.wire.connections if isinstance(one, Http1Connection)]
    return sum(one.reader.buffered > 0 and one.exchange is None for one in connections)


async def _room(here: Floor) -> int:
    """What the buffers of the system take between the two ends of such a connection."""
    guest = here.connect(room=16384)
    (connection,) = here.wire.connections
    sock = connection.transport._sock  # type: ignore[attr-defined]
    taken = 0
    try:
        while True:
            taken += sock.send(bytes(1024))
    except BlockingIOError:
        pass
    connection.transport.abort()
    guest.socket.close()
    await turns()
    return taken


async def _ends(guest: Guest) -> bool:
    """Whether the connection has ended, or answers."""
    try:
        await guest.send(get())
        return not await guest._loop.sock_recv(guest.socket, 1)
    except ConnectionError:
        return True
