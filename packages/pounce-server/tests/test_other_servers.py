"""Whoever comes from another server types its options: each is ours too, or is answered with what to use instead."""

from __future__ import annotations

import re

import click
import pytest
from other_servers_options import OPTIONS, USES, VERSIONS

from pounce.cli import FLAG_ALIASES, run_command
from pounce.config import all_settings
from pounce.option_errors import explain
from pounce.other_servers import ELSEWHERE
from pounce.setting_options import setting_parameters
from pounce.unavailable import unavailable
from pounce.value_hints import VALUES_ELSEWHERE

OURS = {flag for setting in all_settings() for flag in (setting.flag, setting.off_flag) if flag} | {
    "--config",
    *(alias for aliases in FLAG_ALIASES.values() for alias in aliases),
}
EVERY = [(server, option) for server, text in OPTIONS.items() for option in text.split()]
WITHOUT_A_HINT = {"--reset-contextvars"}
MISSPELT_BY_THEM = {"--limit-request-field_size": "there is no option --limit-request-field_size; did you mean "}


@pytest.mark.parametrize(("server", "option"), EVERY)
def test_every_option_of_theirs_is_ours_or_is_explained(server: str, option: str) -> None:
    if option in OURS:
        return
    line = explain(click.NoSuchOption(option, ctx=click.Context(command())))
    expected = MISSPELT_BY_THEM.get(option, f"{option} is not ")
    assert line.startswith(expected)
    assert option in WITHOUT_A_HINT or "; " in line


@pytest.mark.parametrize(("server", "use", "said"), USES)
def test_what_they_take_means_the_same_or_is_explained(
    server: str, use: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert use.split()[0] in OPTIONS[server].split() or use.startswith("--worker-kind")  # what our hint names
    code = run_command(["config", "show", "--changed", "main:app", *use.split()])
    err = capsys.readouterr().err
    assert (code, err) == (0, "") if not said else code == 2
    assert said in err
    assert err.count("\n") <= 1


@pytest.mark.parametrize("name", VALUES_ELSEWHERE)
def test_hints_for_values_name_options_and_settings_that_exist(name: str) -> None:
    (setting,) = (one for one in all_settings() if one.name == name)
    for value, hint in VALUES_ELSEWHERE[name].items():
        assert value not in setting.choices
        assert set(re.findall(r"--[a-z][a-z0-9-]+", hint)) <= OURS
        written = re.match(r"write ([a-z0-9]+)", hint)
        assert written is None or written[1] in setting.choices


def test_all_four_are_there() -> None:
    assert set(OPTIONS) == set(VERSIONS) == {"uvicorn", "gunicorn", "hypercorn", "granian"}
    assert all(len(text.split()) > 40 for text in OPTIONS.values())


def test_most_of_uvicorns_are_ours() -> None:
    theirs = set(OPTIONS["uvicorn"].split())
    assert len(theirs & OURS) > 0.85 * len(theirs)


def test_the_table_has_nothing_that_nobody_has() -> None:
    theirs = {option.removeprefix("--") for _, option in EVERY}
    of_older_releases = {"log-config-dict"}  # a key of gunicorn's file
    assert set(ELSEWHERE) - theirs == of_older_releases


@pytest.mark.parametrize("name", ELSEWHERE)
def test_hints_name_options_that_exist(name: str) -> None:
    flags = set(re.findall(r"--[a-z][a-z0-9-]+", ELSEWHERE[name])) - {"--version"}
    assert flags <= OURS


def test_keys_of_their_files_are_explained_too() -> None:
    assert unavailable("max_requests") == "max_requests is not an option of this server; use --limit-max-requests"


def command() -> click.Command:
    return click.Command("serve", params=setting_parameters())
