"""What is counted of each change: messages read and answered, without a network."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from bench_echo import client_frame, connect, echo, ours_alone

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["CASES"]


async def frames_alone(size: int, count: int) -> None:
    """Frames read and answered, without an application."""
    receive, frame = await ours_alone(), client_frame(size)
    for _ in range(count):
        receive(frame)


async def application(count: int) -> None:
    """A message of 64 letters, through an application that waits for it and sends it back."""
    connection, frame = connect(echo), client_frame(64)
    connection.start()
    for _ in range(2):
        await asyncio.sleep(0)
    for _ in range(count):
        connection.data_received(frame)
        await asyncio.sleep(0)
    assert not connection.exchange.messages
    connection.connection_lost(None)
    await asyncio.sleep(0)


CASES: Final[dict[str, Callable[[int], None]]] = {
    "64 bytes, frames alone": lambda count: asyncio.run(frames_alone(64, count)),
    "16 KB, frames alone": lambda count: asyncio.run(frames_alone(16_000, count)),
    "64 bytes, application": lambda count: asyncio.run(application(count)),
}
