"""What runs us."""

from __future__ import annotations

import platform
import sys
import sysconfig

import pytest

from pounce.interpreter import describe_interpreter, gil_is_on, is_free_threaded

BUILT_WITHOUT = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def test_describes_this_interpreter() -> None:
    words = describe_interpreter()
    assert words.startswith(f"{platform.python_implementation()} {platform.python_version()}")
    assert is_free_threaded() is BUILT_WITHOUT
    assert ("free-threaded" in words) is BUILT_WITHOUT
    assert words.endswith("GIL on" if gil_is_on() else "GIL off")


@pytest.mark.parametrize("enabled", [True, False])
def test_asks_the_interpreter_each_time(monkeypatch: pytest.MonkeyPatch, enabled: bool) -> None:
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: enabled, raising=False)
    assert gil_is_on() is enabled


def test_without_the_question_there_is_a_gil(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(sys, "_is_gil_enabled", raising=False)
    assert gil_is_on()
