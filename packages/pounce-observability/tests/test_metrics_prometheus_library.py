"""Text as Prometheus reads it, and the metrics of the application in the library's default registry."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from metrics_records import alone, completed, opened, settings, tell
from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, Summary
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from pounce_observability.metrics import CATALOGUE, Metrics
from pounce_observability.metrics.prometheus_library import application_families, text_of

if TYPE_CHECKING:
    from pathlib import Path

OPENMETRICS = "application/openmetrics-text; version=1.0.0,text/plain;q=0.5"


def served() -> Any:
    metrics = Metrics(settings(), version='"1"\n\\', application=False)
    tell(
        metrics.listeners_for_worker(0),
        opened(),
        completed(duration=0.05),
        completed(duration=0.5),
        completed(duration=9),
    )
    return alone(metrics).collect()["families"]


def samples(text: bytes, read: Any) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(sample.labels[name] for name in sorted(sample.labels))): sample.value
        for family in read(text.decode())
        for sample in family.samples
    }


@pytest.mark.parametrize(
    ("accept", "content_type", "read"),
    [
        ("", "text/plain; version=0.0.4", read_text),
        ("*/*", "text/plain; version=0.0.4", read_text),
        ("text/plain;version=1.0.0", "text/plain; version=1.0.0", read_text),
        (OPENMETRICS, "application/openmetrics-text; version=1.0.0", read_openmetrics),
    ],
)
def test_formats(accept: str, content_type: str, read: Any) -> None:
    kind, text = text_of(served(), accept)
    assert kind.startswith(content_type)
    found = samples(text, read)
    assert found["pounce_http_requests_total", "GET", "http/1.1", "200"] == 3
    duration = "pounce_http_request_duration_seconds"
    buckets = {key[1]: value for key, value in found.items() if key[0] == f"{duration}_bucket"}
    assert buckets == {"0.01": 0, "0.1": 1, "1.0": 2, "+Inf": 3}
    assert found[f"{duration}_count", "GET", "http/1.1"] == 3
    assert found[f"{duration}_sum", "GET", "http/1.1"] == pytest.approx(9.55)
    assert {key[-1] for key in found if key[0] == "pounce_build_info"} == {'"1"\n\\'}


def test_everything_is_described() -> None:
    read: Any = read_openmetrics
    for family in read(text_of(served(), OPENMETRICS)[1].decode()):
        declared = CATALOGUE[family.name]
        assert (family.type, family.unit, family.documentation) == (declared.kind, declared.unit, declared.help)


def registry() -> CollectorRegistry:
    made = CollectorRegistry()
    Counter("jobs", "Jobs.", ["kind"], registry=made).labels("a").inc(3, exemplar={"trace": "x"})
    Gauge("temperature", "Heat.", registry=made).set(21)
    Histogram("size", "Sizes.", registry=made, buckets=(1, 2)).observe(1.5)
    Summary("took", "Times.", registry=made).observe(2)
    Info("shop", "Which.", registry=made).info({"name": "x"})
    Enum("state", "State.", states=["on", "off"], registry=made).state("off")
    return made


def test_the_applications_metrics_are_shown_as_the_library_shows_them() -> None:
    families = json.loads(json.dumps(application_families(registry())))
    for accept, read in (("", read_text), (OPENMETRICS, read_openmetrics)):
        text = text_of(families, accept)[1]
        found = samples(text, read)
        assert found["jobs_total", "a"] == 3
        assert found["temperature",] == 21
        assert found["size_bucket", "2.0"] == 1
        assert found["took_sum",] == 2
        assert found["shop_info", "x"] == 1
        assert found["state", "off"] == 1
        assert found["jobs_created", "a"] > 1e9
    assert b'jobs_total{kind="a"} 3.0 # {trace="x"} 3.0' in text


def test_a_collector_that_raises_costs_only_what_comes_after_it(caplog: pytest.LogCaptureFixture) -> None:
    made = registry()

    class Broken:
        def collect(self) -> Any:
            raise RuntimeError("no numbers")

    made.register(Broken())
    assert "jobs" in {family["name"] for family in application_families(made)}
    assert "default registry of prometheus_client raised" in caplog.text


CHILD = """
import json, os, sys
from prometheus_client import Counter, Gauge
from pounce_observability.metrics import Metrics, MetricsSettings
jobs = Counter("jobs", "Jobs.")
Counter("pounce_http_requests", "Not ours.").inc(10 ** 6)
jobs.inc(int(sys.argv[1]))
Gauge("load", "Load.", multiprocess_mode="livesum").set(int(sys.argv[1]))
print(json.dumps(Metrics(MetricsSettings(), worker=sys.argv[1]).snapshot()))
"""

PARENT = """
import json, sys
from pounce_observability.metrics import MetricsTotals
answers = [{"pid": n, "alive": True, "value": json.loads(line)} for n, line in enumerate(sys.stdin)]
print(json.dumps(MetricsTotals(lambda *_: answers, processes=True).collect()))
"""


def run(code: str, *arguments: str, given: str = "", **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        input=given,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.parametrize("shared_files", [False, True])
def test_the_default_registry_of_several_processes(shared_files: bool, tmp_path: Path) -> None:
    environment = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)} if shared_files else {}
    snapshots = "".join(run(CHILD, number, **environment) for number in ("1", "2"))
    families = json.loads(run(PARENT, given=snapshots, **environment))["families"]
    found = samples(text_of(families, "")[1], read_text)
    assert found["jobs_total",] == 3
    assert not [key for key, value in found.items() if key[0].startswith("pounce_") and value >= 10**6]
    loads = {key: value for key, value in found.items() if key[0] == "load"}
    assert loads == ({("load",): 3} if shared_files else {("load", "1"): 1, ("load", "2"): 2})
    assert found["python_gc_collections_total", "0"] >= 0
    if sys.platform == "linux":
        assert found["process_cpu_seconds_total",] > 0
        assert {key[1] for key in found if key[0] == "process_resident_memory_bytes"} == {"1", "2"}
    assert len([key for key in found if key[0] == "python_info"]) == 1
