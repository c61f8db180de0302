"""What can be set about Sentry."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pounce_observability.sentry import SentrySettings

DSN = "https://key@sentry.example/42"


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"sentry_dsn": ""}, "sentry_dsn"),
        ({"sentry_dsn": "https://sentry.example/42"}, "sentry_dsn"),
        ({"sentry_dsn": "https://key@sentry.example/"}, "sentry_dsn"),
        ({"sentry_dsn": "key@sentry.example/42"}, "sentry_dsn"),
        ({"sentry_dsn": "https://key@[sentry/42"}, "sentry_dsn"),
        ({"sentry_traces_sample_rate": 1.1}, "sentry_traces_sample_rate"),
        ({"sentry_traces_sample_rate": -0.1}, "sentry_traces_sample_rate"),
    ],
)
def test_values_out_of_range_are_named(values: dict[str, Any], field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: ") as caught:
        SentrySettings(**values)
    assert not values.get("sentry_dsn") or values["sentry_dsn"] not in str(caught.value)


@pytest.mark.parametrize("dsn", [DSN, "http://key:secret@10.0.0.1:9000/path/7", None])
def test_projects_of_sentry(dsn: str | None) -> None:
    assert SentrySettings(sentry_dsn=dsn).sentry_dsn == dsn


def test_the_dsn_is_a_secret() -> None:
    (dsn,) = [one for one in dataclasses.fields(SentrySettings) if one.name == "sentry_dsn"]
    assert dsn.metadata["secret"] is True
