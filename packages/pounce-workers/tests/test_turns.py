"""What a connection has still to do."""

from __future__ import annotations

import pytest

from pounce_workers.net.turns import Turns


def test_callbacks_run_in_order_and_what_they_add_in_the_next_turn() -> None:
    turns = Turns()
    seen: list[str] = []

    def first(word: str) -> None:
        seen.append(word)
        turns.call_soon(seen.append, "later")

    assert not turns
    turns.call_soon(first, "one")
    turns.call_soon(seen.append, "two")
    turns.run()
    assert (seen, bool(turns)) == (["one", "two"], True)
    turns.run()
    assert (seen, bool(turns)) == (["one", "two", "later"], False)


def test_one_that_fails_leaves_the_others_for_later() -> None:
    turns = Turns()
    seen: list[int] = []
    turns.call_soon(lambda: 1 // 0)
    turns.call_soon(seen.append, 1)
    with pytest.raises(ZeroDivisionError):
        turns.run()
    turns.run()
    assert seen == [1]


def test_a_future_that_is_done_calls_back_at_once() -> None:
    future = Turns().create_future()
    seen: list[int] = []
    future.set_result(5)
    future.add_done_callback(lambda done: seen.append(done.result()))
    assert seen == [5]
