"""What is not printable in a setting reaches no terminal as it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pounce import Address, ServerConfig
from pounce.banner import banner
from pounce.cli import run_command
from pounce.printable import printable, printable_json, printable_line

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]

NASTY = "a\x1b]0;t\x07\x9b\nport = 1"
ESCAPED = r"a\x1b]0;t\x07\x9b\nport = 1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain häh 日本 \\x1b", "plain häh 日本 \\x1b"),
        (NASTY, ESCAPED),
        ("\t\r\x7f\u202e\udcff\U000e0001", r"\t\r\x7f\u202e\udcff\U000e0001"),
        ("", ""),
    ],
)
def test_escapes_are_those_of_python(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_a_message_stays_one_line() -> None:
    assert printable_line("a\n  b\x1b ") == r"a b\x1b"


def test_json_reads_back_as_it_was() -> None:
    value = {"häh": [NASTY, "\x7f\x9b\udcff\U000e0001", 1]}
    text = printable_json(value)
    assert text.replace("\n", "").isprintable()
    assert "häh" in text
    assert json.loads(text) == value


@pytest.fixture(autouse=True)
def nasty_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("POUNCE_APP_TAGLINE", NASTY)
    monkeypatch.setenv("POUNCE_SSL_CERTFILE", NASTY)


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("config show --changed", f"  app_tagline = {ESCAPED}    (the variable POUNCE_APP_TAGLINE)"),
        ("config show --config \x9b.toml", r"pounce: the configuration file \x9b.toml cannot be read: No such file"),
        ("config show --\x1b", r"pounce: there is no option --\x1b; pounce --help-all lists those that there are"),
        ("check --bind 127.0.0.1:0 \x1b:app", r"checking \x1b:app"),
        ("check --bind 127.0.0.1:0 \x1b:app", r"ssl_certfile: a\x1b]0;t\x07\x9b port = 1 is not there"),
        ("check --bind 127.0.0.1:0 --json \x1b:app", r"ssl_certfile: a\u001b]0;t\u0007\u009b\nport = 1 is not there"),
        ("serve --log-format text nowhere:app", r"ssl_certfile: a\x1b]0;t\x07\x9b port = 1"),
    ],
)
def test_no_command_prints_it(arguments: str, line: str, capsys: Capture) -> None:
    run_command(arguments.split())
    output = "".join(capsys.readouterr())
    assert line in output
    assert output.replace("\n", "").isprintable()


def test_the_banner_has_no_line_of_somebody_else() -> None:
    config = ServerConfig.of({"app": "main:app", "app_tagline": NASTY})
    lines = banner(config, [Address("127.0.0.1", 8000)], interface="asgi3", version="1.2.3")
    assert lines[0] == ESCAPED
    assert all(line.isprintable() for line in lines)
