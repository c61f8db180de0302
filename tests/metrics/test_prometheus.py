"""The metrics, the dashboard and the rules, tried with Prometheus itself; and the page that lists them."""

from __future__ import annotations

import importlib
import itertools
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pounce_observability.metrics import CATALOGUE, MetricsApp
from pounce_observability.metrics.prometheus_library import text_of
from pounce_testing import TestServer
from tests.clients.programs import find_program, run_program
from tests.metrics.busy_server import BusyServer
from tests.metrics.real_prometheus import RealPrometheus

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent.parent
DEPLOY: Final = ROOT / "deploy"
DASHBOARD: Final = json.loads((DEPLOY / "grafana-dashboard.json").read_text())
PANELS: Final = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES: Final = [target["expr"] for panel in PANELS for target in panel["targets"]]
OF_THE_LIBRARY: Final = {"process_cpu_seconds_total", "process_resident_memory_bytes", "up"}
SHOWN: Final = {
    f"{name}{suffix}"
    for name, family in CATALOGUE.items()
    for suffix in {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count")}.get(
        family.kind, ("_sum", "_count") if family.kind == "summary" else ("",)
    )
}


def rules() -> list[dict[str, Any]]:
    # Not imported by name: it comes with another package of the tests and has no types of its own.
    yaml = importlib.import_module("yaml")
    (group,) = yaml.safe_load((DEPLOY / "prometheus-alerts.yml").read_text())["groups"]
    return list(group["rules"])


def metrics_in(expression: str) -> set[str]:
    return set(re.findall(r"\b(?:pounce_|process_)\w+|\bup\b", expression))


def test_the_page_lists_every_metric_as_it_is() -> None:
    page = (ROOT / "docs/metrics.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    listed = {name: (kind, unit, labels) for name, kind, unit, labels, _ in rows}
    assert listed == {
        name + ("_total" if family.kind == "counter" else ""): (
            family.kind,
            family.unit or "-",
            ", ".join(f"`{label}`" for label in family.labels) or "-",
        )
        for name, family in CATALOGUE.items()
    }


def test_everything_that_is_counted_somewhere_is_shown_here() -> None:
    """So that what follows tries all of it."""
    found = {family["name"] for family in BusyServer().collect()["families"]}
    assert set(CATALOGUE) == found & set(CATALOGUE)


@pytest.mark.parametrize("expression", QUERIES + [rule["expr"] for rule in rules()])
def test_dashboard_and_rules_ask_for_what_there_is(expression: str) -> None:
    assert metrics_in(expression)
    assert metrics_in(expression) <= SHOWN | OF_THE_LIBRARY


def test_the_dashboard_shows_everything() -> None:
    asked = set().union(*map(metrics_in, QUERIES))
    shown = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in asked}
    assert {name for name in CATALOGUE if re.sub(r"_(sum|count)$", "", name) not in shown} == set()


def test_panels_do_not_lie_on_each_other() -> None:
    numbers = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(numbers) == len(set(numbers))
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = set(
            itertools.product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"]))
        )
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells


def test_promtool_takes_the_rules() -> None:
    promtool = find_program("promtool")
    run_program(promtool, "check", "rules", str(DEPLOY / "prometheus-alerts.yml"))


def test_the_rules_fire_when_they_should() -> None:
    promtool = find_program("promtool")
    run_program(promtool, "test", "rules", str(DEPLOY / "prometheus-alerts-test.yml"))
    tried = (DEPLOY / "prometheus-alerts-test.yml").read_text()
    assert [rule["alert"] for rule in rules() if rule["alert"] not in tried] == []


def test_promtool_finds_no_fault_with_the_metrics() -> None:
    promtool = find_program("promtool")
    families = [family for family in BusyServer().collect()["families"] if family["name"].startswith("pounce_")]
    assert run_program(promtool, "check", "metrics", stdin=text_of(families, "")[1]) == b""


def test_openmetrics_is_read_by_its_strict_parser() -> None:
    read: Any = text_string_to_metric_families
    text = text_of(BusyServer().collect()["families"], "application/openmetrics-text; version=1.0.0")[1]
    assert {family.name for family in read(text.decode())} >= {"pounce_http_requests", "process_cpu_seconds"}


@pytest.fixture(scope="module")
def busy() -> Iterator[str]:
    """The address of a server whose metrics are busy."""
    server = BusyServer()
    server.metrics.start()
    with TestServer(MetricsApp(collect=server.collect)) as served:
        host, port = served.address
        yield f"{host}:{port}"
    server.metrics.close()


def test_prometheus_answers_every_query_of_the_dashboard(busy: str, tmp_path: Path) -> None:
    with RealPrometheus(tmp_path, busy) as prometheus:
        # Three scrapes, so that there are rates of everything.
        prometheus.wait_for("count_over_time(pounce_build_info[1m]) >= 3")
        for query in QUERIES:
            for name, value in (("$job", ".*"), ("$instance", ".*"), ("$__rate_interval", "1m")):
                query = query.replace(name, value)
            assert prometheus.query(query), f"{query} finds nothing"
        for rule in rules():
            prometheus.query(rule["expr"])
        assert [target["lastError"] for target in prometheus.targets()] == [""]
        assert float(prometheus.query("sum(pounce_queue_places)")[0]["value"][1]) == 10


def test_prometheus_takes_native_histograms(busy: str, tmp_path: Path) -> None:
    with RealPrometheus(tmp_path, busy, "native-histograms") as prometheus:
        prometheus.wait_for("count_over_time(pounce_build_info[1m]) >= 3")
        assert [target["lastError"] for target in prometheus.targets()] == [""]
        latency = 'pounce_http_request_duration_seconds{protocol="h2"}'
        (count,) = prometheus.wait_for(f"histogram_count({latency})")
        assert float(count["value"][1]) % 15 == 0
        assert float(count["value"][1]) > 0
        # A fifth of all takes 0.004 s: within a bucket, which is nine per cent wide.
        (low,) = prometheus.query(f"histogram_quantile(0.3, rate({latency}[1m]))")
        assert 0.004 / 1.1 < float(low["value"][1]) < 0.004 * 1.1
        (part,) = prometheus.query(f"histogram_fraction(0, 0.1, rate({latency}[1m]))")
        assert float(part["value"][1]) == pytest.approx(0.6)
