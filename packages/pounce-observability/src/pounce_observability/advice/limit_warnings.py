"""Clients that timed out and limits that were hit, each said once a minute with how often and an example."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from pounce_asgi import ClientTimedOut, ConnectionRefused, LimitHit, Subscriber

from .limit_hints import happening_of, hint_of
from .repeats import Repeats

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["LimitWarnings"]

_SETTINGS: Final = {"proxy_header_timeout": "timeout_request_head"}
"""Reasons that are named otherwise than the setting that is behind them."""


class _Example(NamedTuple):
    kind: str
    name: str
    worker_id: int
    client: tuple[str, int] | None
    protocol: str
    error: Exception | None


class LimitWarnings:
    """Of one process. Its listeners may be called in any thread: what they hear is rare, and a lock is no matter."""

    def __init__(self, limits: Mapping[str, object], clock: Callable[[], float] = time.monotonic) -> None:
        """``limits``: the values of the settings, by name."""
        self._limits = limits
        self._clock = clock
        self._repeats: Repeats[_Example] = Repeats()

    def subscribers(self) -> tuple[Subscriber[Any], ...]:
        """Who listens to a worker. All workers share them."""
        return (
            Subscriber(self._limit_hit, LimitHit),
            Subscriber(self._timed_out, ClientTimedOut),
            Subscriber(self._refused, ConnectionRefused),
        )

    def _limit_hit(self, record: LimitHit) -> None:
        self._note(_Example("limit", record.limit, record.worker_id, record.client, record.protocol, None))

    def _timed_out(self, record: ClientTimedOut) -> None:
        self._note(_Example("timeout", record.timeout, record.worker_id, record.client, record.protocol, None))

    def _refused(self, record: ConnectionRefused) -> None:
        kind = "timeout" if record.reason.endswith("timeout") else "refusal"
        if kind == "refusal" and record.reason.startswith("limit_"):
            kind = "limit"  # over other protocols the same is told as a limit
        self._note(_Example(kind, record.reason, record.worker_id, record.client, record.protocol, record.error))

    def _note(self, example: _Example) -> None:
        if happening_of(example.kind, example.name) is not None:
            self._repeats.note((example.kind, example.name), example, self._clock())

    def due(self, now: float, *, everything: bool = False) -> list[str]:
        """What is to be said now."""
        return [
            self._said(one.example, one.count, one.last - one.since)
            for one in self._repeats.due(now, everything=everything)
        ]

    def _said(self, example: _Example, count: int, seconds: float) -> str:
        kind, name = example.kind, example.name
        often = "" if count == 1 else f" {count} times in {max(1.0, seconds):.0f} s"
        return f"{name}{self._value(name)} {happening_of(kind, name)}{often}{_who(example)}. {hint_of(name)}"

    def _value(self, name: str) -> str:
        setting = _SETTINGS.get(name, name)
        value = self._limits.get(setting)
        if value is None:
            return ""
        return f" ({value})" if setting == name else f" ({setting} {value})"


def _who(example: _Example) -> str:
    client = example.client[0] if example.client is not None else "a UNIX socket"
    protocol = f" over {example.protocol}" if example.protocol else ""
    error = f" ({str(example.error)!r})" if example.error is not None else ""
    return f", such as for {client}{protocol} at worker {example.worker_id}{error}"
