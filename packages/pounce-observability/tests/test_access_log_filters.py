"""Which requests are logged."""

from __future__ import annotations

from typing import Any

import pytest
from access_records import completed

from pounce_observability.access_log import AccessLogSettings
from pounce_observability.access_log.filters import wanted


def test_nothing_is_asked_when_all_are_logged() -> None:
    assert wanted(AccessLogSettings()) is None


@pytest.mark.parametrize(
    ("settings", "changes", "logged"),
    [
        ({"access_log_exclude": ("/healthz",)}, {"raw_path": b"/healthz"}, False),
        ({"access_log_exclude": ("/healthz",)}, {"raw_path": b"/healthz", "status": 503}, False),
        ({"access_log_exclude": ("/healthz",)}, {"raw_path": b"/healthz/a"}, True),
        ({"access_log_exclude": ("/static/*",)}, {"raw_path": b"/static/a.css"}, False),
        ({"access_log_exclude": ("/static/*",)}, {"raw_path": b"/static"}, True),
        ({"access_log_exclude": ("/static/*",)}, {"raw_path": b"/static/../admin"}, True),
        ({"access_log_exclude": ("/a", "/b*")}, {"raw_path": b"/bc"}, False),
        ({"access_log_exclude": ("/ü",)}, {"raw_path": "/ü".encode()}, False),
        ({"access_log_exclude_status": ("304",)}, {"status": 304}, False),
        ({"access_log_exclude_status": ("304",)}, {"status": 303}, True),
        ({"access_log_exclude_status": ("2xx", "404")}, {"status": 299}, False),
        ({"access_log_exclude_status": ("2xx", "404")}, {"status": 404}, False),
        ({"access_log_exclude_status": ("2xx", "404")}, {"status": 300}, True),
        ({"access_log_sample": 0.5}, {}, True),
        ({"access_log_sample": 0.4}, {}, False),
        ({"access_log_sample": 0}, {}, False),
        ({"access_log_sample": 0}, {"status": 499}, False),
        ({"access_log_sample": 0}, {"status": 500}, True),
        ({"access_log_sample": 0}, {"aborted": True}, True),
        ({"access_log_sample": 0, "access_log_exclude": ("/items",)}, {"status": 500}, False),
    ],
)
def test_filters(settings: dict[str, Any], changes: dict[str, Any], logged: bool) -> None:
    wants = wanted(AccessLogSettings(**settings), chance=lambda: 0.4)
    assert wants is not None
    assert wants(completed(**changes)) is logged


def test_quiet_paths() -> None:
    wants = wanted(AccessLogSettings(), (b"/healthz",))
    assert wants is not None
    assert not wants(completed(raw_path=b"/healthz"))
    assert wants(completed())


def test_a_sample_is_the_share_that_was_asked_for() -> None:
    wants = wanted(AccessLogSettings(access_log_sample=0.25))
    assert wants is not None
    logged = sum(wants(completed()) for _ in range(4000))
    assert 800 < logged < 1200, "seven standard deviations from 1000"
