"""The transport in memory keeps the contract: what a protocol hears, and when."""

from __future__ import annotations

import asyncio
import tempfile
from typing import TYPE_CHECKING, Any

import pytest

from pounce_asgi import ClientGone
from pounce_testing.memory import MemoryTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


class Protocol:
    """Notes every call."""

    idle = True

    def __init__(self) -> None:
        self.calls: list[Any] = []

    def data_received(self, data: bytes) -> None:
        self.calls.append(data)

    def eof_received(self) -> None:
        self.calls.append("eof")

    def writable(self) -> None:
        self.calls.append("writable")

    def connection_lost(self, error: OSError | None) -> None:
        self.calls.append("lost" if error is None else type(error).__name__)

    def deadline_expired(self) -> None:
        self.calls.append("deadline")

    def begin_drain(self) -> None:
        self.calls.append("drain")


async def turns() -> None:
    for _ in range(6):
        await asyncio.sleep(0)


def run(scenario: Callable[[MemoryTransport, Protocol], Coroutine[Any, Any, None]]) -> list[Any]:
    """What the protocol heard."""
    protocol = Protocol()

    async def main() -> None:
        transport = MemoryTransport()
        transport.start(protocol)
        await scenario(transport, protocol)
        await turns()

    asyncio.run(main())
    return protocol.calls


def test_bytes_come_in_the_next_turn_and_the_end_after_them() -> None:
    async def scenario(transport: MemoryTransport, protocol: Protocol) -> None:
        transport.client_sends(b"one")
        transport.client_finishes()
        assert protocol.calls == []
        await turns()
        transport.write(b"answer")
        assert transport.client_read() == b"answer"
        transport.close()

    assert run(scenario) == [b"one", "eof", "lost"]


def test_nothing_comes_while_reading_is_paused() -> None:
    async def scenario(transport: MemoryTransport, protocol: Protocol) -> None:
        transport.pause_reading()
        transport.client_sends(b"x" * 70000)
        await turns()
        assert protocol.calls == []
        assert transport.unread == 70000
        transport.resume_reading()
        await turns()
        assert [len(piece) for piece in protocol.calls] == [65536, 4464]

    run(scenario)


def test_what_the_client_does_not_take_congests() -> None:
    async def scenario(transport: MemoryTransport, protocol: Protocol) -> None:
        transport.write(b"x" * 65536)
        assert not transport.congested
        transport.write_parts([b"y", b"z"])
        assert transport.congested
        transport.client_read(40000)
        await turns()
        assert transport.congested, "not before there is much room"
        transport.client_read(20000)
        await turns()
        assert not transport.congested

    assert run(scenario) == ["writable"]


def test_a_close_sends_what_waits() -> None:
    async def scenario(transport: MemoryTransport, protocol: Protocol) -> None:
        transport.write(b"last")
        transport.close()
        transport.write(b"too late")
        await turns()
        assert protocol.calls == []
        assert transport.client_read() == b"last"

    assert run(scenario) == ["lost"]


def test_a_lingering_close_waits_for_the_client() -> None:
    async def scenario(transport: MemoryTransport, protocol: Protocol) -> None:
        transport.write(b"no")
        transport.close(linger=True)
        transport.client_sends(b"still sending")
        assert transport.client_read() == b"no"
        await turns()
        assert protocol.calls == [], "what comes now is dropped"
        transport.client_leaves()

    assert run(scenario) == ["lost"]


def test_an_abort_resets() -> None:
    async def scenario(transport: MemoryTransport, protocol: Protocol) -> None:
        transport.write(b"half")
        transport.abort()
        assert protocol.calls == [], "not within the call"
        assert transport.client_read() == b"half"
        with pytest.raises(ConnectionResetError):
            transport.client_read()
        with pytest.raises(BrokenPipeError):
            transport.client_sends(b"more")

    assert run(scenario) == ["ConnectionAbortedError"]


@pytest.mark.parametrize(
    ("written", "reset", "expected"),
    [(b"", False, ["eof"]), (b"unread", False, ["ConnectionResetError"]), (b"", True, ["ConnectionResetError"])],
)
def test_a_client_leaves(written: bytes, reset: bool, expected: list[str]) -> None:
    async def scenario(transport: MemoryTransport, protocol: Protocol) -> None:
        if written:
            transport.write(written)
        transport.client_leaves(reset=reset)
        transport.client_leaves()

    assert run(scenario) == expected


def test_who_writes_to_a_client_that_has_left_hears_of_it() -> None:
    async def scenario(transport: MemoryTransport, protocol: Protocol) -> None:
        transport.client_leaves()
        await turns()
        transport.write(b"hello?")
        assert transport.congested

    assert run(scenario) == ["eof", "ConnectionResetError"]


def test_deadlines() -> None:
    async def scenario(transport: MemoryTransport, protocol: Protocol) -> None:
        transport.deadline = 5.0
        transport.expire(4.9)
        transport.expire(5.0)
        transport.expire(6.0)

    assert run(scenario) == ["deadline"]


@pytest.mark.parametrize(("offset", "count", "expected"), [(2, 3, b"234"), (None, 4, b"5678"), (8, None, b"89")])
def test_a_file(offset: int | None, count: int | None, expected: bytes) -> None:
    async def scenario(transport: MemoryTransport, protocol: Protocol) -> None:
        with tempfile.TemporaryFile() as file:
            file.write(b"0123456789")
            file.flush()
            file.seek(5)
            assert await transport.sendfile(file.fileno(), offset, count) == len(expected)
            assert transport.client_read() == expected
            assert file.tell() == (5 if offset is not None else 5 + len(expected))
        with pytest.raises(OSError, match="descriptor"):
            await transport.sendfile(1 << 20, 0, 1)
        transport.close()
        with pytest.raises(ClientGone):
            await transport.sendfile(0, 0, 1)

    run(scenario)


def test_an_error_of_the_protocol_ends_the_connection() -> None:
    unforeseen: list[Any] = []

    async def scenario(transport: MemoryTransport, protocol: Protocol) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unforeseen.append(context["exception"]))

        def failing(data: bytes) -> None:
            raise ZeroDivisionError

        transport.deliver = failing
        transport.client_sends(b"x")

    assert run(scenario) == ["ConnectionAbortedError"]
    assert [type(error) for error in unforeseen] == [ZeroDivisionError]


def test_only_bytes_are_written() -> None:
    async def scenario(transport: MemoryTransport, protocol: Protocol) -> None:
        with pytest.raises(AssertionError, match="bytearray"):
            transport.write(bytearray(b"x"))  # type: ignore[arg-type]

    run(scenario)
