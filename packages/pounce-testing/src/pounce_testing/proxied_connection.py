"""One connection through a `TestProxy`: two pumps, and the faults between them."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_testing.faults import Direction, Fault

__all__ = ["ConnectionRecord", "ProxiedConnection", "reset"]

READ_SIZE: Final = 65536
RESET_ON_CLOSE: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class ConnectionRecord:
    """What is known of one connection. Written by the proxy's thread, read by any."""

    __slots__ = ("ended", "fault", "server", "to_client", "to_server")

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        self.server: int | None = None
        """Which of the servers it went to, counted from 0; None where none was asked, or none answered."""
        self.to_server = 0
        """Bytes that were handed on to it."""
        self.to_client = 0
        self.ended = False


class ProxiedConnection:
    """Owned by the proxy's loop."""

    def __init__(
        self,
        record: ConnectionRecord,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        *,
        gate: asyncio.Event,
        on_bytes: Callable[[], None],
    ) -> None:
        """``gate`` is what bytes wait at; ``on_bytes`` is called when some were handed on."""
        self._record = record
        self._client = client
        self._server = server
        self._gate = gate
        self._on_bytes = on_bytes

    async def run(self) -> None:
        """Hand on until both have ended, or a fault ends it."""
        pumps = [
            asyncio.ensure_future(self._pump(self._client[0], self._server[1], "to_server")),
            asyncio.ensure_future(self._pump(self._server[0], self._client[1], "to_client")),
        ]
        try:
            done, _ = await asyncio.wait(pumps, return_when=asyncio.FIRST_EXCEPTION)
            if any(one.exception() is not None for one in done):
                self.reset()
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            for writer in (self._client[1], self._server[1]):
                writer.close()

    def reset(self) -> None:
        """Both sides."""
        reset(self._client[1])
        reset(self._server[1])

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, direction: Direction) -> None:
        """One direction. Its end is handed on; a reset, or the end that a fault asks for, is an error.

        Raises:
            ConnectionError: both sides are to be reset.
        """
        fault = self._record.fault
        concerned = fault.concerns(direction)
        end = fault.end if concerned else None
        handed_on = 0
        while True:
            if end is not None and handed_on >= end:
                self._end()
                return
            most = READ_SIZE if not concerned or fault.split is None else fault.split
            if end is not None:
                most = min(most, end - handed_on)
            data = await reader.read(most)
            await self._gate.wait()
            if concerned:
                await asyncio.sleep(fault.delay + (len(data) / fault.throttle if fault.throttle else 0.0))
            if not data:
                with contextlib.suppress(OSError):  # it was first
                    writer.write_eof()
                return
            writer.write(data)
            await writer.drain()
            handed_on += len(data)
            setattr(self._record, direction, handed_on)
            self._on_bytes()

    def _end(self) -> None:
        """As the fault says. A close tells both sides that there is nothing more, even in the middle of a message."""
        if self._record.fault.resets:
            raise ConnectionResetError
        for writer in (self._client[1], self._server[1]):
            with contextlib.suppress(OSError):
                writer.write_eof()
            writer.close()


def reset(writer: asyncio.StreamWriter) -> None:
    """Close so that the other side sees a reset."""
    sock = writer.get_extra_info("socket")
    if sock is not None:
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()
