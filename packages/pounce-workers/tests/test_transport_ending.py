"""How a connection over a real socket ends, on every loop: close, abort, lingering."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest
from loops import turns
from transport_doubles import BIG, Link

from pounce_workers.net.lingering import LINGER_SECONDS

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_workers.net.transport import SocketTransport


# -- ending ----------------------------------------------------------------------------------------------------------


def test_nothing_happens_after_close(on_link: Callable[..., None]) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        it.transport.write(b"last")
        it.transport.close()
        assert it.protocol.calls == ["lost"]
        for act in (it.transport.close, it.transport.abort, it.transport.resume_reading, it.transport.pause_reading):
            act()
        it.transport.write(b"too late")
        it.transport.write_parts([b"too", b"late"])
        # An event that was collected before the close.
        for event in (it.transport.on_readable, it.transport.on_writable, it.transport.on_hang_up):
            event()
        it.transport.deliver(b"read before the close")
        it.sweeper.pass_time(1e9)
        it.transport.expire(1e12)
        await turns()
        assert it.protocol.calls == ["lost"]
        assert await it.read_all() == b"last"

    on_link(scenario)


def test_close_sends_what_waits(on_link: Callable[..., None]) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        it.transport.write(BIG)
        it.transport.close()
        it.transport.write(b"too late")
        assert it.transport.closing
        assert it.protocol.calls == []
        assert await it.read_all() == BIG
        await it.protocol.hears("lost")
        assert it.protocol.error is None

    on_link(scenario)


@pytest.mark.parametrize("linger", [False, True])
@pytest.mark.parametrize("size", [5, len(BIG)])
def test_answered_and_closed_before_it_was_ever_watched(on_link: Callable[..., None], linger: bool, size: int) -> None:
    """The request came with the connection, and its answer is the last: some of it may still wait."""

    def answer(transport: SocketTransport, _: bytes) -> None:
        transport.write(BIG[:size])
        transport.close(linger=linger)

    async def scenario(it: Link) -> None:
        await it.send(b"request")
        it.start(answer)
        assert await it.read_all() == BIG[:size]
        it.client.close()
        await it.protocol.hears("lost")
        assert it.protocol.error is None

    on_link(scenario)


def test_abort_resets_and_is_heard_of_later(on_link: Callable[..., None]) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        it.transport.write(BIG)
        it.transport.abort()
        it.transport.abort()
        assert it.protocol.calls == []
        await it.protocol.hears("lost")
        assert isinstance(it.protocol.error, ConnectionAbortedError)
        assert await it.was_reset()

    on_link(scenario)


@pytest.mark.parametrize("size", [5, len(BIG)])
def test_a_lingering_close_delivers_the_answer(on_link: Callable[..., None], size: int) -> None:
    """The client is still sending: a plain close would reset the connection and the answer might be lost with it."""

    async def scenario(it: Link) -> None:
        it.start()
        it.transport.pause_reading()
        await it.send(b"x" * 20_000)
        it.transport.write(BIG[:size])
        it.transport.close(linger=True)
        sending = asyncio.ensure_future(it.send(b"y" * 300_000))
        assert await it.read_all() == BIG[:size]
        await sending
        assert it.protocol.calls == []  # what comes now is nobody's
        it.client.close()
        await it.protocol.hears("lost")
        assert it.protocol.error is None

    on_link(scenario)


def test_a_client_that_half_closes_while_its_answer_still_waits(on_link: Callable[..., None]) -> None:
    """It has sent all, and reads slowly: a lingering close must not take its end for "it has its answer"."""

    async def scenario(it: Link) -> None:
        it.start()
        it.transport.write(BIG)
        it.transport.close(linger=True)
        await it.send(b"rest of the request")
        it.client.shutdown(socket.SHUT_WR)
        await turns()
        assert await it.read_all() == BIG
        await it.protocol.hears("lost")
        assert it.protocol.error is None

    on_link(scenario)


@pytest.mark.parametrize("by", ["bytes", "time"])
def test_a_lingering_close_has_bounds(on_link: Callable[..., None], by: str) -> None:
    async def scenario(it: Link) -> None:
        it.start()
        it.transport.write(b"answer")
        it.transport.close(linger=True)
        assert await it.read_all() == b"answer"
        if by == "time":
            it.sweeper.pass_time(LINGER_SECONDS)
        else:
            with pytest.raises(ConnectionError):
                await it.send(b"x" * 40_000_000)
        await it.protocol.hears("lost")

    on_link(scenario)
