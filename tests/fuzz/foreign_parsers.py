"""Other parsers of HTTP/1.1 with one surface: bytes in, requests and an error out.

h11, httptools (llhttp), and aiohttp's two: the one in Python and the one over llhttp. Each is used as the servers do
that are built on it, with limits that are not met here.
"""

from __future__ import annotations

import asyncio
import atexit
import functools
import importlib.util
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import h11

from pounce_http1 import RequestReader
from pounce_http1.testing import observe

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PARSERS", "Reading", "Seen", "read_ours"]


@dataclass(slots=True)
class Seen:
    """One request, as a parser tells it."""

    method: bytes
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    complete: bool = False
    last: bool = False
    """Nothing behind it on this connection is a request: it is to be closed, or another protocol follows."""
    gave_way: bool = False
    """The parser has stopped behind its head, for another protocol."""


@dataclass(slots=True)
class Reading:
    """What a parser made of some bytes."""

    requests: list[Seen] = field(default_factory=list)
    error: str | None = None
    waiting: bool = False
    """The bytes end within a request. Known of ours alone."""


def read_ours(data: bytes) -> Reading:
    """By the fast engine."""
    outcome = observe(RequestReader(), [data])
    reading = Reading(error=None if outcome.error is None else str(outcome.error), waiting=outcome.waiting)
    for request, head in zip(outcome.requests, outcome.heads, strict=True):
        reading.requests.append(
            Seen(
                request.method.encode(),
                request.target,
                list(head.headers),
                request.body or b"",
                request.complete,
                not head.keep_alive or head.upgrade is not None,
            )
        )
    return reading


def _read_h11(data: bytes) -> Reading:
    reading = Reading()
    connection = h11.Connection(h11.SERVER, max_incomplete_event_size=1 << 20)
    try:
        connection.receive_data(data)
        while True:
            event = connection.next_event()
            if isinstance(event, h11.Request):
                headers = [(bytes(name), bytes(value)) for name, value in event.headers]
                reading.requests.append(Seen(bytes(event.method), bytes(event.target), headers))
            elif isinstance(event, h11.Data):
                reading.requests[-1].body += bytes(event.data)
            elif isinstance(event, h11.EndOfMessage):
                reading.requests[-1].complete = True
                connection.send(h11.Response(status_code=404, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                    reading.requests[-1].last = True
                    return reading
                connection.start_next_cycle()
            else:
                return reading
    except h11.RemoteProtocolError as error:
        reading.error = str(error)
    return reading


class _HttptoolsEvents:
    """The callbacks of httptools."""

    def __init__(self) -> None:
        self.reading = Reading()
        self.parser: Any = None
        self._target = b""
        self._headers: list[tuple[bytes, bytes]] = []

    def on_message_begin(self) -> None:
        self._target, self._headers = b"", []

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.reading.requests.append(Seen(self.parser.get_method(), self._target, list(self._headers)))

    def on_body(self, body: bytes) -> None:
        self.reading.requests[-1].body += body

    def on_message_complete(self) -> None:
        seen = self.reading.requests[-1]
        seen.complete = True
        seen.last = not self.parser.should_keep_alive()


def _read_httptools(data: bytes) -> Reading:
    import httptools  # type: ignore[import-not-found, import-untyped, unused-ignore]

    events = _HttptoolsEvents()
    events.parser = httptools.HttpRequestParser(events)
    try:
        events.parser.feed_data(data)
    except httptools.HttpParserUpgrade:
        seen = events.reading.requests[-1]
        seen.last = seen.complete = seen.gave_way = True
    except httptools.HttpParserError as error:
        events.reading.error = f"{type(error).__name__}: {error}"
    return events.reading


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


class _Protocol:
    """As much as aiohttp's parsers want of one."""

    _reading_paused = False
    _upgrade = _upgraded = False

    def __getattr__(self, name: str) -> Any:
        return lambda *_, **__: None


def _read_aiohttp(data: bytes, *, parser: str) -> Reading:
    reading = _feed_aiohttp([data], parser)
    if reading.error is not None:
        # An error takes the requests before it along, so they are asked for one by one.
        reading = _feed_aiohttp([data[at : at + 1] for at in range(len(data))], parser)
    return reading


def _feed_aiohttp(pieces: list[bytes], parser: str) -> Reading:
    from aiohttp import http_parser

    reading = Reading()
    make: Any = getattr(http_parser, parser)
    machine = make(
        _Protocol(), _loop(), 2**16, max_line_size=2**16, max_field_size=2**16, max_headers=1000, auto_decompress=False
    )
    told: list[tuple[Any, Any]] = []
    upgraded = False
    for piece in pieces:
        try:
            messages, upgraded, _ = machine.feed_data(piece)
        except Exception as error:  # noqa: BLE001 - what comes out of it is its own
            reading.error = f"{type(error).__name__}: {getattr(error, 'message', error)}"
            break
        told += messages
        if upgraded:
            break
    for message, payload in told:
        headers = [(bytes(name).lower(), bytes(value)) for name, value in message.raw_headers]
        target = (message.path or "").encode("utf-8", "surrogateescape")
        seen = Seen((message.method or "").encode(), target, headers)
        seen.last = message.should_close or message.upgrade or upgraded
        seen.gave_way = upgraded
        seen.body = b"".join(map(bytes, getattr(payload, "_buffer", ())))
        seen.complete = payload.is_eof() if hasattr(payload, "is_eof") else True
        failure = payload.exception() if hasattr(payload, "exception") else None
        if failure is not None:
            reading.error = reading.error or f"{type(failure).__name__}: {failure}"
        reading.requests.append(seen)
    return reading


def _parsers() -> dict[str, Callable[[bytes], Reading]]:
    found: dict[str, Callable[[bytes], Reading]] = {"h11": _read_h11}
    if importlib.util.find_spec("httptools"):
        found["httptools"] = _read_httptools
    if importlib.util.find_spec("aiohttp"):
        from aiohttp import http_parser

        found["aiohttp (Python)"] = functools.partial(_read_aiohttp, parser="HttpRequestParserPy")
        if getattr(http_parser, "HttpRequestParserC", None) is not None:
            found["aiohttp (C)"] = functools.partial(_read_aiohttp, parser="HttpRequestParserC")
    return found


PARSERS = _parsers()
"""Those that are installed, by name."""
