"""Which requests are in no access log."""

from __future__ import annotations

from typing import Any

import pytest

from pounce import ServerConfig
from pounce.quiet_paths import quiet_paths


@pytest.mark.parametrize(
    ("settings", "paths"),
    [
        ({}, set()),
        ({"health_checks": True}, {b"/healthz", b"/readyz"}),
        ({"health_checks": True, "health_access_log": True}, set()),
        (
            {"health_checks": True, "root_path": "/api/"},
            {b"/healthz", b"/readyz", b"/api/healthz", b"/api/readyz"},
        ),
        ({"metrics": True, "root_path": "/api"}, {b"/metrics"}),
        ({"metrics": True, "metrics_bind": "127.0.0.1:9100"}, set()),
    ],
)
def test_paths(settings: dict[str, Any], paths: set[bytes]) -> None:
    assert quiet_paths(ServerConfig.of({"app": "main:app"} | settings)) == paths
