"""An embedder's own head and sink satisfy the contracts without inheriting. Checked by test_types.py, never run."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import IO, Any

from pounce_asgi import (
    ASGI3Application,
    BodyFraming,
    ExchangeContext,
    ExchangeSettings,
    HttpExchange,
    Peer,
    RequestHead,
    ResponseSink,
)


@dataclass(frozen=True)
class Head:
    method: str
    raw_path: bytes
    query_string: bytes
    http_version: str
    headers: tuple[tuple[bytes, bytes], ...]
    content_length: int | None
    has_body: bool
    expect_continue: bool
    accepts_trailers: bool


class LineSink:
    congested = False
    stream_id = 0

    def send_informational(self, status: int, headers: bytes) -> None: ...

    def send_head(
        self, status: int, headers: bytes, framing: BodyFraming, body: bytes, end: bool, close: bool
    ) -> None: ...

    def send_body(self, data: bytes, end: bool) -> None: ...

    def send_file(
        self, file: IO[bytes] | int, offset: int | None, count: int | None, *, end: bool
    ) -> asyncio.Future[int]:
        raise NotImplementedError

    def send_trailers(self, headers: bytes) -> None: ...

    def resume_body(self) -> None: ...

    def reset(self) -> None: ...


def line(name: bytes, value: bytes) -> bytes:
    return name + b": " + value


def embed(app: ASGI3Application, head: Head, state: dict[str, Any]) -> HttpExchange[bytes]:
    context = ExchangeContext(
        app, loop=asyncio.get_running_loop(), encode=line, no_fields=b"", settings=ExchangeSettings(), state=state
    )
    same: RequestHead = head
    sink: ResponseSink[bytes] = LineSink()
    return HttpExchange(context, sink, same, Peer(None, None, "http", 1))
