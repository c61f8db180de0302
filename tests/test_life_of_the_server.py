"""docs/life-of-the-server.md shows the table that the server lives by."""

from __future__ import annotations

import re

import pytest

from pounce.stages import Stage
from scripts.draw_stages import BEGIN, DOCUMENT, diagram, redrawn

TEXT = DOCUMENT.read_text(encoding="utf-8")


def test_the_drawing_is_up_to_date() -> None:
    assert redrawn(TEXT) == TEXT, "draw it again: python -m scripts.draw_stages"


def test_an_old_drawing_would_be_noticed() -> None:
    old = TEXT.replace("    SERVE --> DRAIN: ", "    SERVE --> DRAIN: Bored, ")
    assert old != TEXT
    assert redrawn(old) == TEXT


def test_a_lost_marker_is_noticed() -> None:
    with pytest.raises(ValueError, match="lost a marker"):
        redrawn(TEXT.replace(BEGIN, ""))


def test_the_drawing_begins_and_ends() -> None:
    lines = diagram().splitlines()
    assert lines[2] == "    [*] --> CONFIG"
    assert lines[-2] == "    STOP --> [*]"
    assert "    DRAIN --> STOP: Drained" in lines


def test_every_stage_is_told_about() -> None:
    assert re.findall(r"^\| ([A-Z]+) \|", TEXT, re.MULTILINE) == [stage.name for stage in Stage]
