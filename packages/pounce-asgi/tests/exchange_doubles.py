"""A wire without bytes for the tests of exchanges: a request head, a sink that checks, and an exchange with both."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import re
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from virtual_time import turns

from pounce_asgi import (
    BodyFraming,
    ExchangeContext,
    ExchangeSettings,
    HttpExchange,
    IncompleteBody,
    Listeners,
    Peer,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

Pair = tuple[bytes, bytes]
Message = dict[str, Any]

PEER = Peer(("192.0.2.7", 51234), ("192.0.2.1", 8000), "http", 5)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Head:
    """A request head as a wire gives it."""

    method: str = "GET"
    raw_path: bytes = b"/"
    query_string: bytes = b""
    http_version: str = "1.1"
    headers: tuple[Pair, ...] = ((b"host", b"example"),)
    content_length: int | None = None
    has_body: bool = False
    expect_continue: bool = False
    accepts_trailers: bool = False


GET = Head()
HEAD = Head(method="HEAD")
POST = Head(method="POST", has_body=True, content_length=10)
CHUNKED = Head(method="POST", has_body=True)
TE_TRAILERS = Head(accepts_trailers=True)


illegal_uses: list[str] = []
"""Of all sinks: an exchange treats the error as one of its application, so conftest looks here after each test."""


class IllegalUseError(AssertionError):
    """The exchange did what the contract of ResponseSink forbids."""


class Sent(NamedTuple):
    """The head that went out."""

    status: int
    headers: list[Pair]
    framing: BodyFraming
    close: bool


class FakeSink:
    """Keeps what an exchange sends, and refuses what no wire could send. Every call is also noted by name."""

    stream_id = 5

    def __init__(self) -> None:
        self.congested = False
        self.calls: list[str] = []
        self.informational: list[tuple[int, list[Pair]]] = []
        self.head: Sent | None = None
        self.body = b""
        self.trailers: list[Pair] | None = None
        self.ended = False
        self.was_reset = False
        self.resumed = 0
        self.file_result: Callable[[bytes], Awaitable[int]] | None = None

    def send_informational(self, status: int, headers: tuple[Pair, ...]) -> None:
        self._note("informational", self.head is None)
        self._check(100 <= status <= 199 and status != 101, f"{status} is not an interim response")
        self.informational.append((status, list(headers)))

    def send_head(
        self, status: int, headers: tuple[Pair, ...], framing: BodyFraming, body: bytes, end: bool, close: bool
    ) -> None:
        self._note("head", self.head is None)
        self._check(200 <= status <= 999, f"{status} is not a final status")
        self.head = Sent(status, list(headers), framing, close)
        lengths = self.values(b"content-length")
        self._check(not self.values(b"transfer-encoding"), "transfer-encoding belongs to the wire")
        if framing is BodyFraming.LENGTH:
            self._check(len(lengths) == 1, f"LENGTH with {lengths}")
        elif framing is BodyFraming.DELIMITED:
            self._check(not lengths, f"DELIMITED with {lengths}")
        else:
            self._check(len(lengths) <= 1, f"NONE with {lengths}")
            self._check(not (status == 204 and lengths), "204 with content-length")
        self._take(body, end=end)

    def send_body(self, data: bytes, end: bool) -> None:
        self._note("body", self.head is not None)
        self._check(bool(data) or end, "an empty piece of body that ends nothing")
        self._take(data, end=end)

    def send_file(self, file: IO[bytes] | int, offset: int | None, count: int | None, *, end: bool) -> Any:
        self._note("file", self.head is not None)
        descriptor = file if isinstance(file, int) else file.fileno()
        data = _read(descriptor, offset, count)
        self._take(data, end=end)
        if self.file_result is not None:
            return asyncio.ensure_future(self.file_result(data))
        future = asyncio.get_running_loop().create_future()
        future.set_result(len(data))
        return future

    def send_trailers(self, headers: tuple[Pair, ...]) -> None:
        self._note("trailers", self.head is not None and self.head.framing is BodyFraming.DELIMITED)
        self.trailers = list(headers)
        self.ended = True

    def resume_body(self) -> None:
        self.resumed += 1

    def reset(self) -> None:
        self._note("reset", True)
        self.was_reset = True

    def values(self, name: bytes) -> list[bytes]:
        """The values of a field in the head that went out."""
        assert self.head is not None
        return [value for field_name, value in self.head.headers if field_name.lower() == name]

    def _note(self, what: str, legal: bool) -> None:
        self._check(legal, f"{what} is not legal here")
        self._check(not self.ended, f"{what} after the end")
        self._check(not self.was_reset, f"{what} after the reset")
        self.calls.append(what)

    def _take(self, data: bytes, *, end: bool) -> None:
        assert self.head is not None
        self._check(type(data) is bytes, f"{type(data)} is not bytes")
        self.body += data
        if self.head.framing is BodyFraming.NONE:
            self._check(not self.body, "body bytes where none may be")
        if self.head.framing is BodyFraming.LENGTH:
            length = int(self.values(b"content-length")[0])
            self._check(len(self.body) <= length, f"{len(self.body)} bytes for content-length {length}")
            self._check(not end or len(self.body) == length, f"end after {len(self.body)} of {length} bytes")
        self.ended = end

    def _check(self, right: bool, what: str) -> None:
        if not right:
            self.calls.append(f"ILLEGAL: {what}")
            illegal_uses.append(f"{what}; calls so far: {self.calls}")
            raise IllegalUseError(f"{what}; calls so far: {self.calls}")


def _read(descriptor: int, offset: int | None, count: int | None) -> bytes:
    start = os.lseek(descriptor, 0, os.SEEK_CUR) if offset is None else offset
    data = os.pread(descriptor, os.fstat(descriptor).st_size if count is None else count, start)
    if offset is None:
        os.lseek(descriptor, start + len(data), os.SEEK_SET)
    return data


def encode_pair(name: object, value: object) -> tuple[Pair, ...]:
    """A field for this wire: checked, and then the pair itself."""
    if not isinstance(name, bytes) or not isinstance(value, bytes):
        raise TypeError("name and value must be bytes")
    if not re.fullmatch(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
        raise ValueError("the name is not a token")
    if re.search(rb"[\r\n\0]", value):
        raise ValueError("CR, LF or NUL in the value")
    return ((name, value),)


def make_exchange(
    app: Any,
    head: Head = GET,
    *,
    sink: FakeSink | None = None,
    listeners: Listeners | None = None,
    state: dict[str, Any] | None = None,
    peer: Peer = PEER,
    **settings: Any,
) -> HttpExchange[tuple[Pair, ...]]:
    """An exchange on a fake sink; call it in a running loop. ``exchange.sink`` is the sink."""
    context: ExchangeContext[tuple[Pair, ...]] = ExchangeContext(
        app,
        loop=asyncio.get_running_loop(),
        encode=encode_pair,
        no_fields=(),
        settings=ExchangeSettings(**settings),
        listeners=listeners,
        state=state,
        worker_id=3,
    )
    return HttpExchange(context, sink or FakeSink(), head, peer)


async def answered(app: Any, head: Head = GET, **options: Any) -> FakeSink:
    """Start the application on a request whose body, if any, is not sent, and let it run as far as it comes."""
    exchange = make_exchange(app, head, **options)
    exchange.start()
    await turns()
    sink = exchange.sink
    assert isinstance(sink, FakeSink)
    return sink


class Sender:
    """An application that sends these messages and keeps what was raised, by the number of the message.

    ``turn`` lets the loop turn between two messages. Without ``catch`` it ends with the first that raises.
    """

    def __init__(self, *messages: Message, turn: bool = False, catch: bool = False) -> None:
        self.messages = messages
        self.turn = turn
        self.catch = catch
        self.raised: dict[int, Exception] = {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        for number, message in enumerate(self.messages):
            try:
                await send(message)
            except Exception as error:
                self.raised[number] = error
                if not self.catch:
                    raise
            if self.turn:
                await turns(3)


def start(status: int = 200, *headers: Any, **more: Any) -> Message:
    return {"type": "http.response.start", "status": status, "headers": headers, **more}


def body(data: Any = b"", more: bool = False) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}


def trailers(*headers: Any, more: bool = False) -> Message:
    return {"type": "http.response.trailers", "headers": headers, "more_trailers": more}


def hint(*links: Any) -> Message:
    return {"type": "http.response.early_hint", "links": links}


def path(value: Any) -> Message:
    return {"type": "http.response.pathsend", "path": value}


def zero_copy(file: Any, more: bool = False, **more_keys: Any) -> Message:
    return {"type": "http.response.zerocopysend", "file": file, "more_body": more, **more_keys}


DISCONNECT: Message = {"type": "http.disconnect"}


def request(data: bytes = b"", more: bool = False) -> Message:
    return {"type": "http.request", "body": data, "more_body": more}


class Reader:
    """An application that receives so many messages, keeps them, and then answers if it can."""

    def __init__(self, count: int, *, answer: bool = True) -> None:
        self.count = count
        self.answer = answer
        self.received: list[Message] = []
        self.refused = False

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        for _ in range(self.count):
            self.received.append(await receive())
        if self.answer:
            try:
                await send(start())
                await send(body(b"ok"))
            except OSError:
                self.refused = True


def sink_of(exchange: HttpExchange[Any]) -> FakeSink:
    assert isinstance(exchange.sink, FakeSink)
    return exchange.sink


def follow(exchange: HttpExchange[Any], steps: str) -> list[bool]:
    """Do to an exchange what the letters say; the results of ``feed``.

    Small letters: a chunk; F: end of body; E: the client half-closes; G: it is gone; X: the wire gives the body up.
    """
    results = []
    for step in steps:
        match step:
            case "F":
                exchange.finish_body()
            case "E":
                exchange.half_closed()
            case "G":
                exchange.client_gone()
            case "X":
                exchange.fail_request(IncompleteBody("cut off"))
            case letter:
                results.append(exchange.feed(letter.encode()))
    return results
