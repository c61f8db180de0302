"""Limits and time limits, as lifecycle records tell of them, once a minute each."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from pounce_asgi import ClientTimedOut, ConnectionRefused, LimitHit, Listeners
from pounce_observability.advice.limit_hints import hint_of
from pounce_observability.advice.limit_warnings import LimitWarnings

if TYPE_CHECKING:
    from collections.abc import Callable

CLIENT = ("192.0.2.7", 5000)


def hit(limit: str, client: tuple[str, int] | None = CLIENT) -> LimitHit:
    return LimitHit(0.0, 0.0, 1, 9, "h2", client, limit)


def timed_out(timeout: str) -> ClientTimedOut:
    return ClientTimedOut(0.0, 0.0, 1, 9, "http/1.1", CLIENT, timeout)


def refused(reason: str, error: Exception | None = None) -> ConnectionRefused:
    return ConnectionRefused(0.0, 0.0, 1, CLIENT, reason, error)


class Warnings:
    """Those of a process whose time is what the test sets."""

    def __init__(self, **limits: object) -> None:
        self.now = 1000.0
        self.warnings = LimitWarnings(limits, lambda: self.now)
        self._listeners = Listeners.of(*self.warnings.subscribers())

    def hear(self, record: Any) -> None:
        listener: Callable[[Any], object] | None = {
            LimitHit: self._listeners.limit_hit,
            ClientTimedOut: self._listeners.client_timed_out,
            ConnectionRefused: self._listeners.connection_refused,
        }[type(record)]
        assert listener is not None
        listener(record)

    def due(self, **options: bool) -> list[str]:
        return self.warnings.due(self.now, **options)


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (hit("limit_concurrency"), "limit_concurrency (10) was hit, such as for 192.0.2.7 over h2 at worker 1. Add"),
        (hit("max_request_body", None), "max_request_body was hit, such as for a UNIX socket over h2 at worker 1. If"),
        (hit("flood:resets"), "flood:resets was too much, such as for 192.0.2.7 over h2 at worker 1. Ordinary"),
        (
            timed_out("timeout_body_stall"),
            "timeout_body_stall (30.0) ran out, such as for 192.0.2.7 over http/1.1 at worker 1. If the application",
        ),
        (refused("limit_concurrency"), "limit_concurrency (10) was hit, such as for 192.0.2.7 at worker 1. Add"),
        (
            refused("tls_handshake", OSError("no shared\ncipher")),
            "tls_handshake went wrong, such as for 192.0.2.7 at worker 1 ('no shared\\ncipher'). They",
        ),
        (
            refused("proxy_header_timeout"),
            "proxy_header_timeout (timeout_request_head 5) ran out, such as for 192.0.2.7 at worker 1. Check",
        ),
    ],
)
def test_one_is_told_with_its_value_an_example_and_what_to_do(record: Any, text: str) -> None:
    warnings = Warnings(limit_concurrency=10, timeout_body_stall=30.0, timeout_request_head=5)
    warnings.hear(record)
    (said,) = warnings.due()
    assert said.startswith(text)
    assert "\n" not in said


def test_many_are_told_once_a_minute_with_how_many() -> None:
    warnings = Warnings()
    warnings.hear(hit("max_request_body"))
    assert len(warnings.due()) == 1
    for _ in range(1000):
        warnings.now += 0.05
        warnings.hear(hit("max_request_body"))
    assert warnings.due() == []
    warnings.now = 1060.0
    (said,) = warnings.due()
    assert said.startswith("max_request_body was hit 1000 times in 50 s, such as")


def test_each_limit_has_its_own_minute() -> None:
    warnings = Warnings()
    for record in (hit("max_request_body"), timed_out("timeout_request_head"), hit("limit_request_fields")):
        warnings.hear(record)
        assert len(warnings.due()) == 1


def test_the_same_over_different_protocols_is_the_same() -> None:
    warnings = Warnings()
    warnings.hear(refused("limit_concurrency"))
    warnings.hear(hit("limit_concurrency"))
    (said,) = warnings.due()
    assert "was hit 2 times in 1 s" in said


@pytest.mark.parametrize("reason", ["client_gone", "stopping"])
def test_what_is_nobodys_fault_is_not_told(reason: str) -> None:
    warnings = Warnings()
    warnings.hear(refused(reason))
    assert warnings.due() == []


def test_at_a_stop_the_rest_is_told() -> None:
    warnings = Warnings()
    for _ in range(2):
        warnings.hear(timed_out("timeout_write_stall"))
        assert len(warnings.due(everything=True)) == 1


def test_workers_count_together() -> None:
    warnings = Warnings()

    def hear() -> None:
        for _ in range(500):
            warnings.hear(hit("rate_limit"))

    threads = [threading.Thread(target=hear) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (said,) = warnings.due()
    assert "rate_limit was hit 2000 times" in said


def test_a_limit_nobody_has_written_of_has_a_hint_too() -> None:
    assert hint_of("limit_of_tomorrow") == "If these clients are in order, raise it"
