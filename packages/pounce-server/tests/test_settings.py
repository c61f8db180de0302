"""A field declared once gives flag, variable, key and kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pytest

from pounce.settings import Kind, Setting, nearest, settings_of
from pounce_workers.tls_settings import TlsSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    wait_long: float | None = field(default=1.5, metadata={"help": "Wait.", "unit": "seconds", "minimum": 0})
    mode: Literal["a", "b"] = "a"
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outer:
    name: str
    on: bool = field(default=True, metadata={"group": "Switches"})
    words: tuple[str, ...] = ()
    count: int | None = None
    inner: Inner = field(default_factory=Inner, metadata={"group": "Inside"})
    tls: TlsSettings = field(default_factory=TlsSettings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clashing:
    mode: str = ""
    inner: Inner = field(default_factory=Inner)


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    thing: dict[str, str] = field(default_factory=dict)


BY_NAME = {setting.name: setting for setting in settings_of(Outer)}


def test_order_is_that_of_declaration() -> None:
    assert list(BY_NAME)[:8] == ["name", "on", "words", "count", "wait_long", "mode", "fields", "ssl_certfile"]


@pytest.mark.parametrize(
    ("name", "kind", "optional", "section", "group"),
    [
        ("name", Kind.TEXT, False, None, "General"),
        ("on", Kind.SWITCH, False, None, "Switches"),
        ("words", Kind.TEXTS, False, None, "General"),
        ("count", Kind.WHOLE, True, None, "General"),
        ("wait_long", Kind.NUMBER, True, "inner", "Inside"),
        ("mode", Kind.CHOICE, False, "inner", "Inside"),
        ("fields", Kind.HEADERS, False, "inner", "Inside"),
        ("ssl_certificate", Kind.CERTIFICATES, False, "tls", "tls"),
    ],
)
def test_kind_and_place(name: str, kind: Kind, optional: bool, section: str | None, group: str) -> None:
    setting = BY_NAME[name]
    assert (setting.kind, setting.optional, setting.section, setting.group) == (kind, optional, section, group)


def test_names_are_derived() -> None:
    setting = BY_NAME["wait_long"]
    assert setting.flag == "--wait-long"
    assert setting.off_flag is None
    assert setting.variable == "POUNCE_WAIT_LONG"
    assert setting.key == "wait_long"
    assert BY_NAME["on"].off_flag == "--no-on"


def test_metadata_is_taken_over() -> None:
    setting = BY_NAME["wait_long"]
    assert (setting.help, setting.unit, setting.minimum, setting.maximum) == ("Wait.", "seconds", 0, None)
    assert BY_NAME["mode"].choices == ("a", "b")


@pytest.mark.parametrize(
    ("name", "text"), [("name", ""), ("on", "on"), ("wait_long", "1.5"), ("count", ""), ("mode", "a"), ("words", "")]
)
def test_default_as_a_person_writes_it(name: str, text: str) -> None:
    assert BY_NAME[name].default_text == text


def test_repeated_flags() -> None:
    assert [setting.name for setting in BY_NAME.values() if setting.repeated] == ["words", "fields", "ssl_certificate"]


def test_keys_in_the_file() -> None:
    assert BY_NAME["mode"].keys == ("mode",)
    assert BY_NAME["ssl_certificate"].keys == ("ssl_certificate", "tls.certificates")


def test_secrets_are_known_as_such() -> None:
    assert [setting.name for setting in BY_NAME.values() if setting.secret] == ["ssl_keyfile_password"]


def test_one_name_cannot_stand_for_two_settings() -> None:
    with pytest.raises(TypeError, match="two settings are named 'mode'"):
        settings_of(Clashing)


def test_a_type_without_a_rule_is_our_mistake() -> None:
    with pytest.raises(TypeError, match="'thing' has a type without a rule"):
        settings_of(Odd)


@pytest.mark.parametrize(("name", "match"), [("prot", "port"), ("hots", "host"), ("zzz", None)])
def test_nearest(name: str, match: str | None) -> None:
    assert nearest(name, ["port", "host", "uds"]) == match


def test_settings_are_values() -> None:
    assert settings_of(Outer) == settings_of(Outer)
    assert isinstance(hash(BY_NAME["mode"]), int)
    assert isinstance(BY_NAME["mode"], Setting)
