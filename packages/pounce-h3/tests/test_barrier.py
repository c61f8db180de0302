"""Who waits for whom."""

from __future__ import annotations

import pytest

from pounce_asgi.multiplexed import Priority
from pounce_h3.barrier import Barrier

Stream = tuple[int, tuple[int, bool]]


@pytest.mark.parametrize(
    ("moving", "waits", "goes"),
    [
        ([(8, (3, True))], [(4, (4, True)), (0, (4, False))], [(4, (3, True)), (12, (3, False)), (0, (2, True))]),
        ([(8, (3, False))], [(4, (4, True)), (12, (3, False))], [(12, (3, True)), (4, (3, False)), (8, (3, False))]),
        ([(8, (3, True)), (4, (5, False))], [(0, (4, False)), (0, (5, True))], [(12, (3, False))]),
        ([(0, (3, True)), (8, (3, False)), (12, (3, False))], [(12, (3, False))], [(12, (3, True)), (8, (3, False))]),
    ],
)
def test_who_waits(moving: list[Stream], waits: list[Stream], goes: list[Stream]) -> None:
    barrier = Barrier.before((stream_id, Priority(*priority)) for stream_id, priority in moving)
    assert barrier is not None
    assert all(barrier.stops(stream_id, Priority(*priority)) for stream_id, priority in waits)
    assert not any(barrier.stops(stream_id, Priority(*priority)) for stream_id, priority in goes)


def test_nobody_waits_for_nobody() -> None:
    assert Barrier.before([]) is None
