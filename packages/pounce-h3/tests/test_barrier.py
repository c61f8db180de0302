"""Who waits for whom."""

from __future__ import annotations

import pytest

from pounce_asgi.multiplexed import Priority
from pounce_h3.barrier import Barrier


@pytest.mark.parametrize(
    ("moving", "waits", "goes"),
    [
        ([(3, True)], [(4, True), (4, False), (7, True)], [(3, True), (3, False), (2, True)]),
        ([(3, False)], [(4, True), (3, False)], [(3, True), (2, False)]),
        ([(3, True), (5, False)], [(4, False), (5, True)], [(3, False)]),
        ([(3, True), (3, False)], [(3, False), (4, True)], [(3, True)]),
    ],
)
def test_who_waits(moving: list[tuple[int, bool]], waits: list[tuple[int, bool]], goes: list[tuple[int, bool]]) -> None:
    barrier = Barrier.before(Priority(*one) for one in moving)
    assert all(barrier.stops(Priority(*one)) for one in waits)
    assert not any(barrier.stops(Priority(*one)) for one in goes)
