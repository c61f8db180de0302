"""Requests in, spans and metrics out, as an exporter gets them."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from opentelemetry import baggage, trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from pounce_observability.tracing import QueueEntryMiddleware, QueueExitMiddleware, TracingMiddleware

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
OK = {"type": "http.response.start", "status": 200, "headers": []}
BODY = {"type": "http.response.body", "body": b"hello"}


class Bench:
    """A middleware, and what it has made."""

    def __init__(self, app: Any, *, wrap: Any = None, **options: Any) -> None:
        self.spans = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.spans))
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])
        self.app: Any = TracingMiddleware(app, tracer_provider=self.provider, meter_provider=self.meters, **options)
        if wrap is not None:
            self.app = wrap(self.app)

    async def call(self, scope: Any, *messages: Any, send: Any = None) -> list[Any]:
        sent: list[Any] = []
        coming = list(messages) or [{"type": "http.request", "body": b""}]

        async def receive() -> Any:
            return coming.pop(0)

        async def keep(message: Any) -> None:
            sent.append(message)

        await self.app(scope, receive, send or keep)
        return sent

    def run(self, scope: Any, *messages: Any, send: Any = None) -> list[Any]:
        return asyncio.run(self.call(scope, *messages, send=send))

    def server_spans(self) -> list[ReadableSpan]:
        return [span for span in self.spans.get_finished_spans() if span.kind is SpanKind.SERVER]

    def span(self) -> ReadableSpan:
        (span,) = self.server_spans()
        return span

    def attributes(self) -> dict[str, Any]:
        return dict(self.span().attributes or {})

    def points(self, name: str) -> list[Any]:
        data: Any = self.reader.get_metrics_data()
        if data is None:
            return []
        return [
            point
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == name
            for point in metric.data.data_points
        ]


def http(**changes: Any) -> dict[str, Any]:
    return {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/x",
        "raw_path": b"/x",
        "query_string": b"",
        "headers": [(b"host", b"h")],
        "client": ("192.0.2.1", 5000),
        "server": ("127.0.0.1", 8000),
        **changes,
    }


def websocket(**changes: Any) -> dict[str, Any]:
    scope = http(type="websocket", scheme="ws", **changes)
    del scope["method"]
    return scope


def answering(*messages: Any, error: BaseException | None = None, route: str | None = None) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        if route is not None:
            scope["route"] = route
        for message in messages:
            await send(message)
        if error is not None:
            raise error

    return app


async def reading(scope: Any, receive: Any, send: Any) -> None:
    while True:
        message = await receive()
        if message["type"].endswith("disconnect") or not message.get("more_body", scope["type"] != "http"):
            break
    if message["type"] == "http.disconnect":
        raise RuntimeError("the client is gone")
    if scope["type"] == "http":
        await send(OK)
        await send(BODY)


START_500 = {**OK, "status": 500}


@pytest.mark.parametrize(
    ("app", "name", "attributes", "status"),
    [
        pytest.param(
            answering(OK, BODY), "GET", {"http.response.status_code": 200, "error.type": None}, None, id="200"
        ),
        pytest.param(answering(OK, BODY, route="/{x}"), "GET /{x}", {"http.route": "/{x}"}, None, id="route"),
        pytest.param(
            answering({**OK, "status": 404}, BODY),
            "GET",
            {"http.response.status_code": 404, "error.type": None},
            None,
            id="404",
        ),
        pytest.param(
            answering(START_500, BODY), "GET", {"http.response.status_code": 500, "error.type": "500"}, "", id="500"
        ),
        pytest.param(
            answering(),
            "GET",
            {"http.response.status_code": 500, "error.type": "500", "http.response.body.size": None},
            "",
            id="no answer",
        ),
        pytest.param(
            answering(OK, BODY, {**BODY, "body": b"late"}), "GET", {"http.response.body.size": 5}, None, id="late"
        ),
        pytest.param(
            answering(OK, {**BODY, "more_body": True}, {**BODY, "more_body": True}, BODY),
            "GET",
            {"http.response.body.size": 15},
            None,
            id="streamed",
        ),
        pytest.param(
            answering(OK, {"type": "http.response.pathsend", "path": "/p"}),
            "GET",
            {"http.response.body.size": None},
            None,
            id="file",
        ),
        pytest.param(
            answering(OK, {"type": "http.response.zerocopysend", "file": 1, "count": 7}),
            "GET",
            {"http.response.body.size": 7},
            None,
            id="part of a file",
        ),
        pytest.param(
            answering({**OK, "trailers": True}, BODY, {"type": "http.response.trailers", "headers": []}),
            "GET",
            {"http.response.status_code": 200},
            None,
            id="trailers",
        ),
    ],
)
def test_responses(app: Any, name: str, attributes: dict[str, Any], status: str | None) -> None:
    bench = Bench(app, worker_id=3)
    bench.run(http())
    span = bench.span()
    found = bench.attributes()
    assert span.name == name
    assert {key: found.get(key) for key in attributes} == attributes
    assert found["pounce.worker.id"] == 3
    assert found["http.request.body.size"] == 0
    assert span.status.status_code is (StatusCode.UNSET if status is None else StatusCode.ERROR)
    assert not span.events


@pytest.mark.parametrize(
    ("messages", "code"),
    [((), 500), ((OK,), 200), ((START_500, BODY), 500)],
    ids=["before", "within", "after the answer"],
)
def test_an_exception_is_an_error_with_its_stack(messages: tuple[Any, ...], code: int) -> None:
    bench = Bench(answering(*messages, error=KeyError("k")))
    with pytest.raises(KeyError):
        bench.run(http())
    span = bench.span()
    assert span.status.status_code is StatusCode.ERROR
    assert span.status.description == "KeyError: 'k'"
    (event,) = span.events
    assert event.name == "exception"
    assert "test_tracing_middleware.py" in str((event.attributes or {})["exception.stacktrace"])
    found = bench.attributes()
    assert (found["error.type"], found["http.response.status_code"]) == ("KeyError", code)
    (point,) = bench.points("http.server.request.duration")
    assert (point.attributes["error.type"], point.attributes["http.response.status_code"]) == ("KeyError", code)


def test_an_exception_after_a_complete_response_comes_too_late() -> None:
    bench = Bench(answering(OK, BODY, error=KeyError("k")))
    with pytest.raises(KeyError):
        bench.run(http())
    assert bench.span().status.status_code is StatusCode.UNSET


def test_a_cancelled_request_is_an_error() -> None:
    bench = Bench(answering(error=asyncio.CancelledError()))
    with pytest.raises(asyncio.CancelledError):
        bench.run(http())
    assert bench.attributes()["error.type"] == "asyncio.exceptions.CancelledError"


def test_the_span_ends_with_the_response_not_with_what_is_done_after_it() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(OK)
        await send({**BODY, "more_body": True})
        assert not bench.server_spans()
        await send(BODY)
        assert len(bench.server_spans()) == 1
        assert bench.points("http.server.active_requests")[0].value == 0

    bench = Bench(app)
    bench.run(http())
    assert bench.attributes()["http.response.body.size"] == 10


def test_a_failed_response_ends_when_it_was_complete_though_its_span_waits_for_the_exception() -> None:
    later: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START_500)
        await send(BODY)
        while not later:
            await asyncio.sleep(0.002)
            later.append(1)
        raise KeyError("k")

    bench = Bench(app)
    with pytest.raises(KeyError):
        bench.run(http())
    span = bench.span()
    assert span.end_time is not None
    assert span.events[0].timestamp - span.end_time >= 1_000_000
    (point,) = bench.points("http.server.request.duration")
    assert point.sum < (span.events[0].timestamp - (span.start_time or 0)) / 1e9


class ClientGoneError(OSError):
    pass


async def refuse(message: Any) -> None:
    raise ClientGoneError


@pytest.mark.parametrize(
    ("app", "messages", "send", "raised"),
    [
        pytest.param(answering(OK), (), refuse, ClientGoneError, id="send says so"),
        pytest.param(reading, ({"type": "http.disconnect"},), None, RuntimeError, id="receive says so"),
    ],
)
def test_a_client_that_leaves_is_no_error(app: Any, messages: Any, send: Any, raised: type[Exception]) -> None:
    bench = Bench(app)
    with pytest.raises(raised):
        bench.run(http(), *messages, send=send)
    span = bench.span()
    found = bench.attributes()
    assert span.status.status_code is StatusCode.UNSET
    assert not span.events
    assert found["pounce.client_gone"] is True
    assert "http.response.status_code" not in found
    assert "error.type" not in found


def test_a_disconnect_after_the_response_is_none() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(OK)
        await send(BODY)
        await receive()

    bench = Bench(app)
    bench.run(http(), {"type": "http.disconnect"})
    assert "pounce.client_gone" not in bench.attributes()


@pytest.mark.parametrize(
    ("headers", "size"),
    [
        ([], 7),
        ([(b"content-length", b"40")], 40),
        ([(b"content-length", b"9" * 30)], 7),
        ([(b"content-length", b"x")], 7),
    ],
)
def test_the_size_of_a_request_is_announced_or_counted(headers: list[Any], size: int) -> None:
    bench = Bench(reading)
    chunks = [{"type": "http.request", "body": b"abc", "more_body": True}, {"type": "http.request", "body": b"defg"}]
    bench.run(http(headers=headers), *chunks)
    assert bench.attributes()["http.request.body.size"] == size


@pytest.mark.parametrize(("flags", "spans"), [("01", 1), ("00", 0)])
def test_the_parent_says_whether_a_request_is_traced(flags: str, spans: int) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.extend((trace.get_current_span().get_span_context(), baggage.get_baggage("who")))
        await answering(OK, BODY)(scope, receive, send)

    bench = Bench(app)
    fields = [
        (b"traceparent", f"00-{TRACE}-{PARENT}-{flags}".encode()),
        (b"tracestate", b"a=1"),
        (b"baggage", b"who=me"),
    ]
    bench.run(http(headers=fields))
    assert f"{seen[0].trace_id:032x}" == TRACE
    assert seen[0].trace_state["a"] == "1"
    assert seen[1] == "me"
    assert len(bench.server_spans()) == spans
    if spans:
        parent = bench.span().parent
        assert parent is not None
        assert (f"{parent.span_id:016x}", parent.is_remote) == (PARENT, True)
    # Metrics count what is not traced too.
    assert bench.points("http.server.request.duration")[0].count == 1


def test_what_is_current_when_the_server_is_called_is_no_parent() -> None:
    bench = Bench(answering(OK, BODY))
    with bench.provider.get_tracer("program").start_as_current_span("main"):
        bench.run(http())
    assert bench.span().parent is None


def test_the_applications_own_spans_are_below_and_the_context_ends_with_the_request() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        with bench.provider.get_tracer("app").start_as_current_span("query"):
            await asyncio.sleep(0)
        await answering(OK, BODY)(scope, receive, send)

    async def main() -> None:
        await asyncio.gather(*(bench.call(http(path=f"/{number}")) for number in range(10)))
        assert trace.get_current_span() is trace.INVALID_SPAN

    bench = Bench(app)
    asyncio.run(main())
    spans = bench.spans.get_finished_spans()
    parents = {span.context.span_id: span for span in bench.server_spans() if span.context}
    queries = [span for span in spans if span.name == "query"]
    assert len(parents) == len(queries) == 10
    assert {span.parent.span_id for span in queries if span.parent} == set(parents)


def test_metrics_have_the_names_and_attributes_of_the_conventions() -> None:
    bench = Bench(answering(OK, BODY, route="/{x}"))
    bench.run(http(), {"type": "http.request", "body": b""})
    bench.run(http(method="BREW"))
    common = {"url.scheme": "http"}
    (active, other) = bench.points("http.server.active_requests")
    assert (active.value, dict(active.attributes)) == (0, {**common, "http.request.method": "GET"})
    assert (other.value, dict(other.attributes)) == (0, {**common, "http.request.method": "_OTHER"})
    (point, _) = bench.points("http.server.request.duration")
    assert dict(point.attributes) == {
        **common,
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": "/{x}",
        "network.protocol.name": "http",
        "network.protocol.version": "1.1",
    }
    assert point.explicit_bounds == (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
    assert 0 < point.sum < 5
    assert bench.points("http.server.response.body.size")[0].sum == 5
    assert bench.points("http.server.request.body.size")[0].sum == 0
    assert {span.name for span in bench.server_spans()} == {"GET /{x}", "HTTP /{x}"}


def test_metrics_can_be_left_out() -> None:
    bench = Bench(answering(OK, BODY), metrics=False)
    bench.run(http())
    assert bench.span().name == "GET"
    assert bench.points("http.server.request.duration") == []


@pytest.mark.parametrize(
    ("path", "traced"), [("/health", False), ("/health/", True), ("/static/a/b", False), ("/static", True)]
)
def test_excluded_paths(path: str, traced: bool) -> None:
    bench = Bench(answering(OK, BODY), exclude=("/health", "/static/*"))
    assert bench.run(http(path=path)) == [OK, BODY]
    assert bool(bench.server_spans()) is traced
    assert bool(bench.points("http.server.active_requests")) is traced
    with pytest.raises(ValueError, match="otel_exclude"):
        Bench(answering(), exclude=("health",))


def test_a_lifespan_is_none_of_its_business() -> None:
    bench = Bench(answering({"type": "lifespan.startup.complete"}))
    assert bench.run({"type": "lifespan", "asgi": {}}) == [{"type": "lifespan.startup.complete"}]
    assert not bench.spans.get_finished_spans()


ACCEPT = {"type": "websocket.accept"}
CONNECT = {"type": "websocket.connect"}
DISCONNECT = {"type": "websocket.disconnect", "code": 1001}
TEXT = {"type": "websocket.receive", "text": "a"}
SENT = {"type": "websocket.send", "text": "a"}


@pytest.mark.parametrize(
    ("app", "scope", "came", "expected"),
    [
        pytest.param(
            answering(ACCEPT, SENT, SENT, {"type": "websocket.close", "code": 4000}),
            {},
            (),
            {
                "http.response.status_code": 101,
                "pounce.websocket.close_code": 4000,
                "pounce.websocket.messages_sent": 2,
            },
            id="closed by the application",
        ),
        pytest.param(
            reading,
            {},
            (CONNECT, TEXT, TEXT, DISCONNECT),
            {"pounce.websocket.close_code": 1001, "pounce.websocket.messages_received": 2},
            id="closed by the client",
        ),
        pytest.param(answering({"type": "websocket.close"}), {}, (), {"http.response.status_code": 403}, id="refused"),
        pytest.param(
            answering(
                {"type": "websocket.http.response.start", "status": 401}, {"type": "websocket.http.response.body"}
            ),
            {},
            (),
            {"http.response.status_code": 401, "error.type": None},
            id="denied",
        ),
        pytest.param(
            answering(ACCEPT),
            {"http_version": "2"},
            (),
            {"http.response.status_code": 200, "http.request.method": "CONNECT"},
            id="h2",
        ),
    ],
)
def test_websockets(app: Any, scope: Any, came: Any, expected: dict[str, Any]) -> None:
    bench = Bench(app)
    bench.run(websocket(**scope), *came)
    found = bench.attributes()
    assert {key: found.get(key) for key in expected} == expected
    assert found["url.scheme"] == "ws"
    assert bench.span().status.status_code is StatusCode.UNSET
    assert not bench.points("http.server.active_requests")


@pytest.mark.parametrize(
    ("app", "came", "send", "error_type"),
    [
        pytest.param(answering(error=KeyError("k")), (), None, "KeyError", id="before the handshake"),
        pytest.param(answering(ACCEPT, error=KeyError("k")), (), None, "KeyError", id="after it"),
        pytest.param(answering(ACCEPT), (), refuse, None, id="gone"),
    ],
)
def test_websockets_that_fail(app: Any, came: Any, send: Any, error_type: str | None) -> None:
    bench = Bench(app)
    with pytest.raises((KeyError, ClientGoneError)):
        bench.run(websocket(), *came, send=send)
    assert bench.attributes().get("error.type") == error_type
    assert (bench.span().status.status_code is StatusCode.ERROR) is (error_type is not None)


def queue(inner: Any, seconds: float) -> Any:
    async def waiting(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(seconds)
        await inner(scope, receive, send)

    return QueueEntryMiddleware(waiting)


@pytest.mark.parametrize(("seconds", "waits"), [(0.004, True), (0, False)])
def test_a_wait_is_a_span_below_to_which_the_requests_span_links(seconds: float, waits: bool) -> None:
    bench = Bench(queue(QueueExitMiddleware(answering(OK, BODY)), seconds))
    bench.run(http())
    span = bench.span()
    found = [one for one in bench.spans.get_finished_spans() if one.name == "pounce.queue"]
    assert len(found) == len(span.links) == int(waits)
    if waits:
        (wait,) = found
        assert wait.parent == span.context
        assert wait.kind is SpanKind.INTERNAL
        assert span.links[0].context == wait.context
        lasted = ((wait.end_time or 0) - (wait.start_time or 0)) / 1e9
        assert 0.0039 < lasted < 5
        attributes = dict(span.links[0].attributes or {})
        assert attributes["pounce.queue.duration"] == bench.attributes()["pounce.queue.duration"]
        assert attributes["pounce.queue.duration"] == pytest.approx(lasted, abs=1e-6)


def test_the_parts_around_the_queue_work_alone() -> None:
    app: Any = queue(QueueExitMiddleware(answering(OK, BODY)), 0)

    async def main() -> list[Any]:
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        await app(http(), None, send)
        await app(http(state={}), None, send)
        return sent

    assert asyncio.run(main()) == [OK, BODY, OK, BODY]


def test_loops_in_many_threads_share_one_middleware() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(0)
        expected = scope["path"][1:]
        assert f"{trace.get_current_span().get_span_context().trace_id:032x}" == expected
        await answering(OK, BODY)(scope, receive, send)

    async def main(thread: int) -> None:
        ids = [f"{thread * 1000 + number:032x}" for number in range(1, 31)]
        fields = {one: [(b"traceparent", f"00-{one}-{PARENT}-01".encode())] for one in ids}
        await asyncio.gather(*(bench.call(http(path=f"/{one}", headers=fields[one])) for one in ids))

    bench = Bench(app)
    failed: list[Exception] = []

    def run(thread: int) -> None:
        try:
            asyncio.run(main(thread))
        except Exception as error:  # noqa: BLE001 - told to the test
            failed.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not failed
    assert len({span.context.trace_id for span in bench.server_spans() if span.context}) == 120
    assert bench.points("http.server.request.duration")[0].count == 120
    assert bench.points("http.server.active_requests")[0].value == 0


def test_a_request_whose_loop_is_closed_ends_its_span(caplog: pytest.LogCaptureFixture) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.Event().wait()

    async def main() -> Any:
        request = bench.call(http())
        request.send(None)
        return request

    bench = Bench(app)
    request = asyncio.run(main())
    request.close()
    assert bench.span().end_time is not None
    assert bench.points("http.server.active_requests")[0].value == 0
    assert not caplog.records
