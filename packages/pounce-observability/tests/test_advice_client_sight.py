"""Who waits while the process stands still: clients of workers that go on serving."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from advice_doubles import FakeLoop, FakeWorker

from pounce_observability.advice.client_sight import ClientSight

if TYPE_CHECKING:
    from collections.abc import Callable


class Seen:
    """A worker, with its loops."""

    def __init__(self, *loops: FakeLoop) -> None:
        self.worker = FakeWorker(load=0)
        self.loops = list(loops)

    def serves(self, *, load: int = 0, served: int = 0, closed: int = 0) -> None:
        self.worker.load = load
        self.worker.requests_served += served
        for loop in self.loops:
            loop.requests_of_closed += closed

    def drains(self) -> None:
        for loop in self.loops:
            loop.calm = False


@pytest.mark.parametrize(
    ("happens", "seen"),
    [
        pytest.param(lambda loop, pool: None, False, id="nothing"),
        pytest.param(lambda loop, pool: loop.serves(load=1), True, id="a client is there"),
        pytest.param(lambda loop, pool: pool.serves(load=1), True, id="a client of a pool is there"),
        pytest.param(lambda loop, pool: loop.serves(served=1), True, id="one was there"),
        pytest.param(lambda loop, pool: loop.serves(closed=1), True, id="one was there and is not counted yet"),
        pytest.param(lambda loop, pool: pool.serves(served=1), True, id="a client of a pool was there"),
        pytest.param(lambda loop, pool: (loop.serves(load=1, closed=1), loop.drains()), False, id="the worker ends"),
        pytest.param(lambda loop, pool: (loop.serves(served=1), loop.loops.clear()), False, id="it counts a last time"),
    ],
)
def test_a_client_of_a_worker_that_goes_on_serving_waits(happens: Callable[[Seen, Seen], object], seen: bool) -> None:
    loop, pool = Seen(FakeLoop()), Seen()
    sight = ClientSight()

    def look() -> bool:
        return sight.look([(one.worker, one.loops) for one in (loop, pool)])

    assert not look()
    happens(loop, pool)
    assert look() is seen
    loop.serves()
    pool.serves()
    assert not look(), "not for ever"


def test_what_a_worker_has_served_before_it_is_seen_tells_nothing() -> None:
    worker = Seen(FakeLoop())
    worker.serves(served=7, closed=7)
    assert not ClientSight().look([(worker.worker, worker.loops)])
