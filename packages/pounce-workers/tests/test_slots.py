"""How an exit is told."""

from __future__ import annotations

import pytest

from pounce_workers.supervision.slots import SlotExit


@pytest.mark.parametrize(
    ("how", "text"),
    [
        (SlotExit(expected=True, code=0), "ended"),
        (SlotExit(expected=False, code=0), "ended without being told to"),
        (SlotExit(expected=False, code=3), "exited with code 3"),
        (SlotExit(expected=False, code=1, error="LifespanError: no"), "exited with code 1: LifespanError: no"),
        (SlotExit(expected=False, signal=9), "was killed by SIGKILL"),
        (SlotExit(expected=False, signal=199), "was killed by signal 199"),
        (SlotExit(expected=False, error="ValueError: no"), "failed: ValueError: no"),
        (SlotExit(expected=False, abandoned=True), "did not end and was left behind"),
    ],
)
def test_words(how: SlotExit, text: str) -> None:
    assert str(how) == text
