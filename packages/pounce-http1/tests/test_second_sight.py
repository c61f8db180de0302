"""Kept at second sight, and bounded."""

from __future__ import annotations

from pounce_http1.second_sight import SecondSight


def _see(memo: SecondSight[int], key: bytes) -> bool:
    """One sight; whether it was known."""
    if memo.get(key) is not None:
        return True
    memo.offer(key, 1)
    return False


def test_kept_at_second_sight() -> None:
    memo: SecondSight[int] = SecondSight(max_entries=8, max_bytes=100)
    assert [_see(memo, b"block") for _ in range(4)] == [False, False, True, True]
    assert (len(memo), memo.bytes) == (1, 5)


def test_a_newer_value_replaces_the_old_one() -> None:
    memo: SecondSight[int] = SecondSight(max_entries=8, max_bytes=100)
    assert [memo.offer(b"key", value) for value in range(3)] == [False, True, True]
    assert memo.get(b"key") == 2
    assert memo.bytes == 3


def test_bounded_in_entries_and_bytes() -> None:
    for most, entries in ((1000, 8), (900, 1000)):
        memo: SecondSight[int] = SecondSight(max_entries=entries, max_bytes=most)
        for number in range(300):
            for _ in range(3):
                _see(memo, b"%0100d" % number)
            assert len(memo) <= entries
            assert memo.bytes == 100 * len(memo) <= most
        assert memo.get(b"%0100d" % 299)


def test_what_comes_once_is_never_kept() -> None:
    memo: SecondSight[int] = SecondSight(max_entries=1000, max_bytes=100_000)
    for number in range(3000):
        assert not _see(memo, b"%d" % number)
    assert (len(memo), memo.bytes) == (0, 0)
