"""Time one HTTP exchange on a sink that does nothing: what the request engine itself costs.

    python benchmarks/bench_exchange.py

Prints microseconds per exchange: the best of several rounds, in which the machine disturbed least.
"""

from __future__ import annotations

import asyncio
import sys
import sysconfig
import time
from dataclasses import dataclass
from typing import Any

from pounce_asgi import ExchangeContext, ExchangeSettings, HttpExchange, Peer

ROUNDS = 7
EXCHANGES = 20_000


@dataclass(frozen=True, slots=True)
class Head:
    method: str = "GET"
    raw_path: bytes = b"/"
    query_string: bytes = b""
    http_version: str = "1.1"
    headers: tuple[tuple[bytes, bytes], ...] = ((b"host", b"localhost:8000"), (b"accept", b"*/*"))
    content_length: int | None = None
    has_body: bool = False
    expect_continue: bool = False
    accepts_trailers: bool = False


class Sink:
    congested = False
    stream_id = 0

    def send_head(self, *_: Any, **__: Any) -> None:
        pass


async def hello(_scope: Any, _receive: Any, send: Any) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain"), (b"content-length", b"13")],
        }
    )
    await send({"type": "http.response.body", "body": b"Hello, world!"})


async def measure() -> float:
    context = ExchangeContext(
        hello,
        loop=asyncio.get_running_loop(),
        encode=lambda name, value: b"%b: %b\r\n" % (name, value),
        no_fields=b"",
        settings=ExchangeSettings(),
    )
    sink, head, peer = Sink(), Head(), Peer(("127.0.0.1", 1), ("127.0.0.1", 8000), "http", 1)
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(EXCHANGES):
            HttpExchange(context, sink, head, peer).start()
        if sys.version_info < (3, 12):
            await asyncio.gather(*context.running)  # not eager there: let the tasks run
        best = min(best, (time.perf_counter() - begin) / EXCHANGES)
    return best


if __name__ == "__main__":
    threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    print(f"{sys.version.split()[0]}{'t' if threaded else ''}: {asyncio.run(measure()) * 1e6:.2f} us per exchange")
