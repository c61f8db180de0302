"""The help that fits a screen."""

from __future__ import annotations

import pytest

from pounce.cli import COMMANDS, run_command
from pounce.config import all_settings
from pounce.help_screen import COMMON, LINES, WIDTH, short_help
from pounce.settings import Kind

Capture = pytest.CaptureFixture[str]
SETTINGS = {setting.name: setting for setting in all_settings()}


@pytest.mark.parametrize("arguments", ["--help", "-h", "serve --help", "serve -h"])
def test_fits_a_screen(arguments: str, capsys: Capture) -> None:
    assert run_command(arguments.split()) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= LINES
    assert max(map(len, lines)) <= WIDTH


@pytest.mark.parametrize("name", [name for common in COMMON.values() for name in common])
def test_says_of_each_option_what_it_takes_and_what_is_the_default(name: str) -> None:
    setting = SETTINGS[name]
    (row,) = (line for line in short_help([]).splitlines() if f"  {flag(name)} " in line)
    if setting.kind is not Kind.SWITCH:
        assert setting.default_text in row


def test_a_switch_that_is_on_is_shown_with_what_ends_it() -> None:
    assert "--no-access-log " in short_help([])


def test_every_command_has_its_line(capsys: Capture) -> None:
    run_command(["--help"])
    out = capsys.readouterr().out
    for name, command in COMMANDS.items():
        assert f"  {name} " in out
        assert command.help.rstrip(".") in out


def test_an_extra_that_is_not_installed_leaves_its_options_out(monkeypatch: pytest.MonkeyPatch) -> None:
    rest = tuple(setting for setting in all_settings() if setting.name != "forwarded_allow_ips")
    monkeypatch.setattr("pounce.help_screen.all_settings", lambda: rest)
    assert "--forwarded-allow-ips" not in short_help([])


def test_a_list_is_shown_as_a_person_writes_it() -> None:
    assert SETTINGS["proxy_allow_ips"].default_text == "127.0.0.1, ::1, unix"


def flag(name: str) -> str:
    setting = SETTINGS[name]
    return (setting.off_flag if setting.default is True else None) or setting.flag
