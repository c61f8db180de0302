"""Beside the instrumentations of OpenTelemetry itself: a request has one span of a server, whoever stands outside."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from pounce_observability.tracing import TracingMiddleware, middleware


async def call(app: Any) -> list[int]:
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/items/7",
        "raw_path": b"/items/7",
        "root_path": "",
        "query_string": b"",
        "headers": [(b"host", b"h")],
        "client": ("192.0.2.1", 5000),
        "server": ("127.0.0.1", 8000),
        "state": {},
        "extensions": {},
    }
    statuses: list[int] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b""}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses


@pytest.fixture
def provider() -> tuple[TracerProvider, InMemorySpanExporter]:
    made, exporter = TracerProvider(shutdown_on_exit=False), InMemorySpanExporter()
    made.add_span_processor(SimpleSpanProcessor(exporter))
    return made, exporter


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(middleware, "_said", set())


def fastapi_app() -> Any:
    app = FastAPI(openapi_url=None)

    @app.get("/items/{item}")
    async def item(item: str) -> str:
        return item

    return app


def test_a_framework_that_is_instrumented_makes_spans_below_ours(
    provider: tuple[TracerProvider, InMemorySpanExporter], caplog: pytest.LogCaptureFixture
) -> None:
    instrumentation = pytest.importorskip("opentelemetry.instrumentation.fastapi")
    made, exporter = provider
    app = fastapi_app()
    instrumentation.FastAPIInstrumentor.instrument_app(app, tracer_provider=made)
    with caplog.at_level(logging.INFO, "pounce.tracing"):
        traced = TracingMiddleware(app, tracer_provider=made)
        TracingMiddleware(app, tracer_provider=made)
    assert asyncio.run(call(traced)) == [200]
    spans = exporter.get_finished_spans()
    (ours,) = [span for span in spans if span.kind is SpanKind.SERVER]
    assert ours.name == "GET /items/{item}"
    assert ours.parent is None
    others = [span for span in spans if span is not ours]
    assert others
    assert {span.context.trace_id for span in others if span.context} == {ours.context.trace_id if ours.context else 0}
    assert ours.context in [span.parent for span in others]
    (said,) = [record.getMessage() for record in caplog.records]
    assert said.startswith("opentelemetry.instrumentation.asgi is in use as well")
    assert "switch otel_metrics off" in said


@pytest.mark.parametrize("sampled", [True, False])
def test_a_server_span_from_outside_stays_the_only_one(
    provider: tuple[TracerProvider, InMemorySpanExporter], caplog: pytest.LogCaptureFixture, sampled: bool
) -> None:
    made, exporter = provider
    traced = TracingMiddleware(fastapi_app(), tracer_provider=made, worker_id=4)

    async def outside(scope: Any, receive: Any, send: Any) -> None:
        tracer = made.get_tracer("other")
        parent = trace.NonRecordingSpan(
            trace.SpanContext(1, 2, is_remote=True, trace_flags=trace.TraceFlags(1 if sampled else 0))
        )
        context = trace.set_span_in_context(parent)
        with tracer.start_as_current_span("other", context, SpanKind.SERVER):
            await traced(scope, receive, send)

    for _ in range(2):
        assert asyncio.run(call(outside)) == [200]
    spans = exporter.get_finished_spans()
    assert [span.name for span in spans] == (["other"] * 2 if sampled else [])
    assert all((span.attributes or {})["pounce.worker.id"] == 4 for span in spans)
    assert all(span.status.status_code is StatusCode.UNSET for span in spans)
    assert len([record for record in caplog.records if "no second one" in record.getMessage()]) == 1
