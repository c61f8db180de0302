"""What happens again and again is said once a minute."""

from __future__ import annotations

import threading

from pounce_observability.advice.repeats import Repeat, Repeats


def shown(repeats: list[Repeat[str]]) -> list[tuple[object, str, int, float]]:
    return [(one.key, one.example, one.count, one.worst) for one in repeats]


def test_the_first_is_said_at_once_and_those_after_it_when_a_minute_is_over() -> None:
    repeats: Repeats[str] = Repeats()
    assert repeats.due(0) == []
    repeats.note("a", "one", 10, 1.0)
    assert shown(repeats.due(10)) == [("a", "one", 1, 1.0)]
    assert repeats.due(11) == []
    for second in (20, 30, 40):
        repeats.note("a", f"at {second}", second, second / 10)
    repeats.note("a", "less", 50, 0.5)
    assert repeats.due(69.9) == []
    (again,) = repeats.due(70)
    assert shown([again]) == [("a", "at 40", 4, 4.0)]
    assert (again.since, again.last, again.said) == (20, 50, 10)
    assert repeats.due(200) == []


def test_different_things_do_not_wait_for_each_other() -> None:
    repeats: Repeats[str] = Repeats()
    repeats.note("a", "a", 0)
    assert len(repeats.due(0)) == 1
    repeats.note("b", "b", 1)
    assert shown(repeats.due(1)) == [("b", "b", 1, 0)]


def test_at_the_end_everything_is_said() -> None:
    repeats: Repeats[str] = Repeats()
    repeats.note("a", "a", 0)
    repeats.due(0)
    repeats.note("a", "again", 1)
    assert shown(repeats.due(2, everything=True)) == [("a", "again", 1, 0)]
    assert repeats.due(3, everything=True) == []


def test_what_has_not_happened_for_a_minute_makes_room() -> None:
    repeats: Repeats[str] = Repeats(most=2)
    for key in ("a", "b", "c"):
        repeats.note(key, key, 0)
    assert repeats.untold == 1
    assert [one.key for one in repeats.due(0)] == ["a", "b"]
    repeats.due(59)
    repeats.note("c", "c", 59)
    assert repeats.due(59) == []
    repeats.due(60)
    repeats.note("c", "c", 61)
    assert [one.key for one in repeats.due(61)] == ["c"]


def test_threads_count_together() -> None:
    repeats: Repeats[str] = Repeats()

    def count() -> None:
        for number in range(1000):
            repeats.note(number % 3, "x", 0)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.count for one in repeats.due(0)) == 4000
