"""The template loads, as it is and with any of its lines in force, and means the defaults."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pounce import ServerConfig, load_config
from pounce.config import all_settings
from pounce.config_template import NOT_SET, config_template
from pounce.settings import Kind

TEMPLATE = config_template(all_settings())
LINES = re.findall(r"^#([a-z0-9_]+) = (.*)$", TEMPLATE, re.MULTILINE)
DEFAULTS = ServerConfig(app="main:app")
OF_DEFAULTS = [name for name, value in LINES if not value.endswith(NOT_SET)]


def loaded(text: str) -> ServerConfig:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pounce.toml").write_text(text, encoding="utf-8")
        return load_config({"app": "main:app"}, {}, folder=Path(folder)).config


def in_force(names: frozenset[str]) -> str:
    return re.sub(r"^#([a-z0-9_]+)(?= = )", lambda it: it[1] if it[1] in names else it[0], TEMPLATE, flags=re.MULTILINE)


def test_it_loads_as_it_is() -> None:
    assert loaded(TEMPLATE) == DEFAULTS


def test_with_every_default_in_force_it_means_the_same() -> None:
    assert loaded(in_force(frozenset(OF_DEFAULTS))) == DEFAULTS


@settings(max_examples=25, deadline=None)
@given(st.frozensets(st.sampled_from(OF_DEFAULTS)))
def test_with_some_in_force_it_means_the_same(names: frozenset[str]) -> None:
    assert loaded(in_force(names)) == DEFAULTS


def test_every_setting_is_in_it_once() -> None:
    assert [name for name, _ in LINES] == [setting.key for setting in sorted(all_settings(), key=order)]


def order(setting: object) -> int:
    groups = list(dict.fromkeys(one.group for one in all_settings()))
    return groups.index(setting.group)  # type: ignore[attr-defined]


def test_only_what_has_no_word_is_an_example() -> None:
    examples = {name for name, value in LINES if value.endswith(NOT_SET)}
    without_a_word = {
        setting.name
        for setting in all_settings()
        if setting.kind is Kind.APPLICATION
        or (setting.default is None and setting.kind not in (Kind.WHOLE, Kind.NUMBER))
    }
    assert examples == without_a_word


NEEDS = {"ssl_keyfile": {"ssl_certfile"}, "ssl_ca_certs": {"ssl_certfile"}}


@pytest.mark.parametrize("name", [name for name, value in LINES if value.endswith(NOT_SET)])
def test_every_example_is_a_value(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "env_file":  # the one that is read at once
        pytest.importorskip("dotenv")
        monkeypatch.chdir(tmp_path)
        Path("FILE").touch()
    loaded(in_force(frozenset({name} | NEEDS.get(name, set()))))


def test_comments_are_narrow() -> None:
    assert all(len(line) <= 100 for line in TEMPLATE.splitlines() if line.startswith("# "))


def test_its_key_and_help_are_those_of_the_setting() -> None:
    flat = re.sub(r"\s*\n# ", " ", TEMPLATE)
    for setting in all_settings():
        assert setting.help in flat
