"""Optional packages: found without importing them, and named when missing."""

from __future__ import annotations

import sys

import pytest

from pounce import ConfigError
from pounce.features import FEATURES, Feature

MISSING = Feature("extra", "no_such_module_anywhere")


def test_found_without_importing() -> None:
    assert Feature("x", "this").installed
    assert "this" not in sys.modules


@pytest.mark.parametrize("module", ["no_such_module_anywhere", "no_such_package.module"])
def test_missing(module: str) -> None:
    assert not Feature("x", module).installed


def test_missing_says_what_to_install() -> None:
    with pytest.raises(ConfigError) as caught:
        MISSING.require("loop x")
    assert str(caught.value) == (
        "loop x needs no_such_module_anywhere, which is not installed: pip install 'pounce-server[extra]'"
    )


def test_load_imports() -> None:
    assert Feature("x", "json").load("x") is sys.modules["json"]


def test_one_entry_each() -> None:
    assert len({feature.extra for feature in FEATURES}) == len(FEATURES)
