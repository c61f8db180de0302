"""Times as lines write them."""

from __future__ import annotations

import time

import pytest

from pounce_observability.access_log.timestamps import clf_time, iso_second


@pytest.mark.parametrize(
    ("offset", "words"), [(0, "+0000"), (3600, "+0100"), (-12600, "-0330"), (20700, "+0545"), (-1800, "-0030")]
)
def test_offset_from_utc(monkeypatch: pytest.MonkeyPatch, offset: int, words: str) -> None:
    class Local:
        tm_year, tm_mon, tm_mday, tm_hour, tm_min, tm_sec, tm_gmtoff = 2026, 1, 2, 3, 4, 5, offset

    monkeypatch.setattr(time, "localtime", lambda wall: Local)
    # A second that no other case asks for: the rendered time is remembered.
    assert clf_time(1_000_000 + offset) == f"02/Jan/2026:03:04:05 {words}"


@pytest.mark.parametrize(("wall", "text"), [(0, "1970-01-01T00:00:00"), (1_795_266_573, "2026-11-21T13:09:33")])
def test_iso(wall: int, text: str) -> None:
    assert iso_second(wall) == text
