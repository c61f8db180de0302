"""A clock that moves when it is told to, and exchanges on a sink that can be slow, for the tests of profiles."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

from pounce_asgi import ExchangeContext, ExchangeSettings, HttpExchange, Peer
from pounce_observability.profiling import RequestProfile, RequestProfiler

PEER = Peer(("192.0.2.7", 51234), ("192.0.2.1", 8000), "http", 5)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Head:
    """A request head as a wire gives it."""

    method: str = "GET"
    raw_path: bytes = b"/items"
    query_string: bytes = b""
    http_version: str = "1.1"
    headers: tuple[tuple[bytes, bytes], ...] = ((b"host", b"example"),)
    content_length: int | None = None
    has_body: bool = False
    expect_continue: bool = False
    accepts_trailers: bool = False


class Clock:
    """Stands still between two moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += seconds


class Sink:
    """Takes whatever is sent. Each piece takes ``cost`` seconds; while ``unsent`` the client has not taken it."""

    stream_id = 0

    def __init__(self, clock: Clock, cost: float = 0.0) -> None:
        self.clock = clock
        self.cost = cost
        self.congested = False
        self.unsent = False
        self.status = 0
        self.body = b""

    def send_informational(self, *_arguments: Any) -> None:
        self.clock.move(self.cost)

    def send_head(self, status: int, headers: Any, framing: Any, body: bytes, end: bool, close: bool) -> None:
        self.clock.move(self.cost)
        self.status = status
        self.body += body

    def send_body(self, data: bytes, end: bool) -> None:
        self.clock.move(self.cost)
        self.body += data

    def resume_body(self) -> None:
        pass

    def reset(self) -> None:
        pass


class Served:
    """Requests to one application on one loop, of which some are measured."""

    def __init__(self, app: Any, *, interval: int = 1, cost: float = 0.0) -> None:
        self.clock = Clock()
        self.cost = cost
        self.profiles: list[RequestProfile] = []
        self.told = asyncio.Event()
        """There is a profile."""
        self.profiler = RequestProfiler(interval, worker_id=3, clock=self.clock, report=self._report)
        self.context: ExchangeContext[Any] = ExchangeContext(
            self.profiler.wrap(app),
            loop=asyncio.get_running_loop(),
            encode=lambda name, value: ((name, value),),
            no_fields=(),
            settings=ExchangeSettings(date_header=False, server_header=False),
        )

    def _report(self, profile: RequestProfile) -> None:
        self.profiles.append(profile)
        self.told.set()

    def exchange(self, **head: Any) -> HttpExchange[Any]:
        """A request that has arrived; nobody has been called yet."""
        return HttpExchange(self.context, Sink(self.clock, self.cost), Head(**head), PEER)  # type: ignore[arg-type]

    async def request(self, **head: Any) -> HttpExchange[Any]:
        """A request that is answered as far as it goes by itself."""
        exchange = self.exchange(**head)
        exchange.start()
        await turns()
        return exchange


async def turns(count: int = 10) -> None:
    """Let the loop turn."""
    for _ in range(count):
        await asyncio.sleep(0)


async def answer(send: Any, body: bytes = b"ok", status: int = 200) -> None:
    """A whole response."""
    await send({"type": "http.response.start", "status": status, "headers": []})
    await send({"type": "http.response.body", "body": body})
