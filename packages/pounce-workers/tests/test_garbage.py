"""What a serving process does about garbage, and that it is undone."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING

import pytest

from pounce_workers.serving import garbage
from pounce_workers.serving.garbage import calm_garbage_collection, restore_garbage_collection

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[tuple[int, int, int]]:
    before = gc.get_threshold()
    gc.set_threshold(*garbage._DEFAULT)  # whatever other tests, or libraries that they import, have set
    yield garbage._DEFAULT
    gc.set_threshold(*before)
    gc.unfreeze()
    gc.enable()


@pytest.mark.parametrize("free_threaded", [True, False])
def test_what_was_there_is_set_aside_and_given_back(
    monkeypatch: pytest.MonkeyPatch, free_threaded: bool, thresholds: tuple[int, int, int]
) -> None:
    monkeypatch.setattr(garbage, "FREE_THREADED", free_threaded)
    before = calm_garbage_collection()
    assert before == thresholds
    assert gc.get_freeze_count() > 1000
    assert gc.get_threshold() == (garbage.SHORT_COLLECTIONS if free_threaded else thresholds)
    restore_garbage_collection(before)
    assert gc.get_threshold() == thresholds
    assert gc.get_freeze_count() == 0


def test_thresholds_of_the_application_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "FREE_THREADED", True)
    gc.set_threshold(123, 4, 5)
    before = calm_garbage_collection()
    assert gc.get_threshold() == (123, 4, 5)
    gc.set_threshold(77, 1, 1)  # and such as it sets while it serves
    restore_garbage_collection(before)
    assert gc.get_threshold() == (77, 1, 1)


def test_a_collector_that_is_off_stays_off(monkeypatch: pytest.MonkeyPatch, thresholds: tuple[int, int, int]) -> None:
    monkeypatch.setattr(garbage, "FREE_THREADED", True)
    gc.disable()
    restore_garbage_collection(calm_garbage_collection())
    assert not gc.isenabled()
    assert gc.get_threshold() == thresholds
