"""What can be set about metrics."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from pounce_observability.metrics import MetricsSettings


def test_as_they_are() -> None:
    settings = MetricsSettings()
    assert (settings.metrics, settings.metrics_path, settings.metrics_bind) == (False, "/metrics", None)
    assert settings.bounds == (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


@pytest.mark.parametrize(
    "given",
    [
        {"metrics_path": "metrics"},
        {"metrics_bind": ""},
        {"metrics_buckets": ()},
        {"metrics_buckets": ("1", "1")},
        {"metrics_buckets": ("2", "1")},
        {"metrics_buckets": ("0", "1")},
        {"metrics_buckets": ("1", "inf")},
        {"metrics_buckets": ("1", "nan")},
        {"metrics_buckets": ("1 s",)},
        {"metrics_buckets": tuple(map(str, range(1, 60)))},
    ],
    ids=str,
)
def test_what_cannot_be(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"^{next(iter(given))}: "):
        MetricsSettings(**given)


def test_settings_cost_no_import_of_what_counts() -> None:
    code = (
        "import sys; import pounce_observability.metrics; "
        "print([name for name in sys.modules if 'prometheus' in name or '.metrics.' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
