"""What is said of settings that have no effect with the workers that were chosen."""

from __future__ import annotations

from typing import Any

import pytest

from pounce import ServerConfig
from pounce.worker_choice import without_effect
from pounce_workers import Decision


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, []),
        ({"metrics_bind": "127.0.0.1:9100"}, ["metrics_bind has no effect without metrics"]),
        ({"metrics_bind": "127.0.0.1:9100", "metrics": True}, []),
        ({"introspection_bind": "127.0.0.1:9700"}, ["introspection_bind has no effect without introspection"]),
        ({"profile": True}, []),
        ({"profile": True, "worker_mode": "sync"}, ["profile has no effect where a worker has a thread for each"]),
        ({"profile": True, "interface": "wsgi"}, ["profile has no effect where a worker has a thread for each"]),
        ({"workers_max_rss": 1 << 30}, ["workers_max_rss has no effect on worker threads"]),
    ],
)
def test_warnings(settings: dict[str, Any], said: list[str]) -> None:
    config = ServerConfig.of({"app": "main:app"} | settings)
    found = list(without_effect(config, Decision(kind="thread", workers=1, reason="asked for")))
    assert len(found) == len(said)
    assert all(one.startswith(beginning) for one, beginning in zip(found, said, strict=True))
