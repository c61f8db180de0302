"""What is written into a file reads back as the same value."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from setting_strategies import values_of

from pounce.config import all_settings
from pounce.settings import Kind
from pounce.toml_text import toml_text
from pounce.values import check

if TYPE_CHECKING:
    from pounce.settings import Setting

SETTINGS = {setting.name: setting for setting in all_settings()}


@given(st.data())
def test_every_value_of_every_setting_comes_back(data: st.DataObject) -> None:
    setting: Setting = data.draw(st.sampled_from(all_settings()))
    value: Any = data.draw(values_of(setting))
    text = toml_text(setting, value)
    if text is None:
        assert value is None
        return
    read = check(setting, tomllib.loads(f"x = {text}")["x"])
    assert read == value


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("port", 8000, "8000"),
        ("workers", 0, '"auto"'),
        ("timeout_keep_alive", 75.0, "75"),
        ("timeout_keep_alive", 0.25, "0.25"),
        ("limit_concurrency", None, '"none"'),
        ("uds", None, None),
        ("proxy_headers", None, None),
        ("factory", True, "true"),
        ("app_name", 'a"b\\c\n\x7f\u00e9', '"a\\"b\\\\c\\n\\u007f\u00e9"'),
        ("header", (("X-A", "1"),), '["X-A: 1"]'),
        ("reload_dir", ("a", "b"), '["a", "b"]'),
    ],
)
def test_it_is_written_as_a_person_would(name: str, value: object, text: str | None) -> None:
    assert toml_text(SETTINGS[name], value) == text


def test_what_toml_has_no_word_for_is_an_error() -> None:
    with pytest.raises(TypeError, match="TOML has no word for"):
        toml_text(SETTINGS["app_name"], object())


def test_every_kind_is_tried() -> None:
    assert {setting.kind for setting in all_settings()} == set(Kind)
