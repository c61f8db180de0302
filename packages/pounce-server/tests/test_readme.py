"""The README says only what is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pounce import load_config
from pounce.cli import FLAG_ALIASES
from pounce.config import all_settings
from pounce.unavailable import unavailable

README = Path(__file__).parent.parent.joinpath("README.md").read_text(encoding="utf-8")
FLAGS = {flag for setting in all_settings() for flag in (setting.flag, setting.off_flag)}
OTHERS = {"--all", "--changed", "--config", "--force", "--help", "--help-all", "--json", "--schema", "--strict"} | {
    alias for aliases in FLAG_ALIASES.values() for alias in aliases
}


@pytest.mark.parametrize("flag", sorted(set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", README))))
def test_flags_exist(flag: str) -> None:
    assert flag in FLAGS or flag in OTHERS or unavailable(flag)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"POUNCE_\w+", README))))
def test_variables_exist(name: str) -> None:
    assert name in {setting.variable for setting in all_settings()}


def test_the_file_loads(tmp_path: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    (tmp_path / "pounce.toml").write_text(example, encoding="utf-8")
    loaded = load_config({}, {}, folder=tmp_path)
    assert loaded.config.app == "main:app"
    assert loaded.config.exchange.header == (("X-Frame-Options", "DENY"),)


@pytest.mark.parametrize("code", re.findall(r"```python\n(.*?)```", README, re.DOTALL))
def test_examples_run(code: str) -> None:
    exec(compile(code, "README.md", "exec"), {"__name__": "readme"})
