"""What the small middleware cost a request, without a network: microseconds of CPU, the best of several rounds.

    python packages/pounce-middleware/benchmarks/bench_small.py

An ASGI call of an application that answers 13 bytes, alone and behind each middleware; the difference is what the
middleware costs. A proxy's fields are the same for each request of a client, and so remembered; "other clients" are
fields that nobody has seen before.
"""

from __future__ import annotations

import itertools
import platform
import sys
import time
from typing import TYPE_CHECKING, Any

from pounce_middleware import (
    AllowedHostsMiddleware,
    CorsSettings,
    ErrorPageMiddleware,
    HooksMiddleware,
    ProxyHeadersMiddleware,
    RequestIdMiddleware,
    SecurityHeadersMiddleware,
    ServerTimingMiddleware,
    cors_middleware,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CALLS = 20_000
ROUNDS = 9
USUAL = [
    (b"host", b"example.com"),
    (b"user-agent", b"Mozilla/5.0"),
    (b"accept", b"text/html"),
    (b"accept-encoding", b"gzip, br, zstd"),
    (b"cookie", b"session=0123456789abcdef"),
]
PROXIED = [
    *USUAL,
    (b"x-forwarded-for", b"192.0.2.7"),
    (b"x-forwarded-proto", b"https"),
    (b"x-request-id", b"0123456789"),
]


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": b"Hello, world!"})


def cases() -> Iterator[tuple[str, Any, Callable[[int], list[tuple[bytes, bytes]]]]]:
    """A name, what is called, and the fields of each request."""
    yield "nothing", app, lambda _: USUAL
    yield "proxy headers, none came", ProxyHeadersMiddleware(app), lambda _: USUAL
    yield "proxy headers", ProxyHeadersMiddleware(app), lambda _: PROXIED
    counter = itertools.count()
    other = lambda _: [*USUAL, (b"x-forwarded-for", b"10.%d.%d.%d" % _bytes(next(counter)))]  # noqa: E731
    yield "proxy headers, other clients", ProxyHeadersMiddleware(app), other
    forwarded = [*USUAL, (b"forwarded", b'for="[2001:db8::7]:4711";proto=https;host=example.com')]
    yield "proxy headers, Forwarded", ProxyHeadersMiddleware(app, family="forwarded"), lambda _: forwarded
    yield "request id, made", RequestIdMiddleware(app), lambda _: USUAL
    yield "request id, taken", RequestIdMiddleware(app, trusted=("127.0.0.1",)), lambda _: PROXIED
    yield "allowed hosts", AllowedHostsMiddleware(app, allowed_hosts=("*.example.com", "example.com")), lambda _: USUAL
    yield "security headers", SecurityHeadersMiddleware(app), lambda _: USUAL
    cors = cors_middleware(app, CorsSettings(cors_origins=("https://app.example",)))
    yield "CORS, no Origin", cors, lambda _: USUAL
    yield "Server-Timing", ServerTimingMiddleware(app), lambda _: USUAL
    hooks = HooksMiddleware(app, on_request=[_look], on_response=[_look])
    yield "hooks, one of each", hooks, lambda _: USUAL
    yield "error pages, no error", ErrorPageMiddleware(app), lambda _: USUAL


def _look(_head: object) -> None:
    """A hook."""


def _bytes(number: int) -> tuple[int, int, int]:
    return number >> 16 & 255, number >> 8 & 255, number & 255


async def _receive() -> Any:
    return {"type": "http.request"}


async def _send(_message: Any) -> None:
    return


def spend(called: Any, fields: Callable[[int], list[tuple[bytes, bytes]]], calls: int = CALLS) -> float:
    """Microseconds of one call, in a round."""
    scopes = [
        {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": "/",
            "raw_path": b"/",
            "root_path": "",
            "query_string": b"",
            "headers": fields(number),
            "client": ("127.0.0.1", 40000),
            "state": {},
            "extensions": {},
        }
        for number in range(calls)
    ]
    begin = time.process_time()
    for scope in scopes:
        coroutine = called(scope, _receive, _send)
        try:
            coroutine.send(None)
        except StopIteration:
            continue
        raise AssertionError("it waited")
    return (time.process_time() - begin) / calls * 1e6


def main() -> None:
    build = "free-threaded" if not getattr(sys, "_is_gil_enabled", lambda: True)() else "with the GIL"
    print(f"{platform.python_implementation()} {platform.python_version()}, {build}, {platform.machine()}")
    alone = 0.0
    for name, called, fields in cases():
        best = min(spend(called, fields) for _ in range(ROUNDS))
        alone = alone or best
        print(f"{name:32} {best:8.2f} us  {best - alone:+8.2f}")


if __name__ == "__main__":
    main()
