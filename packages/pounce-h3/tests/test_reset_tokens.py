"""Stateless resets (RFC 9000, 10.3)."""

from __future__ import annotations

import pytest

from pounce_h3.reset_tokens import ResetBudget, ResetTokens

ID = b"8 bytes!"


def test_each_id_has_its_token_and_every_worker_makes_the_same() -> None:
    tokens = ResetTokens(b"k" * 32)
    assert tokens.token(ID) == ResetTokens(b"k" * 32).token(ID)
    assert len({tokens.token(ID), tokens.token(b"8 Bytes!"), ResetTokens(b"o" * 32).token(ID)}) == 3


@pytest.mark.parametrize(("size", "length"), [(1200, 43), (44, 43), (43, 42), (22, 21), (21, None), (0, None)])
def test_a_reset_is_smaller_than_what_it_answers(size: int, length: int | None) -> None:
    tokens = ResetTokens(b"k" * 32)
    reset = tokens.reset(ID, size)
    if length is None:
        assert reset is None
    else:
        assert reset is not None
        assert len(reset) == length
        assert reset[0] & 0xC0 == 0x40  # a short header
        assert reset.endswith(tokens.token(ID))


def test_two_servers_that_answer_each_other_come_to_an_end() -> None:
    tokens, size, answers = ResetTokens(b"k" * 32), 1200, 0
    while (reset := tokens.reset(ID, size)) is not None:
        size, answers = len(reset), answers + 1
    assert answers == 23


def test_no_two_resets_look_alike() -> None:
    tokens = ResetTokens(b"k" * 32)
    assert tokens.reset(ID, 100) != tokens.reset(ID, 100)


def test_resets_are_rationed() -> None:
    budget = ResetBudget(0.0, rate=5)
    assert [budget.take(0.0) for _ in range(6)] == [True] * 5 + [False]
    assert not budget.take(0.1)
    assert budget.take(0.31)
    assert not budget.take(0.32)
    assert [budget.take(100.0) for _ in range(6)] == [True] * 5 + [False]
