"""Messages as text: what an exception says cannot be taken for something else."""

from __future__ import annotations

import logging

import pytest

from pounce_observability.logging_setup.text_format import TextFormatter


def formatted(error: Exception) -> str:
    with pytest.raises(type(error)) as raised:
        raise error
    record = logging.LogRecord(
        "pounce.error", logging.ERROR, __file__, 1, "It failed", (), (raised.type, raised.value, raised.tb)
    )
    return TextFormatter().format(record)


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("no \x1b[2J\x1b]0;x\x07 there", r"no \x1b[2J\x1b]0;x\x07 there"),
        ("a\rb\x7f\x9b31m\u2028c", r"a\rb\x7f\x9b31m\u2028c"),
        ("two\nlines\twith tabs", "two\nlines\twith tabs"),
        ("é and 漢", "é and 漢"),
    ],
)
def test_an_exception_drives_no_terminal(said: str, shown: str) -> None:
    assert formatted(KeyError()).startswith("ERROR:    It failed\nTraceback (most recent call last):\n")
    assert formatted(RuntimeError(said)).endswith(f"\nRuntimeError: {shown}")


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"])
def test_an_exception_begins_no_line_of_the_log(level: str) -> None:
    text = formatted(RuntimeError(f"no such path\n{level}:     Stopped, all is well"))
    lines = text.splitlines()
    assert [line for line in lines[1:] if line.startswith(level)] == []
    assert lines[-1] == f"  {level}:     Stopped, all is well"
