"""A connection over a real socket, on every loop: reading and writing."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest
from loops import turns
from transport_doubles import BIG, Link

from pounce_asgi import ClientGone
from pounce_workers.net import transport as transport_module
from pounce_workers.net.transport_ending import RESET_ON_CLOSE

if TYPE_CHECKING:
    from collections.abc import Callable


# -- reading ---------------------------------------------------------------------------------------------------------


def test_bytes_that_came_before_the_start_and_after(on_link: Callable[..., None]) -> None:
    async def scenario(it: Link) -> None:
        await it.send(b"early")
        it.start()
        assert it.protocol.data == b"early"
        await it.send(b" late")
        await it.protocol.receives(10)
        it.client.close()
        await it.protocol.hears("eof")
        assert it.protocol.data == b"early late"
        it.transport.close()
        assert it.protocol.calls[-1] == "lost"
        assert it.protocol.error is None

    on_link(scenario)


def test_a_large_upload(on_link: Callable[..., None]) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        sending = asyncio.ensure_future(it.send(BIG))
        await it.protocol.receives(len(BIG))
        await sending
        assert it.protocol.data == BIG

    on_link(scenario)


def test_pause_and_resume(on_link: Callable[..., None]) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        for number in range(1, 4):
            it.transport.pause_reading()
            it.transport.pause_reading()
            await it.send(b"x")
            await turns()
            assert it.protocol.calls.count("data") == number - 1
            it.transport.resume_reading()
            it.transport.resume_reading()
            await it.protocol.hears("data", number)
        # Paused and resumed before anything came: nothing is lost.
        it.transport.pause_reading()
        it.transport.resume_reading()
        await it.send(b"y")
        await it.protocol.receives(4)
        assert it.protocol.data == b"xxxy"

    on_link(scenario)


@pytest.mark.parametrize("then", ["resume", "wait"])
def test_paused_within_the_start(on_link: Callable[..., None], then: str) -> None:
    async def scenario(it: Link) -> None:
        await it.send(b"first")
        it.start(lambda transport, _: transport.pause_reading())
        await it.send(b"second")
        await turns()
        assert it.protocol.data == b"first"
        it.transport.resume_reading()
        await it.protocol.receives(11)

    on_link(scenario)


def test_the_end_is_told_once_and_writing_goes_on(on_link: Callable[..., None]) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        it.client.shutdown(socket.SHUT_WR)
        await it.protocol.hears("eof")
        await turns()
        it.transport.write(BIG)
        assert await it.read(len(BIG)) == BIG
        assert it.protocol.calls.count("eof") == 1
        it.transport.close()
        assert await it.read_all() == b""

    on_link(scenario)


def test_a_reset_is_told_with_its_error(on_link: Callable[..., None]) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        it.transport.write(b"never read")
        await turns()
        it.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        it.client.close()
        await it.protocol.hears("lost")
        assert isinstance(it.protocol.error, ConnectionResetError)
        assert it.transport.closing

    on_link(scenario)


# -- writing ---------------------------------------------------------------------------------------------------------


def test_what_fits_is_at_the_client_when_write_returns(on_link: Callable[..., None]) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        it.transport.write(b"now")
        it.client.setblocking(True)
        it.client.settimeout(5)
        assert it.client.recv(10) == b"now"  # without a turn of the loop
        assert not it.transport.congested

    on_link(scenario)


PIECES = [b"", b"small", BIG[:100_000], b"x" * 16384, BIG[7:8], BIG[:65537]]


@pytest.mark.parametrize("by", ["write", "write_parts", "mixed"])
def test_whatever_the_socket_does_not_take_follows_in_order(on_link: Callable[..., None], by: str) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        expected = b""
        for round_number in range(6):
            if by == "write" or (by == "mixed" and round_number % 2):
                for piece in PIECES:
                    it.transport.write(piece)
            else:
                it.transport.write_parts(PIECES)
            expected += b"".join(PIECES)
        assert it.transport.congested
        assert await it.read(len(expected)) == expected
        await it.protocol.hears("writable")
        assert not it.transport.congested
        it.transport.write(b"and on")
        assert await it.read(6) == b"and on"

    on_link(scenario)


def test_more_parts_than_the_system_takes_at_once(on_link: Callable[..., None]) -> None:
    """Beyond IOV_MAX it says EMSGSIZE: HTTP/2 writes thousands when so many small answers are ready at once."""

    async def scenario(it: Link) -> None:
        it.start()
        parts = [b"%020d" % number for number in range(3000)]
        it.transport.write_parts(parts)
        assert await it.read(60_000) == b"".join(parts)

    on_link(scenario)


def test_write_parts_where_sockets_have_no_sendmsg(on_link: Callable[..., None]) -> None:
    class Plain:
        def __init__(self, sock: socket.socket) -> None:
            self.recv, self.send, self.fileno, self.close = sock.recv, sock.send, sock.fileno, sock.close
            self.shutdown, self.setsockopt = sock.shutdown, sock.setsockopt

    async def scenario(it: Link) -> None:
        it.transport._sock = Plain(it.transport._sock)  # type: ignore[assignment]
        it.start()
        it.transport.write_parts([BIG[:500_000], BIG[500_000:]])
        assert await it.read(len(BIG)) == BIG

    on_link(scenario)


def test_congestion_begins_above_the_high_mark_and_ends_below_the_low_one(on_link: Callable[..., None]) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        while it.transport._queue is None or it.transport._queue.size <= transport_module.HIGH_WATER:
            assert not it.transport.congested
            it.transport.write(b"x" * 1000)
        assert it.transport.congested
        await turns()
        assert "writable" not in it.protocol.calls
        while "writable" not in it.protocol.calls:
            await it.read(1000)
        assert it.transport._queue.size <= transport_module.LOW_WATER
        assert it.protocol.calls.count("writable") == 1

    on_link(scenario)


def test_a_client_that_reads_nothing_is_given_up(on_link: Callable[..., None]) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        it.sweeper.pass_time(1000)  # nothing waits: no deadline
        it.transport.write(BIG)
        it.sweeper.pass_time(1)  # until here the systems may still pass on what they took
        it.sweeper.pass_time(28.9)
        assert not it.transport.closing
        it.sweeper.pass_time(1.1)
        assert it.protocol.calls == ["lost"]
        assert isinstance(it.protocol.error, TimeoutError)
        assert await it.was_reset()

    on_link(scenario)


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="the system does not tell")
def test_a_client_that_reads_less_than_the_system_calls_room_is_not_given_up(on_link: Callable[..., None]) -> None:
    async def scenario(it: Link) -> None:
        it.transport._sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 200_000)
        it.client.settimeout(5)
        it.start()
        it.transport.write(BIG)
        for _ in range(4):
            # Without a turn of the loop, so that nobody hears of room.
            received = 0
            while received < 50_000:
                received += len(it.client.recv(50_000))
            it.sweeper.pass_time(20)
            assert not it.transport.closing
        for _ in range(3):
            it.sweeper.pass_time(20)
        assert isinstance(it.protocol.error, TimeoutError)

    on_link(scenario)


@pytest.mark.parametrize("kind", ["bytes", "file"])
def test_any_progress_renews_the_time(on_link: Callable[..., None], big_file: Any, kind: str) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        if kind == "bytes":
            it.transport.write(BIG)
        else:
            it.transport.sendfile(big_file, 0, len(BIG))
        received = 0
        for _ in range(40):
            it.sweeper.pass_time(20)
            assert not it.transport.closing
            received += len(await it.read(min(80_000, len(BIG) - received)))
            await turns(5)
        assert received == len(BIG)
        await turns(5)
        it.sweeper.pass_time(1000)
        assert it.protocol.calls.count("lost") == 0

    on_link(scenario)


def test_writing_to_a_client_that_left(on_link: Callable[..., None]) -> None:
    """The error comes while the protocol writes; it hears of it when it is done with that."""

    async def scenario(it: Link) -> None:
        it.start()
        it.client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        it.client.close()
        it.transport.pause_reading()
        for _ in range(5):
            it.transport.write(b"x")
            it.transport.write_parts([BIG, BIG])
        assert "lost" not in it.protocol.calls
        assert it.transport.closing
        with pytest.raises(ClientGone):
            await it.transport.sendfile(0, 0, 5)
        await it.protocol.hears("lost")
        assert isinstance(it.protocol.error, OSError)
        await turns()
        assert it.protocol.calls.count("lost") == 1

    on_link(scenario)


# -- deadlines -------------------------------------------------------------------------------------------------------


def test_the_protocols_deadline(on_link: Callable[..., None]) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        it.transport.deadline = it.sweeper.soon + 10
        it.sweeper.pass_time(9)
        assert it.protocol.calls == []
        it.sweeper.pass_time(1)
        assert it.protocol.calls == ["deadline"]
        assert it.transport.deadline == float("inf")
        it.sweeper.pass_time(1000)
        assert it.protocol.calls == ["deadline"]

    on_link(scenario)
