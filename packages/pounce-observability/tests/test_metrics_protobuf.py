"""The protobuf format, read by Google's library with the message definitions of Prometheus."""

from __future__ import annotations

from typing import Any

import pytest
from metrics_records import alone, completed, settings, tell
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, Summary

from pounce_observability.metrics import Metrics
from pounce_observability.metrics.buckets import native_buckets
from pounce_observability.metrics.prometheus_library import application_families
from pounce_observability.metrics.protobuf import CONTENT_TYPE, protobuf_accepted, protobuf_of

# metrics.proto of github.com/prometheus/client_model: number, name, type, repeated.
MESSAGES = {
    "LabelPair": [(1, "name", "string"), (2, "value", "string")],
    "Gauge": [(1, "value", "double")],
    "Counter": [(1, "value", "double")],
    "Untyped": [(1, "value", "double")],
    "Quantile": [(1, "quantile", "double"), (2, "value", "double")],
    "Summary": [(1, "sample_count", "uint64"), (2, "sample_sum", "double"), (3, "quantile", "*Quantile")],
    "Bucket": [(1, "cumulative_count", "uint64"), (2, "upper_bound", "double")],
    "BucketSpan": [(1, "offset", "sint32"), (2, "length", "uint32")],
    "Histogram": [
        *(
            (1, "sample_count", "uint64"),
            (2, "sample_sum", "double"),
            (3, "bucket", "*Bucket"),
            (5, "schema", "sint32"),
        ),
        *((6, "zero_threshold", "double"), (7, "zero_count", "uint64"), (12, "positive_span", "*BucketSpan")),
        (13, "positive_delta", "*sint64"),
    ],
    "Metric": [
        *((1, "label", "*LabelPair"), (2, "gauge", "Gauge"), (3, "counter", "Counter"), (4, "summary", "Summary")),
        *((5, "untyped", "Untyped"), (7, "histogram", "Histogram")),
    ],
    "MetricFamily": [(1, "name", "string"), (2, "help", "string"), (3, "type", "uint32"), (4, "metric", "*Metric")],
}


def family_class() -> Any:
    descriptor_pb2 = pytest.importorskip("google.protobuf.descriptor_pb2")
    # Not imported by name: it comes with another package of the tests and has no types.
    descriptor_pool = pytest.importorskip("google.protobuf.descriptor_pool")
    message_factory = pytest.importorskip("google.protobuf.message_factory")

    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="pounce_test_metrics.proto", package="pounce_test", syntax="proto2")
    for message, fields in MESSAGES.items():
        made = file.message_type.add(name=message)
        for number, name, kind in fields:
            repeated, plain = kind.startswith("*"), kind.removeprefix("*")
            one = made.field.add(name=name, number=number, label=3 if repeated else 1)
            if plain in MESSAGES:
                one.type, one.type_name = field.TYPE_MESSAGE, f".pounce_test.{plain}"
            else:
                one.type = getattr(field, f"TYPE_{plain.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("pounce_test.MetricFamily"))


def read(content: bytes) -> dict[str, Any]:
    """The families by name."""
    new, found = family_class(), {}
    while content:
        length = shift = 0
        while True:
            byte, content = content[0], content[1:]
            length |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        family = new.FromString(content[:length])
        found[family.name] = family
        content = content[length:]
    return found


def labels(metric: Any) -> dict[str, str]:
    return {one.name: one.value for one in metric.label}


DURATIONS = (0.0, 1e-7, 0.004, 0.05, 0.051, 0.052, 0.5, 3.0, 1e6)


def test_the_servers_metrics() -> None:
    metrics = Metrics(settings(), application=False)
    tell(metrics.listeners_for_worker(0), *(completed(duration=duration) for duration in DURATIONS))
    families = alone(metrics).collect()["families"]
    found = read(protobuf_of(families))
    assert set(found) >= {"pounce_http_requests_total", "pounce_http_request_duration_seconds", "pounce_build_info"}
    (requests,) = found["pounce_http_requests_total"].metric
    assert labels(requests) == {"method": "GET", "status": "200", "protocol": "http/1.1"}
    assert requests.counter.value == len(DURATIONS)
    latency = found["pounce_http_request_duration_seconds"]
    assert latency.type == 4
    (metric,) = latency.metric
    histogram = metric.histogram
    assert histogram.sample_count == len(DURATIONS)
    assert histogram.sample_sum == pytest.approx(sum(DURATIONS))
    assert [one.cumulative_count for one in histogram.bucket] == [3, 6, 7, 9]
    assert (histogram.schema, histogram.zero_threshold, histogram.zero_count) == (3, 2.0**-20, 2)
    (value,) = [sample[2] for one in families if one["name"] == latency.name for sample in one["samples"]]
    assert _positive(histogram) == native_buckets(value["counts"]).positive
    for duration in DURATIONS[2:-1]:
        assert any(2 ** ((index - 1) / 8) < duration <= 2 ** (index / 8) for index in _positive(histogram))


def _positive(histogram: Any) -> dict[int, int]:
    """How Prometheus reads spans and deltas."""
    found: dict[int, int] = {}
    index = count = 0
    deltas = iter(histogram.positive_delta)
    for span in histogram.positive_span:
        index += span.offset
        for _ in range(span.length):
            count += next(deltas)
            found[index] = count
            index += 1
    assert next(deltas, None) is None
    return found


def test_a_histogram_with_nothing_in_it_is_still_a_native_one() -> None:
    metrics = Metrics(settings(), application=False)
    found = read(protobuf_of(alone(metrics).collect()["families"]))
    for metric in found["pounce_gc_pause_seconds"].metric:
        assert [(span.offset, span.length) for span in metric.histogram.positive_span] == [(0, 0)]


def test_the_applications_metrics() -> None:
    registry = CollectorRegistry()
    Counter("jobs", "Jobs, naïve ones.", ["kind"], registry=registry).labels("ä").inc(3)
    Gauge("temperature", "Heat.", registry=registry).set(-21.5)
    Histogram("size", "Sizes.", ["of"], registry=registry, buckets=(1, 2)).labels("hat").observe(1.5)
    Summary("took", "Times.", registry=registry).observe(2)
    Info("shop", "Which.", registry=registry).info({"name": "x"})
    found = read(protobuf_of(application_families(registry)))
    assert {name: family.type for name, family in found.items()} == {
        "jobs_total": 0,
        "temperature": 1,
        "size": 4,
        "took": 2,
        "shop_info": 1,
    }
    assert found["jobs_total"].help == "Jobs, naïve ones."
    assert labels(found["jobs_total"].metric[0]) == {"kind": "ä"}
    assert found["jobs_total"].metric[0].counter.value == 3
    assert found["temperature"].metric[0].gauge.value == -21.5
    size = found["size"].metric[0]
    assert labels(size) == {"of": "hat"}
    assert [(one.upper_bound, one.cumulative_count) for one in size.histogram.bucket] == [
        *((1.0, 0), (2.0, 1), (float("inf"), 1))
    ]
    assert (size.histogram.sample_count, size.histogram.sample_sum) == (1, 1.5)
    assert (found["took"].metric[0].summary.sample_count, found["took"].metric[0].summary.sample_sum) == (1, 2.0)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        (CONTENT_TYPE, True),
        ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6", True),
        ("application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text", False),
        ("application/vnd.google.protobuf;proto=other;encoding=delimited", False),
        # Prometheus with and without native histograms.
        (f"{CONTENT_TYPE},application/openmetrics-text;version=1.0.0;q=0.8,text/plain;q=0.5,*/*;q=0.1", True),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", False),
        (f"text/plain;q=0.9,{CONTENT_TYPE};q=0.5", False),
        (f"{CONTENT_TYPE};q=0", False),
        (f"{CONTENT_TYPE};q=much", False),
    ],
)
def test_who_gets_it(accept: str, expected: bool) -> None:
    assert protobuf_accepted(accept) is expected
