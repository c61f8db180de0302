"""What can be set about the access log."""

from __future__ import annotations

from typing import Any

import pytest

from pounce_observability.access_log import AccessLogSettings


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"access_log_format": "jsn"}, "access_log_format: 'jsn' is neither text"),
        ({"access_log_format": "%(z)s"}, "access_log_format: '%(z)s': there is no atom"),
        ({"access_log_file": ""}, "access_log_file: '' is no file"),
        ({"access_log_exclude": ("healthz",)}, "access_log_exclude: 'healthz' does not begin with a slash"),
        ({"access_log_exclude_status": ("20x",)}, "access_log_exclude_status: '20x' is neither"),
        ({"access_log_exclude_status": ("600",)}, "access_log_exclude_status: '600' is neither"),
        ({"access_log_sample": 1.5}, "access_log_sample: 1.5 is not within 0 and 1"),
        ({"access_log_sample": float("nan")}, "access_log_sample: nan is not within 0 and 1"),
    ],
)
def test_what_is_not_allowed(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is looked at
        AccessLogSettings(**values)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("form", ["text", "common", "combined", "json", '%(h)s "%(r)s"'])
def test_formats(form: str) -> None:
    assert AccessLogSettings(access_log_format=form).access_log_format == form
