"""Whose turn it is (RFC 9218, 10): by cases, and by a property that holds for all sets of streams."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pounce_asgi.multiplexed import Priority, Scheduler

priorities = st.builds(Priority, st.integers(0, 7), st.booleans())
streams = st.dictionaries(st.integers(0, 200).map(lambda number: 4 * number), priorities, max_size=20)


def scheduler_of(members: dict[int, Priority]) -> Scheduler:
    scheduler = Scheduler()
    for stream_id, priority in members.items():
        scheduler.add(stream_id, priority)
    return scheduler


def served(scheduler: Scheduler, count: int) -> list[int]:
    return [scheduler.next() for _ in range(count)]


def test_nobody() -> None:
    assert Scheduler().next() == -1


def test_urgent_ones_first() -> None:
    scheduler = scheduler_of({1: Priority(3, True), 3: Priority(0, True), 5: Priority(7, False)})
    assert served(scheduler, 3) == [3, 3, 3]
    scheduler.remove(3)
    assert served(scheduler, 2) == [1, 1]


def test_incremental_ones_take_turns() -> None:
    scheduler = scheduler_of({1: Priority(3, True), 3: Priority(3, True), 5: Priority(3, True)})
    assert served(scheduler, 6) == [1, 3, 5, 1, 3, 5]


def test_others_go_one_after_the_other() -> None:
    scheduler = scheduler_of({5: Priority(3, False), 1: Priority(3, False), 3: Priority(3, False)})
    assert served(scheduler, 3) == [1, 1, 1]
    scheduler.remove(1)
    assert served(scheduler, 2) == [3, 3]


def test_both_kinds_share() -> None:
    scheduler = scheduler_of({1: Priority(3, False), 3: Priority(3, False), 5: Priority(3, True)})
    assert Counter(served(scheduler, 10)) == {1: 5, 5: 5}


def test_a_change_counts_at_once() -> None:
    scheduler = scheduler_of({1: Priority(3, True), 3: Priority(3, True)})
    scheduler.change(3, Priority(1, True))
    scheduler.change(99, Priority(0, True))
    assert served(scheduler, 3) == [3, 3, 3]


@given(streams, st.integers(1, 5))
def test_fairness(members: dict[int, Priority], rounds: int) -> None:
    """Only the most urgent level is served; in it nobody who takes turns gets more than one turn more than another, and
    of those who do not the first gets all the turns that they have together.
    """
    scheduler = scheduler_of(members)
    if not members:
        assert scheduler.next() == -1
        return
    urgency = min(priority.urgency for priority in members.values())
    level = {stream_id: priority for stream_id, priority in members.items() if priority.urgency == urgency}
    shared = [stream_id for stream_id, priority in level.items() if priority.incremental]
    alone = [stream_id for stream_id, priority in level.items() if not priority.incremental]
    entitled = [*shared, *([min(alone)] if alone else [])]
    turns = Counter(served(scheduler, rounds * len(entitled)))
    assert turns == dict.fromkeys(entitled, rounds)


@given(streams, st.data())
def test_everybody_is_served_in_the_end(members: dict[int, Priority], data: st.DataObject) -> None:
    """Whatever each has to send, coming and going in any order: all of it is sent, and nothing else is."""
    left = {stream_id: data.draw(st.integers(1, 5)) for stream_id in members}
    scheduler = scheduler_of(members)
    steps = sum(left.values())
    for _ in range(steps):
        stream_id = scheduler.next()
        assert left[stream_id] > 0
        left[stream_id] -= 1
        if not left[stream_id]:
            scheduler.remove(stream_id)
        elif data.draw(st.booleans()):
            scheduler.change(stream_id, data.draw(priorities))
    assert not any(left.values())
    assert len(scheduler) == 0
    assert scheduler.next() == -1
