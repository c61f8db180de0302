"""A connection on a fake transport: a client's words in, an application behind it, responses out. No sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from fake_transport import FakeTransport
from loops import run_virtually, turns
from responses import Response, parse_responses

from pounce_asgi import ExchangeContext, ExchangeSettings
from pounce_http1 import Limits, encode_header_line
from pounce_workers import ServingSettings, WorkerSettings
from pounce_workers.serving.http1_wire import Http1Wire

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from pounce_asgi import Listeners
    from pounce_workers.serving.http1_connection import Http1Connection

Scope = dict[str, Any]
Message = dict[str, Any]

ENGINES = ("fast", "h11")
both_engines = pytest.mark.parametrize("engine", ENGINES)


class Sweeper:
    """The clock of deadlines."""

    def __init__(self) -> None:
        self.soon = 100.0


class Conversation:
    """One connection of a worker. Every time limit is the default unless it is given."""

    def __init__(
        self,
        app: Any,
        engine: str,
        *,
        exchange: dict[str, Any] | None = None,
        limits: dict[str, Any] | None = None,
        listeners: Listeners | None = None,
        wire: Http1Wire | None = None,
        **worker: Any,
    ) -> None:
        settings = ServingSettings(
            http1=Limits(**(limits or {})),
            exchange=ExchangeSettings(**({"date_header": False, "server_header": False} | (exchange or {}))),
            worker=WorkerSettings(http=engine, **worker),  # type: ignore[arg-type]
        )
        loop = asyncio.get_running_loop()
        self.sweeper = Sweeper()
        if wire is None:
            context = ExchangeContext(
                app,
                loop=loop,
                encode=encode_header_line,
                no_fields=b"",
                settings=settings.exchange,
                listeners=listeners,
            )
            wire = Http1Wire(context, loop=loop, sweeper=self.sweeper, settings=settings)  # type: ignore[arg-type]
        self.wire = wire
        self.context = wire.context
        self.transport = FakeTransport()
        self.connection: Http1Connection = wire.connect(self.transport)
        self.transport.protocol = self.connection

    def another(self) -> Conversation:
        """A further connection of the same worker."""
        return Conversation(None, "fast", wire=self.wire)

    async def send(self, *pieces: bytes) -> None:
        """The client sends the pieces, and all that follows from each happens."""
        for piece in pieces:
            self.transport.send(piece)
            await turns()

    async def finish(self) -> None:
        """The client sends no more."""
        self.transport.finish()
        await turns()

    async def take(self, room: float = float("inf")) -> None:
        """The client reads."""
        self.transport.take(room)
        await turns()

    async def pass_time(self, seconds: float) -> None:
        """Time goes by, in steps of a second as the sweeper's."""
        end = self.sweeper.soon + seconds
        while self.sweeper.soon < end:
            self.sweeper.soon = min(self.sweeper.soon + 1, end)
            if self.transport.deadline <= self.sweeper.soon:
                self.transport.deadline = float("inf")
                self.connection.deadline_expired()
            await turns(2)

    def responses(self, *methods: str) -> list[Response]:
        """What the client got so far."""
        return parse_responses(self.transport.written, methods)

    def statuses(self, *methods: str) -> list[int]:
        return [response.status for response in self.responses(*methods)]

    @property
    def ended(self) -> str:
        """How the connection ended: ``open``, ``closed``, ``lingering`` or ``aborted``."""
        transport = self.transport
        if transport.aborted:
            return "aborted"
        if transport.closing:
            return "lingering" if transport.lingering else "closed"
        return "open"


def converse(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run a scenario in virtual time; whatever the loop would only have logged is raised, leftovers are cancelled."""
    unforeseen: list[dict[str, Any]] = []

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unforeseen.append(context))
        await scenario()

    run_virtually(main)
    assert not unforeseen, unforeseen


# -- applications ----------------------------------------------------------------------------------------------------


async def answer(send: Any, body: bytes = b"ok", *headers: tuple[bytes, bytes], status: int = 200) -> None:
    """A whole answer."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def echo_path(scope: Scope, receive: Any, send: Any) -> None:
    """Answers with the path."""
    await answer(send, scope["path"].encode())


async def read_body(receive: Any) -> bytes:
    """The whole body; raises ConnectionError where it is cut off."""
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError("cut off")
        body += message["body"]
        if not message["more_body"]:
            return body


async def echo_body(scope: Scope, receive: Any, send: Any) -> None:
    """Answers with the body, once it has all of it."""
    await answer(send, await read_body(receive))


class Waiting:
    """Answers with the path when it is allowed to; keeps what it knows of every request."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.gates: list[asyncio.Event] = []
        self.ended: list[str] = []

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        gate = asyncio.Event()
        self.paths.append(scope["path"])
        self.gates.append(gate)
        try:
            await gate.wait()
            await answer(send, scope["path"].encode())
        except BaseException as error:
            self.ended.append(type(error).__name__)
            raise
        self.ended.append("returned")

    async def release(self, number: int = -1) -> None:
        """Let a request be answered."""
        self.gates[number].set()
        await turns()


def get(path: str = "/", *lines: str, version: str = "1.1") -> bytes:
    """A request without a body."""
    fields = "".join(f"{line}\r\n" for line in ("Host: x", *lines))
    return f"GET {path} HTTP/{version}\r\n{fields}\r\n".encode()


def post(body: bytes, *lines: str, length: int | None = None, version: str = "1.1") -> bytes:
    """A request with a body, or the beginning of one."""
    fields = "".join(f"{line}\r\n" for line in ("Host: x", *lines))
    size = len(body) if length is None else length
    return f"POST / HTTP/{version}\r\n{fields}Content-Length: {size}\r\n\r\n".encode() + body


def post_chunked(*chunks: bytes, end: bool = True, lines: tuple[str, ...] = ()) -> bytes:
    """A request with a chunked body, or the beginning of one."""
    fields = "".join(f"{line}\r\n" for line in ("Host: x", *lines))
    wire = f"POST / HTTP/1.1\r\n{fields}Transfer-Encoding: chunked\r\n\r\n".encode()
    for chunk in chunks:
        wire += b"%x\r\n%b\r\n" % (len(chunk), chunk)
    return wire + (b"0\r\n\r\n" if end else b"")
