"""Time one request on an HTTP/1.1 connection whose transport does nothing: parser, exchange and response, no network.

    python benchmarks/bench_connection.py

Prints microseconds per request: the best of several rounds, in which the machine disturbed least. ``repeated`` is a
client that sends the same fields again, ``differing`` one whose fields are new each time, ``posted`` has a small body,
``pipelined`` comes in batches of 16.
"""

from __future__ import annotations

import asyncio
import sys
import sysconfig
import time
from typing import Any

from pounce_asgi import ExchangeContext
from pounce_http1 import encode_header_line
from pounce_workers import ServingSettings
from pounce_workers.serving.http1_wire import Http1Wire

ROUNDS = 7
REQUESTS = 16_000
BATCH = 16

FIELDS = b"Host: localhost:8000\r\nUser-Agent: bench\r\nAccept: */*\r\nAccept-Encoding: gzip, deflate\r\n"
REPEATED = b"GET /items/42?q=x HTTP/1.1\r\n" + FIELDS + b"\r\n"
POSTED = b"POST /items HTTP/1.1\r\n" + FIELDS + b"Content-Length: 13\r\n\r\nHello, world!"


class Transport:
    """Takes every byte at once and forgets it."""

    peer = ("127.0.0.1", 51234)
    local = ("127.0.0.1", 8000)
    scheme = "http"
    tls = None
    congested = closing = False
    deadline = 0.0

    def write(self, data: bytes) -> None:
        self.last = data


class Sweeper:
    soon = 0.0


async def hello(_scope: Any, _receive: Any, send: Any) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"text/plain"), (b"content-length", b"13")],
        }
    )
    await send({"type": "http.response.body", "body": b"Hello, world!"})


async def echo(_scope: Any, receive: Any, send: Any) -> None:
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


def differing(number: int) -> bytes:
    return b"GET / HTTP/1.1\r\n" + FIELDS + b"X-Request: %d\r\n\r\n" % number


async def measure(app: Any, pieces: list[bytes], rounds: int = ROUNDS) -> float:
    """Seconds per piece."""
    loop = asyncio.get_running_loop()
    settings = ServingSettings()
    context = ExchangeContext(app, loop=loop, encode=encode_header_line, no_fields=b"", settings=settings.exchange)
    wire = Http1Wire(context, loop=loop, sweeper=Sweeper(), settings=settings)  # type: ignore[arg-type]
    best = float("inf")
    for _ in range(rounds):
        transport: Any = Transport()
        connection = wire.connect(transport)
        begin = time.perf_counter()
        for data in pieces:
            connection.data_received(data)
            while context.running:  # not eager before Python 3.12: let the tasks run
                await asyncio.gather(*context.running)
        best = min(best, (time.perf_counter() - begin) / len(pieces))
        assert transport.last.endswith(b"Hello, world!")
        wire.connections.discard(connection)
    return best


async def main() -> None:
    cases: dict[str, tuple[Any, list[bytes], int]] = {
        "repeated": (hello, [REPEATED] * REQUESTS, 1),
        "differing": (hello, [differing(number) for number in range(REQUESTS)], 1),
        "posted": (echo, [POSTED] * REQUESTS, 1),
        "pipelined": (hello, [REPEATED * BATCH] * (REQUESTS // BATCH), BATCH),
    }
    for name, (app, pieces, requests) in cases.items():
        print(f"{name:>10}: {await measure(app, pieces) / requests * 1e6:6.2f} us")


if __name__ == "__main__":
    threaded = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    print(f"{sys.version.split()[0]}{'t' if threaded else ''}, microseconds per request")
    asyncio.run(main())
