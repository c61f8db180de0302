"""Whose turn it is (RFC 9218, 10): by cases, and by a property that holds for all sets of streams."""

from __future__ import annotations

from collections import Counter

from frame_cases import frame, headers
from h2_doubles import GET, Conversation, converse
from hypothesis import given
from hypothesis import strategies as st

from pounce_h2 import Priority, Scheduler

priorities = st.builds(Priority, st.integers(0, 7), st.booleans())
streams = st.dictionaries(st.integers(0, 200).map(lambda number: 2 * number + 1), priorities, max_size=20)


def scheduler_of(members: dict[int, Priority]) -> Scheduler:
    scheduler = Scheduler()
    for stream_id, priority in members.items():
        scheduler.add(stream_id, priority)
    return scheduler


def served(scheduler: Scheduler, count: int) -> list[int]:
    return [scheduler.next() for _ in range(count)]


def test_nobody() -> None:
    assert Scheduler().next() == 0


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
        assert scheduler.next() == 0
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
    assert scheduler.next() == 0


async def big(scope: object, receive: object, send: object) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": bytes(200_000)})  # type: ignore[operator]


def test_priorities_order_responses() -> None:
    """By the header field, and by PRIORITY_UPDATE frames before and after the request."""

    async def scenario() -> None:
        talk = Conversation(big)
        talk.credit = False
        await talk.talk()
        low = talk.begin([*GET, (b"priority", b"u=6")])
        high = talk.begin([*GET, (b"priority", b"u=1")])
        await talk.talk()
        talk.client.increment_flow_control_window(10**6, low)
        talk.client.increment_flow_control_window(10**6, high)
        talk.client.increment_flow_control_window(100_000)
        await talk.talk()
        # Each began with what the window of the connection left; what it is given later goes to the more urgent.
        before = len(talk.answer(high).body)
        assert before >= 100_000
        await talk.send(b"\0\0\x07\x10\0\0\0\0\0\0\0\0" + bytes([low]) + b"u=0")
        talk.client.increment_flow_control_window(50_000)
        await talk.talk()
        assert len(talk.answer(high).body) == before
        later = talk.client.get_next_available_stream_id()
        await talk.send(b"\0\0\x07\x10\0\0\0\0\0\0\0\0" + bytes([later]) + b"u=0")
        assert talk.begin(GET) == later
        await talk.talk()
        assert talk.connection.streams[later].priority.urgency == 0

    converse(scenario)


def test_streams_without_priorities_share() -> None:
    async def scenario() -> None:
        talk = Conversation(big)
        talk.credit = False
        await talk.talk()
        one, two = talk.begin(GET), talk.begin(GET)
        for stream in (one, two):
            talk.client.increment_flow_control_window(10**6, stream)
        await talk.talk()
        talk.client.increment_flow_control_window(16_384 * 10)
        await talk.talk()
        assert abs(len(talk.answer(one).body) - len(talk.answer(two).body)) <= 65_535 + 16_384
        assert len(talk.answer(two).body) >= 16_384 * 4

    converse(scenario)


def test_priorities_of_streams_that_are_never_opened_make_room() -> None:
    async def scenario() -> None:
        talk = Conversation(raw=True)
        await talk.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0))
        for stream_id in range(1, 1001, 2):
            talk.connection.data_received(frame(0x10, 0, 0, stream_id.to_bytes(4, "big") + b"u=0" + b" " * 9000))
        assert len(talk.connection._early_priorities) == 128
        await talk.send(headers(999), frame(0x10, 0, 0, (1001).to_bytes(4, "big") + b"u=1"))
        assert talk.connection._early_priorities == {1001: Priority(1, False)}

    converse(scenario)
