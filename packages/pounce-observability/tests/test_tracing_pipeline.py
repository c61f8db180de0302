"""Programs that are traced by variables alone, each in its own process, against a collector on loopback."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from typing import Any, NamedTuple

import pytest
from otlp_receiver import OtlpReceiver, attributes_of

from pounce_asgi import ConfigError
from pounce_observability.tracing import TracingSettings, start_tracing

PROGRAM = pathlib.Path(__file__).parent / "traced_program.py"
ON = TracingSettings(otel=True)


class Run(NamedTuple):
    report: dict[str, Any]
    log: list[str]


def run(*arguments: str, **variables: str) -> Run:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *arguments],
        env=environ | variables,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return Run(json.loads(done.stdout), done.stderr.splitlines())


class Served(NamedTuple):
    run: Run
    spans: list[tuple[dict[str, Any], Any]]
    metrics: dict[str, Any]


@pytest.fixture(scope="module")
def served() -> Served:
    """What a collector gets of two requests to uvicorn."""
    with OtlpReceiver() as receiver:
        done = run(
            "uvicorn",
            OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint,
            OTEL_SERVICE_NAME="from-variable",
            OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test",
            OTEL_EXPORTER_OTLP_COMPRESSION="gzip",
        )
        spans = sorted(receiver.spans(), key=lambda pair: int(pair[1].start_time_unix_nano))
        return Served(done, spans, receiver.metrics())


def test_a_server_is_traced_by_variables_alone(served: Served) -> None:
    assert served.run.report["configured"] == ["traces", "metrics"]
    assert served.run.report["again"] == []
    assert served.run.report["flushed"] is True
    (resource, answered), (_, failed) = served.spans
    assert resource["service.name"] == "from-settings"
    assert resource["deployment.environment.name"] == "test"
    assert resource["process.pid"] > 1
    assert answered.trace_id.hex() == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert answered.parent_span_id.hex() == "00f067aa0ba902b7"
    assert (answered.name, answered.kind) == ("GET", answered.SPAN_KIND_SERVER)
    found = attributes_of(answered)
    assert found["url.path"] == "/a%20b"
    assert found["url.query"] == "sig=REDACTED"
    assert found["server.address"] == found["client.address"] == "127.0.0.1"
    assert found["http.response.status_code"] == 200
    assert found["user_agent.original"].startswith("python-httpx/")
    assert failed.status.code == failed.status.STATUS_CODE_ERROR
    assert attributes_of(failed.events[0])["exception.type"] == "KeyError"
    durations = served.metrics["http.server.request.duration"].histogram.data_points
    assert sum(point.count for point in durations) == 2
    assert served.metrics["http.server.active_requests"].sum.data_points[0].as_int == 0


def test_each_process_is_an_instance_of_its_own(served: Served) -> None:
    with OtlpReceiver() as receiver:
        variables = {"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf"}
        done = run("asgi", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint, OTEL_METRICS_EXPORTER="none", **variables)
        assert done.report["configured"] == ["traces"]
        ((resource, _),) = receiver.spans()
        assert receiver.metrics() == {}
    assert resource["service.name"].startswith("unknown_service")
    assert len(resource["service.instance.id"]) == 36
    assert resource["service.instance.id"] != served.spans[0][0]["service.instance.id"]


def test_variables_of_opentelemetry_are_heeded() -> None:
    with OtlpReceiver() as receiver:
        done = run("asgi", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint, OTEL_TRACES_SAMPLER="always_off")
        assert done.report["configured"] == ["traces", "metrics"]
        assert receiver.spans() == []
        assert receiver.metrics()


def test_opentelemetry_can_be_switched_off() -> None:
    assert start_tracing(ON, {"OTEL_SDK_DISABLED": "true"}).configured == ()


def test_providers_of_the_program_are_used_and_nothing_is_set_up_beside_them() -> None:
    with OtlpReceiver() as receiver:
        done = run("own", OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint, OTEL_METRICS_EXPORTER="none")
        assert done.report["configured"] == []
        assert done.report["kept"] == 1
        assert receiver.requests() == 0


@pytest.mark.parametrize("trouble", ["nobody listens", "it hangs"])
def test_a_collector_in_trouble_slows_no_request_and_floods_no_log(trouble: str) -> None:
    with OtlpReceiver(delay=30.0) as receiver:
        endpoint = "http://127.0.0.1:9" if trouble == "nobody listens" else receiver.endpoint
        done = run(
            "asgi",
            "800",
            "500",
            OTEL_EXPORTER_OTLP_ENDPOINT=endpoint,
            OTEL_BSP_SCHEDULE_DELAY="100",
            OTEL_BSP_MAX_EXPORT_BATCH_SIZE="100",
            OTEL_BSP_MAX_QUEUE_SIZE="200",
            OTEL_METRIC_EXPORT_INTERVAL="100",
        )
    assert done.report["flushed"] is False
    assert done.report["flushing"] < 5  # and not the 10 seconds of one export
    assert done.report["serving"] < 20  # two exports would take longer
    assert 1 <= len(done.log) <= 12, done.log  # each message once, of hundreds of spans that were dropped


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"OTEL_TRACES_EXPORTER": "nosuch"}, "OTEL_TRACES_EXPORTER: there is no exporter 'nosuch'"),
        ({"OTEL_EXPORTER_OTLP_PROTOCOL": "smoke"}, "OTEL_TRACES_EXPORTER: there is no exporter 'smoke'"),
    ],
)
def test_an_exporter_that_is_not_there_is_said(variables: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        start_tracing(ON, variables)


def test_nothing_of_opentelemetry_is_imported_before_it_is_used(served: Served) -> None:
    assert served.run.report["early"] == []
