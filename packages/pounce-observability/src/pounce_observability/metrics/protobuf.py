"""The protobuf format of Prometheus: the only one in which it takes native histograms.

A row of ``io.prometheus.client.MetricFamily`` messages, each with its length before it. The numbers of the fields are
those of metrics.proto in github.com/prometheus/client_model; how they are written is in "Encoding" of the Protocol
Buffers documentation. Only what is needed is here; it takes as long as the text does (RESULTS.md).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, Final

from .buckets import SCHEMA, ZERO_THRESHOLD, classic_counts, native_buckets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .snapshot import FamilyJson

__all__ = ["CONTENT_TYPE", "protobuf_accepted", "protobuf_of"]

CONTENT_TYPE: Final = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

_VARINT: Final = 0
_DOUBLE: Final = 1
_BYTES: Final = 2

_COUNTER, _GAUGE, _SUMMARY, _UNTYPED, _HISTOGRAM = range(5)
_TYPES: Final = {"counter": _COUNTER, "summary": _SUMMARY, "histogram": _HISTOGRAM, "gaugehistogram": _HISTOGRAM}
_SIMPLE: Final = {_COUNTER: 3, _GAUGE: 2, _UNTYPED: 5}
"""Which field of a Metric has the value."""


def protobuf_accepted(accept: str) -> bool:
    """Whether a client asks for this format, at least as much as for any other (RFC 9110, 12.5.1)."""
    best: tuple[float, bool] = (0.0, False)
    for one in accept.split(","):
        kind, *parameters = (part.strip() for part in one.split(";"))
        given = {name.strip(): value.strip() for name, _, value in (each.partition("=") for each in parameters)}
        ours = (
            kind == "application/vnd.google.protobuf"
            and given.get("proto") == "io.prometheus.client.MetricFamily"
            and given.get("encoding", "delimited") == "delimited"
        )
        best = max(best, (_quality(given.get("q", "1")), ours))
    return best[0] > 0 and best[1]


def protobuf_of(families: Iterable[FamilyJson]) -> bytes:
    """All metrics, histograms of the server as classic and as native ones."""
    return b"".join(_delimited(_family(family)) for family in families)


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _family(family: FamilyJson) -> bytes:
    name = family["name"]
    match family["kind"]:
        case "counter":
            name += "_total"
        case "info":
            name += "_info"
    kind = _TYPES.get(family["kind"], _UNTYPED if family["kind"] == "unknown" else _GAUGE)
    head = _text(1, name) + _text(2, family["help"]) + _number(3, kind)
    if kind in _SIMPLE:
        metrics = [
            _labels(labels) + _message(_SIMPLE[kind], _double(1, value))
            for sample, labels, value, *_ in family["samples"]
            if not sample.endswith("_created")
        ]
    elif "buckets" in family:
        metrics = [_labels(labels) + _native(value, family["buckets"]) for _, labels, value in family["samples"]]
    else:
        metrics = [_labels(dict(labels)) + _grouped(kind, parts) for labels, parts in _groups(family).items()]
    return head + b"".join(_message(4, metric) for metric in metrics)


def _native(value: dict[str, Any], buckets: Sequence[float]) -> bytes:
    """A histogram of the server, both ways: Prometheus takes the one that it is set to."""
    numbers = classic_counts(value["counts"], buckets)
    native = native_buckets(value["counts"])
    spans = native.spans
    deltas, last = [], 0
    for _, counts in spans:
        for count in counts:
            deltas.append(count - last)
            last = count
    parts = [
        _number(1, numbers[-1]),
        _double(2, value["sum"]),
        *(_bucket(bound, number) for bound, number in zip((*buckets, float("inf")), numbers, strict=True)),
        _number(5, _zigzag(SCHEMA)),
        _double(6, ZERO_THRESHOLD),
        _number(7, native.zero),
        *(_message(12, _number(1, _zigzag(gap)) + _number(2, len(counts))) for gap, counts in spans),
        _message(13, b"".join(_varint(_zigzag(delta)) for delta in deltas)),
    ]
    # Without a bucket it needs a span, or it is taken for a classic one.
    return _message(7, b"".join(parts) + (b"" if spans else _message(12, b"")))


def _groups(family: FamilyJson) -> dict[tuple[tuple[str, str], ...], list[tuple[str, str, float]]]:
    """The samples of each histogram or summary of the application: what follows its name, le or quantile, value."""
    groups: dict[tuple[tuple[str, str], ...], list[tuple[str, str, float]]] = {}
    for sample, labels, value, *_ in family["samples"]:
        own = tuple((name, text) for name, text in labels.items() if name not in ("le", "quantile"))
        bound = labels.get("le", labels.get("quantile", ""))
        groups.setdefault(own, []).append((sample[len(family["name"]) :], bound, value))
    return groups


def _grouped(kind: int, parts: Iterable[tuple[str, str, float]]) -> bytes:
    made = []
    for suffix, bound, value in parts:
        match suffix:
            case "_count" | "_gcount":
                made.append(_number(1, int(value)))
            case "_sum" | "_gsum":
                made.append(_double(2, value))
            case "_bucket":
                made.append(_bucket(float(bound), int(value)))
            case "":
                made.append(_message(3, _double(1, float(bound)) + _double(2, value)))
    return _message(7 if kind == _HISTOGRAM else 4, b"".join(made))


def _bucket(bound: float, number: int) -> bytes:
    return _message(3, _number(1, number) + _double(2, bound))


def _labels(labels: dict[str, str]) -> bytes:
    return b"".join(_message(1, _text(1, name) + _text(2, value)) for name, value in labels.items())


# -- the encoding ------------------------------------------------------------------------------------------------------


def _varint(number: int) -> bytes:
    made = bytearray()
    while number > 0x7F:
        made.append(number & 0x7F | 0x80)
        number >>= 7
    made.append(number)
    return bytes(made)


def _zigzag(number: int) -> int:
    """For sint32 and sint64: small numbers of either sign become small ones."""
    return number << 1 if number >= 0 else (-number << 1) - 1


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _double(field: int, value: float) -> bytes:
    return _varint(field << 3 | _DOUBLE) + struct.pack("<d", value)


def _message(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _delimited(content)


def _text(field: int, text: str) -> bytes:
    return _message(field, text.encode())


def _delimited(content: bytes) -> bytes:
    return _varint(len(content)) + content
