"""A comparison as JSON: every round of every server, and what was done where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_testing.bench.process_tree import MEMORY_IS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pounce_testing.bench.comparison import Comparison, Result, Round, Spread

__all__ = ["as_json"]


def as_json(comparison: Comparison, machine: Mapping[str, Any]) -> dict[str, Any]:
    """Durations in seconds, sizes in bytes."""
    plan = comparison.plan
    return {
        "application": plan.app,
        "request": {"method": plan.request.method, "path": plan.request.path, "body_bytes": len(plan.request.body)},
        "workers": plan.workers,
        "connections": plan.connections,
        "seconds": plan.seconds,
        "generator": plan.generator,
        "generator_saturated": comparison.saturated,
        "memory_is": MEMORY_IS,
        "machine": dict(machine),
        "servers": [_result(result) for result in comparison.results],
    }


def _result(result: Result) -> dict[str, Any]:
    if not result.rounds or result.failure is not None:
        return {"name": result.name, "version": result.version, "failure": result.failure}
    return {
        "name": result.name,
        "version": result.version,
        "cpu_per_request": _spread(result.cpu),
        "requests_per_second": _spread(result.rate),
        "latency": {f"p{share:g}": _spread(result.latency(share)) for share in result.rounds[0].load.latencies},
        "memory": _spread(result.memory),
        "failed_requests": result.failures,
        "rounds": [_round(one) for one in result.rounds],
    }


def _spread(spread: Spread) -> dict[str, float]:
    return {"median": spread.median, "low": spread.low, "high": spread.high}


def _round(one: Round) -> dict[str, Any]:
    return {
        "requests": one.load.requests,
        "failed": one.load.failures,
        "seconds": one.load.seconds,
        "cpu": one.cpu,
        "memory": one.memory,
        "generator_cpu": one.load.generator_cpu,
        "latencies": {f"p{share:g}": value for share, value in one.load.latencies.items()},
    }
