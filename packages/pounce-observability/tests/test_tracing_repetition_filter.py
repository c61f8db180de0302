"""What is said once a minute."""

from __future__ import annotations

import logging

from pounce_observability.tracing.repetition_filter import MOST_MESSAGES, RepetitionFilter


def record(message: str, *arguments: object, level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord("x", level, "x.py", 1, message, arguments, None)


def test_a_message_passes_once_a_minute_whatever_its_arguments() -> None:
    now = [5.0]
    passes = RepetitionFilter(lambda: now[0]).filter
    assert passes(record("failed: %s", 1))
    now[0] = 64.9
    assert not passes(record("failed: %s", 2))
    assert not passes(record("failed: %s", 3))
    assert passes(record("another"))
    assert passes(record("failed: %s", 4, level=logging.ERROR))
    now[0] = 65.0
    again = record("failed: %s", 5)
    assert passes(again)
    assert again.getMessage() == "failed: 5 (and 2 times more since it was last said)"
    now[0] = 200.0
    last = record("failed: %s", 6)
    assert passes(last)
    assert last.getMessage() == "failed: 6"


def test_memory_is_bounded() -> None:
    one = RepetitionFilter(lambda: 1.0)
    assert all(one.filter(record(f"message {number}")) for number in range(3 * MOST_MESSAGES))
    assert len(one._held) <= MOST_MESSAGES


def test_a_logger_gets_one() -> None:
    logger = logging.getLogger("pounce.test.repetition")
    RepetitionFilter.add_to([logger.name])
    RepetitionFilter.add_to([logger.name])
    assert len(logger.filters) == 1
