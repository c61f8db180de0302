"""Records as a server makes them, and what metrics tell of themselves."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pounce_asgi import Listeners
from pounce_asgi.lifecycle import ConnectionClosed, ConnectionOpened, ResponseCompleted
from pounce_observability.metrics import Metrics, MetricsSettings, MetricsTotals

if TYPE_CHECKING:
    from collections.abc import Sequence

BOUNDS = ("0.01", "0.1", "1")


def settings(**given: Any) -> MetricsSettings:
    return MetricsSettings(**{"metrics_buckets": BOUNDS, **given})


def completed(
    method: str = "GET",
    status: int = 200,
    *,
    protocol: str = "http/1.1",
    size: int = 13,
    duration: float = 0.05,
    aborted: bool = False,
) -> ResponseCompleted:
    return ResponseCompleted(
        *(10.0, 1e9, 0, 1, None, ("192.0.2.1", 5), method, b"/", b"", "1.1", [], status, size, 9.0, duration, aborted),
        protocol=protocol,
    )


def opened(protocol: str = "http/1.1", scheme: str = "http") -> ConnectionOpened:
    return ConnectionOpened(1.0, 1e9, 0, 1, protocol, scheme, None, None)


def closed(protocol: str = "http/1.1", began_as: str = "") -> ConnectionClosed:
    return ConnectionClosed(1.0, 1e9, 0, 1, protocol, None, 1.0, 1, None, began_as)


def tell(listeners: Sequence[Any], *records: Any) -> None:
    """Let listeners hear of these, as a worker would."""
    all_of_them = Listeners.of(*listeners)
    for record in records:
        name = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in type(record).__name__)
        name = name.removeprefix("_").replace("web_socket", "websocket")
        getattr(all_of_them, name)(record)


def alone(metrics: Metrics) -> MetricsTotals:
    """The totals of a server with one process."""

    def gather(question: str, arguments: dict[str, Any], timeout: float) -> list[dict[str, Any]]:
        assert (question, timeout) == ("metrics", 2.0)
        return [{"pid": 1, "worker_id": None, "alive": True, "value": through_a_pipe(metrics.answer(arguments))}]

    return MetricsTotals(gather)


def through_a_pipe(value: Any) -> Any:
    return json.loads(json.dumps(value, allow_nan=False))


def values(families: Sequence[Any]) -> dict[tuple[str, ...], Any]:
    """Every value by the name of its sample and the values of its labels."""
    return {
        (name, *labels.values()): value for family in families for name, labels, value, *_ in family["samples"]
    }  # fmt: skip
