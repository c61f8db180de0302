"""The hot path with nothing around it: a connection's ``data_received()`` over a transport that drops what it is given.

    python -m benchmarks.hot_path CASE COUNT

runs COUNT requests and ends; `instructions` counts what that takes. Whatever is prepared is the same for every COUNT,
so that it cancels out in the difference of two runs.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from typing import IO, TYPE_CHECKING, Final

from benchmarks import apps
from pounce_asgi import ExchangeContext
from pounce_http1 import encode_header_line
from pounce_workers import ServingSettings
from pounce_workers.net.deadlines import DeadlineSweeper
from pounce_workers.serving.http1_connection import Phase
from pounce_workers.serving.http1_wire import Http1Wire

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pounce_asgi import TLSExtension
    from pounce_asgi.types import ASGI3Application

__all__ = ["CASES", "MOST", "answer"]

MOST: Final = 4000
"""The largest COUNT; so many requests are always prepared."""

HEAD: Final = b"GET / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n\r\n"
DIFFERING: Final = (
    b"GET /items/%d?page=2 HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\n"
    b"Accept: text/html,application/xhtml+xml\r\nCookie: session=%032x; theme=dark\r\nX-Request-Id: %016x\r\n\r\n"
)
POST: Final = (
    b"POST / HTTP/1.1\r\nHost: 127.0.0.1:8000\r\nContent-Type: application/octet-stream\r\nContent-Length: 1024\r\n\r\n"
) + b"x" * 1024

CASES: Final[dict[str, tuple[ASGI3Application, Sequence[bytes]]]] = {
    "hello": (apps.hello, [HEAD] * MOST),
    "differing": (apps.hello, [DIFFERING % (number, number, number) for number in range(MOST)]),
    "post-1k": (apps.echo, [POST] * MOST),
    "stream": (apps.stream, [HEAD] * MOST),
}
"""Name -> the application and the requests as they arrive, one piece each."""


class NullTransport:
    """Takes everything at once and keeps nothing."""

    def __init__(self) -> None:
        self.peer: tuple[str, int] | None = ("127.0.0.1", 50000)
        self.local: tuple[str, int | None] | None = ("127.0.0.1", 8000)
        self.scheme = "http"
        self.tls: TLSExtension | None = None
        self.deadline = 0.0
        self.congested = False
        self.closing = False
        self.sent = 0
        """Bytes that were written."""

    def write(self, data: bytes) -> None:
        self.sent += len(data)

    def write_parts(self, parts: Sequence[bytes]) -> None:
        self.sent += sum(map(len, parts))

    def sendfile(self, file: IO[bytes] | int, offset: int | None, count: int | None) -> asyncio.Future[int]:
        raise NotImplementedError

    def pause_reading(self) -> None:
        """There is nothing to pause."""

    def resume_reading(self) -> None:
        """There is nothing to resume."""

    def close(self, *, linger: bool = False) -> None:  # noqa: ARG002 - the contract's name
        raise AssertionError("a connection that is to be kept was closed")

    def abort(self) -> None:
        raise AssertionError("a connection that is to be kept was reset")


async def answer(app: ASGI3Application, requests: Sequence[bytes]) -> int:
    """Have all requests answered on one connection; the result is how many bytes the answers had."""
    loop = asyncio.get_running_loop()
    settings = ServingSettings()
    sweeper = DeadlineSweeper(loop, 1.0)
    context = ExchangeContext(
        app, loop=loop, encode=encode_header_line, no_fields=b"", settings=settings.exchange, clock=sweeper
    )
    wire = Http1Wire(context, loop=loop, sweeper=sweeper, settings=settings)
    transport = NullTransport()
    connection = wire.connect(transport)
    for request in requests:
        connection.data_received(request)
        # Before Python 3.12 tasks do not start eagerly: theirs is the next turn of the loop.
        while connection.phase is not Phase.IDLE:  # noqa: ASYNC110 - an event would be counted too
            await asyncio.sleep(0)
    return transport.sent


def main(case: str, count: str) -> None:
    app, requests = CASES[case]
    gc.collect()
    gc.freeze()  # as a worker does once it has started
    asyncio.run(answer(app, requests[: int(count)]))


if __name__ == "__main__":
    main(*sys.argv[1:])
