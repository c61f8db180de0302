"""What other servers have and this version does not."""

from __future__ import annotations

import re

import pytest

from pounce.config import all_settings
from pounce.unavailable import _HINTS, unavailable


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("--reset-contextvars", "--reset-contextvars is not available in this version"),
        ("reset_contextvars", "reset_contextvars is not available in this version"),
        ("--ssl-version", "--ssl-version is not available in this version; use --ssl-min-version"),
        (
            "--timeout-worker-healthcheck",
            "--timeout-worker-healthcheck is not available in this version; use --worker-stall-timeout",
        ),
        ("-w", "-w is not an option of this server; use --workers"),
        ("--threads", "--threads is not an option of this server; use --sync-threads"),
    ],
)
def test_is_said_in_one_line(name: str, message: str) -> None:
    assert unavailable(name) == message


@pytest.mark.parametrize("hint", _HINTS.values())
def test_what_is_named_instead_exists(hint: str) -> None:
    flags = {setting.flag for setting in all_settings()}
    assert set(re.findall(r"--[a-z0-9-]+", hint)) <= flags


def test_no_setting_of_ours_is_refused() -> None:
    for setting in all_settings():
        assert unavailable(setting.flag) is None
        assert unavailable(setting.off_flag or "--x") is None
