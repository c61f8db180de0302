"""A turn that is watched: the selector notes when it begins and ends, and only of those that somebody asked for."""

from __future__ import annotations

import asyncio
import time

from pounce_workers.net.loop import ServingLoop
from pounce_workers.net.watched_turn import WatchedTurn

HANGS_AFTER = 15.0
HELD = 0.005


def watched() -> WatchedTurn:
    return WatchedTurn(time.monotonic())


def test_a_turn_that_is_under_way_has_an_end_and_no_beginning() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ServingLoop)
        turn = loop.serving_selector.turn = watched()
        assert (turn.began, turn.ended) == (0, 0)
        await asyncio.sleep(0)
        assert turn.began == 0
        assert turn.asked <= turn.ended <= time.monotonic()
        assert loop.serving_selector.turn is None, "it is watched once"

    with asyncio.Runner(loop_factory=ServingLoop) as runner:
        runner.run(main())


def test_one_asked_for_while_the_loop_waits_is_seen_whole() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ServingLoop)
        turn = watched()
        before = await asyncio.to_thread(_ask_while_it_sleeps, loop, turn)
        assert before == (0, 0)
        assert turn.asked < turn.began < turn.ended <= time.monotonic()
        assert turn.ended - turn.began >= HELD

    with asyncio.Runner(loop_factory=ServingLoop) as runner:
        runner.run(main())


def _ask_while_it_sleeps(loop: ServingLoop, turn: WatchedTurn) -> tuple[float, float]:
    """In another thread, as those do that watch. What is known while it sleeps on."""
    end = time.monotonic() + HANGS_AFTER
    while not loop.serving_selector.may_sleep:
        assert time.monotonic() < end
        time.sleep(0.001)
    # What it sleeps for is the end of this call.
    loop.serving_selector.turn = turn
    before = (turn.began, turn.ended)
    loop.call_soon_threadsafe(time.sleep, HELD)
    while not turn.ended:
        assert time.monotonic() < end
        time.sleep(0.001)
    return before


def test_a_loop_nobody_watches_notes_nothing() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, ServingLoop)
        await asyncio.sleep(0.001)
        assert loop.serving_selector.turn is None

    with asyncio.Runner(loop_factory=ServingLoop) as runner:
        runner.run(main())
