"""What traces and Sentry cost a request: CPU of one ASGI call without a network, best of several rounds.

Run from the package's folder: ``python benchmarks/bench_tracing.py [--sentry]``. Spans go to a processor that drops
them, as exporting is the business of another thread; ``--sentry`` adds Sentry, with a transport that drops too.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from typing import Any, Final

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON

from pounce_observability.tracing import TracingMiddleware

ROUNDS: Final = 9
CALLS: Final = 500
START: Final = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"13")]}
BODY: Final = {"type": "http.response.body", "body": b"Hello, World!"}
TRACEPARENT: Final = (b"traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
HEADERS: Final = [
    (b"host", b"127.0.0.1:8000"),
    (b"user-agent", b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36"),
    (b"accept", b"text/html,application/xhtml+xml"),
    (b"accept-encoding", b"gzip, br, zstd"),
    (b"accept-language", b"en"),
    (b"cookie", b"session=abcdef"),
]


async def hello(_scope: Any, _receive: Any, send: Any) -> None:
    await send(START)
    await send(BODY)


async def nothing(*_: Any) -> Any: ...


def scope_of(headers: list[tuple[bytes, bytes]], path: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"page=2",
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8000),
        "state": {},
        "extensions": {},
    }


async def measured(app: Any, headers: list[tuple[bytes, bytes]], path: str = "/hello") -> float:
    """Microseconds of this thread's CPU for one call."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.thread_time()
        for _ in range(CALLS):
            await app(scope_of(headers, path), nothing, nothing)
        best = min(best, time.thread_time() - began)
    return best / CALLS * 1e6


def traced(sampler: Any, *, metrics: bool) -> Any:
    provider = TracerProvider(sampler, shutdown_on_exit=False)
    provider.add_span_processor(SpanProcessor())
    meters = MeterProvider([InMemoryMetricReader()], shutdown_on_exit=False)
    return TracingMiddleware(
        hello, exclude=["/health"], metrics=metrics, tracer_provider=provider, meter_provider=meters
    )


def sentry(rate: float | None) -> Any:
    import sentry_sdk
    from sentry_sdk.transport import Transport

    from pounce_observability.sentry import SentryMiddleware

    class Dropping(Transport):
        def capture_envelope(self, envelope: Any) -> None: ...

    sentry_sdk.init(dsn="https://key@localhost/1", traces_sample_rate=rate, transport=Dropping)
    return SentryMiddleware(hello)


async def main(*, with_sentry: bool) -> None:
    parent = [*HEADERS, TRACEPARENT]
    on, off = traced(ALWAYS_ON, metrics=False), traced(ALWAYS_OFF, metrics=False)
    both, counted = traced(ALWAYS_ON, metrics=True), traced(ALWAYS_OFF, metrics=True)
    nothing_on = await measured(hello, HEADERS)
    lines = [("nothing", nothing_on), ("an excluded path", await measured(both, HEADERS, "/health"))]
    lines += [("traces, not sampled", await measured(off, HEADERS)), ("traces, sampled", await measured(on, HEADERS))]
    lines += [("traces, sampled, with a parent", await measured(on, parent))]
    lines += [("traces and metrics, not sampled", await measured(counted, HEADERS))]
    lines += [("traces and metrics, sampled", await measured(both, HEADERS))]
    if with_sentry:
        lines += [("Sentry, no transactions", await measured(sentry(None), HEADERS))]
        lines += [("Sentry, transactions not sampled", await measured(sentry(0.0), HEADERS))]
        lines += [("Sentry, transactions sampled", await measured(sentry(1.0), HEADERS))]
    print(f"Python {sys.version.split()[0]}, GIL {getattr(sys, '_is_gil_enabled', lambda: True)()}")
    for name, microseconds in lines:
        print(f"| {name} | {microseconds:.2f} | +{microseconds - nothing_on:.2f} |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sentry", action="store_true", help="measure Sentry too")
    asyncio.run(main(with_sentry=parser.parse_args().sentry))
