"""What is said beside what is allowed."""

from __future__ import annotations

from typing import Any

import pytest

from pounce import ConfigError, ServerConfig
from pounce.settings import Kind, Setting
from pounce.value_hints import value_hint


def setting(name: str = "it", **changes: Any) -> Setting:
    plain: dict[str, Any] = {"section": None, "optional": False, "default": None, "help": "", "group": ""}
    return Setting(name=name, kind=changes.pop("kind", Kind.CHOICE), **(plain | changes))


SECONDS = setting(kind=Kind.NUMBER, unit="seconds")
BYTES = setting(kind=Kind.WHOLE, unit="bytes")
LEVEL = setting("log_level", choices=("error", "warning", "info", "debug"))
WORKERS = setting(kind=Kind.WHOLE, words=(("auto", 0),))


@pytest.mark.parametrize(
    ("one", "value", "hint"),
    [
        (SECONDS, "6h", "; without a unit: 21600"),
        (SECONDS, "500ms", "; without a unit: 0.5"),
        (SECONDS, "1.5 m", "; without a unit: 90"),
        (SECONDS, "5 parsecs", ""),
        (SECONDS, "-5", ""),
        (SECONDS, "", ""),
        (SECONDS, None, ""),
        (BYTES, "16K", "; without a unit: 16384"),
        (BYTES, "10MiB", "; without a unit: 10485760"),
        (BYTES, "5s", ""),
        (LEVEL, "WARNING", "; did you mean 'warning'?"),
        (LEVEL, "trace", "; write debug"),
        (LEVEL, "eror", "; did you mean 'error'?"),
        (LEVEL, "zzz", ""),
        (WORKERS, "aut", "; did you mean 'auto'?"),
        (setting(choices=("secret",), secret=True), "secre", ""),
    ],
)
def test_what_was_probably_meant(one: Setting, value: object, hint: str) -> None:
    assert value_hint(one, value) == hint


def test_a_program_hears_it_too() -> None:
    with pytest.raises(ConfigError, match=r"; it must be .*, debug; did you mean 'info'\?$"):
        ServerConfig.of({"app": "main:app", "log_level": "Info"})
