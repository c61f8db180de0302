"""Which paths have streamed lately."""

from __future__ import annotations

from pounce_workers.serving.streaming_paths import MOST_PATHS, REMEMBERED_FOR, StreamingPaths


class _Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_path_is_remembered_and_others_are_not() -> None:
    paths = StreamingPaths()
    assert b"/a" not in paths
    paths.add(b"/a")
    assert b"/a" in paths
    assert b"/b" not in paths


def test_it_is_forgotten_in_time_unless_it_streams_again() -> None:
    clock = _Clock()
    paths = StreamingPaths(clock)
    paths.add(b"/a")
    paths.add(b"/b")
    clock.now += REMEMBERED_FOR - 1
    paths.add(b"/b")
    assert b"/a" in paths
    clock.now += 1
    assert b"/a" not in paths
    assert b"/b" in paths
    assert len(paths) == 1


def test_the_one_that_streamed_longest_ago_makes_room() -> None:
    paths = StreamingPaths()
    for number in range(MOST_PATHS):
        paths.add(b"/%d" % number)
    paths.add(b"/0")
    paths.add(b"/new")
    assert len(paths) == MOST_PATHS
    assert b"/1" not in paths
    assert b"/0" in paths
    assert b"/new" in paths
