"""The stopwatch."""

from __future__ import annotations

from pounce_asgi import Stopwatch


def test_laps_add_up_to_the_elapsed_time() -> None:
    now = iter([10.0, 10.5, 12.0, 12.0, 13.0])
    watch = Stopwatch(clock=lambda: next(now))
    assert watch.lap() == 0.5
    assert watch.lap() == 1.5
    assert watch.elapsed() == 2.0
    assert watch.elapsed() == 3.0


def test_the_default_clock_goes_forward() -> None:
    watch = Stopwatch()
    assert 0 <= watch.lap() <= watch.elapsed()
