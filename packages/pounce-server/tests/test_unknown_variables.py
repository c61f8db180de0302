"""Variables that are no settings: which are told of, and how."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import pounce
from pounce.config import all_settings
from pounce.unknown_variables import OTHER_VARIABLES, unknown_variables


def lines(**environ: str) -> tuple[str, ...]:
    return unknown_variables(environ, "the variable {}")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("POUNCE_PROT", "did you mean POUNCE_PORT?"),
        ("POUNCE_WORKRES", "did you mean POUNCE_WORKERS?"),
        ("POUNCE_workers", "did you mean POUNCE_WORKERS?"),
        ("POUNCE_KEEP_ALIVE", "did you mean POUNCE_TIMEOUT_KEEP_ALIVE?"),
        ("POUNCE_CONFG", "did you mean POUNCE_CONFIG?"),
        ("POUNCE_QUUX_ZZ", "'pounce settings' lists those that there are"),
    ],
)
def test_a_variable_without_effect_is_told(name: str, advice: str) -> None:
    assert lines(**{name: "4", "OTHER_WORKRES": "4", "_POUNCE_COMPLETE": "4"}) == (
        f"the variable {name} is not a setting; {advice}",
    )


def test_a_name_cannot_write_to_the_terminal() -> None:
    (line,) = lines(**{"POUNCE_\x1b[2J": "1"})
    assert line.startswith("the variable POUNCE_\\x1b[2J is not a setting")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("POUNCE_WORKRES", ""),
        ("POUNCE_CONFIG", "a.toml"),
        ("POUNCE_WORKER_SYS_PATH", "/x"),
        ("POUNCE_LONG_TESTS", "1"),
        ("POUNCE_SERVICE_HOST", "10.0.0.1"),
        ("POUNCE_SERVICE_PORT", "80"),
        ("POUNCE_SERVICE_PORT_HTTP", "80"),
        ("POUNCE_PORT_80_TCP", "tcp://10.0.0.1:80"),
        ("POUNCE_PORT_80_TCP_ADDR", "10.0.0.1"),
        ("POUNCE_WEB_SERVICE_HOST", "10.0.0.1"),
        ("POUNCE_WEB_PORT", "tcp://10.0.0.1:80"),
    ],
)
def test_what_is_no_slip_is_not_told(name: str, value: str) -> None:
    assert lines(**{name: value}) == ()


def test_no_setting_is_told_of() -> None:
    assert lines(**{setting.variable: "x" for setting in all_settings()}) == ()


def test_every_variable_that_the_code_names_is_known() -> None:
    """In all packages that are here as source."""
    source = Path(pounce.__file__).parent
    folders = [*source.parents[2].glob("*/src"), *source.parents[2].glob("*/benchmarks"), source]
    texts = (path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py"))
    named = {name for text in texts for name in re.findall(r"(?<!_)POUNCE_[A-Z0-9_]+", text)}
    assert {"POUNCE_LOG_LEVEL", "POUNCE_WORKER_SYS_PATH"} <= named
    assert named <= {setting.variable for setting in all_settings()} | OTHER_VARIABLES
