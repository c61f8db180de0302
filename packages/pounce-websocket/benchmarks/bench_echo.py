"""Time one echoed message on a carrier that does nothing: what frames, exchange and application cost.

    python benchmarks/bench_echo.py

Prints microseconds per message, the best of several rounds, in which the machine disturbed least: an application in a
loop that waits for each message (one message a read, and thirty), and, without any application, the reading and
answering alone by our frames, by wsproto and, where it is installed, by the machine of `websockets`.
"""

from __future__ import annotations

import asyncio
import contextvars
import sys
import sysconfig
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, TextMessage

from pounce_asgi import ExchangeContext, ExchangeSettings, Peer, WebSocketSettings
from pounce_websocket import WebSocketWire
from pounce_websocket.reader import FrameReader

if TYPE_CHECKING:
    from collections.abc import Callable

    from pounce_websocket.connection import WebSocketConnection

ROUNDS = 7
MESSAGES = 9_000
SIZES = (16, 64, 125, 1000, 16_000)
MASK = b"\x37\xfa\x21\x3d"


@dataclass(frozen=True, slots=True)
class Head:
    method: str = "GET"
    raw_path: bytes = b"/"
    query_string: bytes = b""
    http_version: str = "1.1"
    headers: tuple[tuple[bytes, bytes], ...] = (
        (b"host", b"localhost:8000"),
        (b"connection", b"upgrade"),
        (b"upgrade", b"websocket"),
        (b"sec-websocket-version", b"13"),
        (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
    )
    content_length: int | None = None
    has_body: bool = False
    expect_continue: bool = False
    accepts_trailers: bool = False


class Carrier:
    congested = False
    stream_id = 0

    def accept(self, fields: Any) -> None:
        pass

    def write(self, data: bytes) -> None:
        pass

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Host:
    soon = 0.0
    draining = False

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.base_context = contextvars.copy_context()

    def watch_deadlines(self, member: Any) -> None:
        pass

    def forget_deadlines(self, member: Any) -> None:
        pass


async def echo(_scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": message["text"]})


def client_frame(size: int) -> bytes:
    """A masked frame of so many letters."""
    length = bytes((128 | size,)) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return b"\x81" + length + MASK + bytes(ord("x") ^ MASK[index % 4] for index in range(size))


def connect(app: Any) -> WebSocketConnection[Any]:
    host: Any = Host()
    context: ExchangeContext[Any] = ExchangeContext(
        app, loop=host.loop, encode=lambda name, value: ((name, value),), no_fields=(), settings=ExchangeSettings()
    )
    wire = WebSocketWire(host, WebSocketSettings(ws_per_message_deflate=False, ws_max_queue=64))
    head: Any = Head()
    carrier: Any = Carrier()
    peer = Peer(("127.0.0.1", 1), ("127.0.0.1", 8000), "http", 1)
    return wire.connect(carrier, head, peer, context, wire.handshake(head))


async def measure_echo(frame: bytes, at_once: int) -> float:
    connection = connect(echo)
    connection.start()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    data = frame * at_once
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(MESSAGES // at_once):
            connection.data_received(data)
            await asyncio.sleep(0)
        best = min(best, (time.perf_counter() - begin) / MESSAGES)
    assert not connection.exchange.messages
    connection.connection_lost(None)
    await asyncio.sleep(0)
    return best


async def turn_cost() -> float:
    """What a turn of the loop costs without any message: it is part of the measurement, not of the server."""
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(MESSAGES):
            await asyncio.sleep(0)
        best = min(best, (time.perf_counter() - begin) / MESSAGES)
    return best


def best_of(machine: Callable[[bytes], object], frame: bytes) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(MESSAGES):
            machine(frame)
        best = min(best, (time.perf_counter() - begin) / MESSAGES)
    return best


async def ours_alone() -> Callable[[bytes], object]:
    connection = connect(echo)

    class Listener:
        def message_received(self, message: dict[str, Any], _size: int) -> bool:
            connection.send_text(message["text"])
            return False

    listener: Any = Listener()
    return FrameReader(listener, 1 << 24, None).receive_data


def wsproto_alone() -> Callable[[bytes], object]:
    machine = Connection(ConnectionType.SERVER)

    def one(data: bytes) -> None:
        machine.receive_data(data)
        for event in machine.events():
            if isinstance(event, TextMessage):
                machine.send(TextMessage(event.data))
            elif isinstance(event, BytesMessage):
                machine.send(BytesMessage(event.data))

    return one


def websockets_alone() -> Callable[[bytes], object] | None:
    try:
        from websockets.frames import Opcode
        from websockets.protocol import SERVER, Protocol
    except ImportError:
        return None
    machine = Protocol(SERVER)

    def one(data: bytes) -> None:
        machine.receive_data(data)
        for event in machine.events_received():
            if getattr(event, "opcode", None) is Opcode.TEXT:
                machine.send_text(event.data)  # type: ignore[union-attr]
        machine.data_to_send()

    return one


async def main() -> None:
    threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    print(f"{sys.version.split()[0]}{'t' if threaded else ''}, microseconds per message")
    print(f"an empty turn of the loop: {await turn_cost() * 1e6:.2f}")
    print(f"{'bytes':>6} {'echo':>7} {'30 a read':>9} | {'alone':>7} {'wsproto':>7} {'websockets':>10}")
    for size in SIZES:
        frame = client_frame(size)
        other = websockets_alone()
        columns = [
            f"{size:6}",
            f"{await measure_echo(frame, 1) * 1e6:7.2f}",
            f"{await measure_echo(frame, 30) * 1e6:9.2f}",
            "|",
            f"{best_of(await ours_alone(), frame) * 1e6:7.2f}",
            f"{best_of(wsproto_alone(), frame) * 1e6:7.2f}",
            "         -" if other is None else f"{best_of(other, frame) * 1e6:10.2f}",
        ]
        print(" ".join(columns))


if __name__ == "__main__":
    asyncio.run(main())
