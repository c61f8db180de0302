"""A program that is traced by variables alone, for a process of its own: OpenTelemetry's providers are set once.

``python traced_program.py HOW [REQUESTS [TIMEOUT]]``: ``asgi`` calls the application itself, ``uvicorn`` serves it;
``own`` has providers of its own. The timeout is that of the flush, in milliseconds. It prints JSON: what was set up,
whether the flush succeeded, how long requests and flush took.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from typing import Any

import pounce_observability.tracing.settings  # noqa: F401 - first, to see what it brings

EARLY = [name for name in sys.modules if name.startswith("opentelemetry")]

from pounce_observability.tracing import TracingMiddleware, TracingSettings, start_tracing  # noqa: E402


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        return
    if scope["path"] == "/fail":
        raise KeyError("k")
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def call(traced: Any, number: int) -> None:
    scope = {"type": "http", "method": "GET", "path": f"/{number}", "headers": [], "http_version": "1.1"}

    async def nothing(*_: Any) -> Any: ...

    await traced(scope, nothing, nothing)


async def serve(traced: Any) -> None:
    import httpx
    import uvicorn

    server = uvicorn.Server(uvicorn.Config(traced, port=0, lifespan="off", log_config=None))
    task = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it in no other way
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        parent = {"traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
        assert (await client.get("/a%20b?sig=secret", headers=parent)).text == "ok"
        assert (await client.get("/fail")).status_code == 500
    server.should_exit = True
    await task


def own_provider() -> Any:
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    provider, exporter = TracerProvider(), InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


async def burst(traced: Any, requests: int) -> None:
    for number in range(requests):
        await call(traced, number)


def main(how: str, requests: int = 1, timeout: int = 5000) -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    kept = own_provider() if how == "own" else None
    settings = TracingSettings(otel=True, otel_service_name="from-settings" if how == "uvicorn" else None)
    pipeline = start_tracing(settings)
    traced = TracingMiddleware.from_settings(app, settings, worker_id=0)
    started = time.perf_counter()
    asyncio.run(serve(traced) if how == "uvicorn" else burst(traced, requests))
    served = time.perf_counter()
    flushed = pipeline.shutdown(timeout / 1000)
    report = {
        "early": EARLY,
        "configured": pipeline.configured,
        "again": start_tracing(settings).configured,
        "flushed": flushed,
        "serving": served - started,
        "flushing": time.perf_counter() - served,
        "kept": len(kept.get_finished_spans()) if kept else None,
    }
    print(json.dumps(report))


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
