"""What can be set about traces."""

from __future__ import annotations

from typing import Any

import pytest

from pounce_observability.tracing import TracingSettings


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"otel_service_name": " "}, "otel_service_name"),
        ({"otel_exclude": ("health",)}, "otel_exclude"),
        ({"otel_exclude": ("/*/x",)}, "otel_exclude"),
    ],
)
def test_values_out_of_range_are_named(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        TracingSettings(**values)


def test_it_is_off_by_default() -> None:
    settings = TracingSettings()
    assert (settings.otel, settings.otel_metrics, settings.otel_exclude) == (False, True, ())
