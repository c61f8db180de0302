"""Texts that are made again and again."""

from __future__ import annotations

from pounce_observability.access_log.remembered import LONGEST, MOST, Remembered


def test_a_text_is_made_once_while_it_is_known() -> None:
    made: list[int] = []

    def make(key: int) -> str:
        made.append(key)
        return str(key)

    texts = Remembered(make)
    assert [texts.of(key) for key in (1, 2, 1, 2)] == ["1", "2", "1", "2"]
    assert made == [1, 2]


def test_it_stays_small() -> None:
    texts = Remembered[int](str)
    for key in range(10 * MOST):
        assert texts.of(key) == str(key)
        assert len(texts) <= MOST


def test_long_texts_are_not_kept() -> None:
    texts = Remembered[str](lambda key: key)
    long = "x" * (LONGEST + 1)
    assert texts.of(long) == long
    assert len(texts) == 0
