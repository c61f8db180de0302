"""What uvicorn has and this version does not."""

from __future__ import annotations

import pytest

from pounce.config import all_settings
from pounce.unavailable import unavailable


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("--ssl-keyfile", "--ssl-keyfile is not available in this version"),
        ("--ws", "--ws is not available in this version"),
        ("ws_max_size", "ws_max_size is not available in this version"),
    ],
)
def test_is_said_in_one_line(name: str, message: str) -> None:
    assert unavailable(name) == message


def test_no_setting_of_ours_is_refused() -> None:
    for setting in all_settings():
        assert unavailable(setting.flag) is None
        assert unavailable(setting.off_flag or "--x") is None
