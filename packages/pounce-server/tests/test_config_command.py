"""``pounce config``."""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from pounce.cli import run_command
from pounce.config import all_settings

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def shown(capsys: Capture, *arguments: str) -> str:
    assert run_command(["config", "show", *arguments]) == 0
    return capsys.readouterr().out


def as_json(capsys: Capture, *arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(shown(capsys, *arguments, "--json"))
    return found


def test_every_setting_is_shown_with_its_origin(
    capsys: Capture, empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (empty_folder / "pounce.toml").write_text('app = "main:app"\nport = 3\nhost = "three"\nbacklog = 3\n')
    monkeypatch.setenv("POUNCE_PORT", "2")
    monkeypatch.setenv("POUNCE_HOST", "two")
    rows = as_json(capsys, "--port", "1")
    assert set(rows) == {setting.name for setting in all_settings()}
    found = {name: (rows[name]["value"], rows[name]["origin"]) for name in ("app", "port", "host", "backlog", "loop")}
    assert found == {
        "app": ("main:app", "app in pounce.toml"),
        "port": (1, "--port"),
        "host": ("two", "the variable POUNCE_HOST"),
        "backlog": (3, "backlog in pounce.toml"),
        "loop": ("auto", "default"),
    }


def test_for_people_origins_are_told_of_what_was_given(capsys: Capture) -> None:
    out = shown(capsys, "main:app", "--port", "1", "--no-access-log", "--header", "X-A: b", "--workers", "auto")
    lines = out.splitlines()
    for line in (
        "Address:",
        "  app = main:app    (the command line)",
        "  port = 1    (--port)",
        "  host = 127.0.0.1",
        "  access_log = off    (--access-log)",
        "  header = X-A: b    (--header)",
        "  workers = auto    (--workers)",
        "  limit_concurrency = none",
        "  timeout_keep_alive = 75",
        "  bind = nothing",
    ):
        assert line in lines
    headings = [line for line in lines if line.endswith(":") and not line.startswith(" ")]
    assert len(headings) == len(set(headings))


def test_changed_are_those_that_are_not_the_default(capsys: Capture) -> None:
    assert shown(capsys, "--changed") == "Everything is as it is by default.\n"
    out = shown(capsys, "main:app", "--port", "8000", "--backlog", "5", "--changed")
    assert out.split("\n\n") == [
        "Application:\n  app = main:app    (the command line)",
        "Workers:\n  backlog = 5    (--backlog)\n",
    ]


SCHEMES = {"rate_limit_store": "redis"}
SECRETS = """
ssl_certfile = "c.pem"
middleware = [{use = "m:C", key = "s3cret"}]
[[tls.certificates]]
certfile = "d.pem"
keyfile_password = "s3cret"
"""


@pytest.mark.parametrize("arguments", [[], ["--json"], ["--changed"]])
def test_secrets_are_not_shown(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, empty_folder: Path, arguments: list[str]
) -> None:
    (empty_folder / "pounce.toml").write_text(SECRETS)
    secrets = [setting for setting in all_settings() if setting.secret]
    for setting in secrets:
        value = f"{SCHEMES.get(setting.name, 'https')}://s3cret@example.org/1"
        monkeypatch.setenv(setting.variable, value)
    out = shown(capsys, "main:app", *arguments)
    assert "s3cret" not in out
    in_tables = 2
    assert out.count("(hidden)") - in_tables == len(secrets) > 1


def test_what_has_parts_is_shown_as_a_file_has_it(capsys: Capture, empty_folder: Path) -> None:
    (empty_folder / "pounce.toml").write_text(
        """
        middleware = ["mw:Y", {use = "m:C", key = "s3cret", "häh" = 1}]
        [[tls.certificates]]
        certfile = "d.pem"
        keyfile_password = "s3cret"
        names = ["a.example"]
        [[tls.certificates]]
        certfile = "a.pem"
        keyfile = "a.key"
        """,
        encoding="utf-8",
    )
    rows = as_json(capsys)
    assert rows["ssl_certificate"]["value"] == [
        {"certfile": "d.pem", "keyfile_password": "(hidden)", "names": ["a.example"]},
        {"certfile": "a.pem", "keyfile": "a.key"},
    ]
    assert rows["middleware"]["value"] == [{"use": "mw:Y"}, {"use": "m:C", "key": "(hidden)", "häh": "(hidden)"}]
    lines = shown(capsys, "--changed").splitlines()
    for line in (
        (
            '  ssl_certificate = {certfile = "d.pem", keyfile_password = "(hidden)", names = ["a.example"]}, '
            '{certfile = "a.pem", keyfile = "a.key"}    (tls.certificates in pounce.toml)'
        ),
        (
            '  middleware = {use = "mw:Y"}, {use = "m:C", key = "(hidden)", "häh" = "(hidden)"}'
            "    (middleware in pounce.toml)"
        ),
    ):
        assert line in lines


def test_without_an_application_the_rest_is_shown(capsys: Capture) -> None:
    rows = as_json(capsys, "--port", "1")
    assert (rows["app"]["value"], rows["port"]["value"]) == (None, 1)


def test_a_wrong_value_is_one_line(capsys: Capture) -> None:
    assert run_command(["config", "show", "--port", "x"]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "port: 'x' from --port is not allowed" in err


def test_a_variable_that_looks_like_a_typo_is_told(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POUNCE_PROT", "5")
    assert run_command(["config", "show"]) == 0
    assert "did you mean POUNCE_PORT?" in capsys.readouterr().err


def test_schema(capsys: Capture) -> None:
    assert run_command(["config", "schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["properties"]["port"]["maximum"] == 65535


def test_template(capsys: Capture) -> None:
    assert run_command(["config", "template"]) == 0
    out = capsys.readouterr().out
    assert tomllib.loads(out) == {}
    assert "\n#port = 8000\n" in out


def test_alone_it_says_what_to_write(capsys: Capture) -> None:
    assert run_command(["config"]) == 2
    assert "write: pounce config show, pounce config schema or pounce config template" in capsys.readouterr().err


def test_its_help_does_not_repeat_all_options(capsys: Capture) -> None:
    assert run_command(["config", "show", "--help"]) == 0
    out = capsys.readouterr().out
    assert "--json" in out
    assert "--limit-concurrency" not in out
    assert "--help-all" in out
