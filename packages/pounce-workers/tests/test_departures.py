"""What happens to a worker that was told to go."""

from __future__ import annotations

import pytest
from slot_doubles import FakeHandle

from pounce_workers.supervision.departures import BLOCKED, MARGIN, UNKILLABLE, Departure


def departure() -> tuple[Departure, FakeHandle]:
    handle = FakeHandle(3)
    return Departure(handle, graceful=10.0, shutdown=5.0), handle


def test_retiring_becomes_draining_and_in_the_end_killing() -> None:
    leaving, handle = departure()
    leaving.retire(None, 100.0)
    leaving.tick(109.9)
    assert handle.told == ["retire"]
    leaving.tick(110.0)
    assert handle.told == ["retire", "drain"]
    leaving.tick(125.0 + MARGIN - 0.1)
    assert not leaving.killed
    leaving.tick(125.0 + MARGIN)
    assert handle.told == ["retire", "drain", "kill"]
    assert leaving.killed


def test_a_drain_has_the_graceful_time_the_shutdown_and_a_margin() -> None:
    leaving, handle = departure()
    leaving.drain(100.0)
    assert leaving.due == 115.0 + MARGIN
    leaving.tick(leaving.due)
    assert handle.told == ["drain", "kill"]


def test_a_stop_at_once_shortens_it() -> None:
    leaving, handle = departure()
    leaving.drain(100.0)
    leaving.stop_now(101.0)
    assert leaving.due <= 106.0 + MARGIN
    assert handle.told == ["drain", "stop_now"]


def test_who_stops_at_once_has_the_time_of_a_shutdown_while_its_loop_turns() -> None:
    leaving, handle = departure()
    leaving.stop_now(100.0)
    end = 105.0 + MARGIN
    now = 100.0
    while now < end:
        assert not leaving.killed
        assert now < leaving.due <= end, "looked at again, and in time"
        now = leaving.due
        handle.last_beat = now - 0.5
        leaving.tick(now)
    assert handle.told == ["stop_now", "kill"]


@pytest.mark.parametrize(("beat", "killed"), [(90.0, 100.0 + BLOCKED), (100.7, 100.7 + BLOCKED)])
def test_who_stops_at_once_is_killed_when_its_loop_does_not_turn(
    beat: float, killed: float, caplog: pytest.LogCaptureFixture
) -> None:
    leaving, handle = departure()
    leaving.stop_now(100.0)
    handle.last_beat = beat
    leaving.tick(killed - 0.01)
    assert not leaving.killed
    leaving.tick(killed)
    assert handle.told == ["stop_now", "kill"]
    assert "worker 3 (process) cannot end, because its event loop does not turn, and is killed" in caplog.text


def test_a_drain_is_not_cut_short_by_a_loop_that_does_not_turn() -> None:
    leaving, handle = departure()
    leaving.drain(100.0)
    handle.last_beat = 50.0
    leaving.tick(114.0)
    assert handle.told == ["drain"]


def test_it_only_goes_on() -> None:
    leaving, handle = departure()
    leaving.stop_now(100.0)
    leaving.drain(101.0)
    leaving.retire(None, 102.0)
    leaving.stop_now(103.0)
    assert handle.told == ["stop_now"]
    assert leaving.due == 100.0 + BLOCKED


def test_one_that_cannot_be_killed_is_lost() -> None:
    leaving, handle = departure()
    leaving.stop_now(100.0)
    leaving.tick(leaving.due)
    assert (leaving.killed, leaving.lost) == (True, False)
    leaving.tick(leaving.due)
    assert (leaving.killed, leaving.lost) == (True, True)
    assert handle.told == ["stop_now", "kill"]
    assert leaving.due > 1e9
    assert UNKILLABLE > 0
