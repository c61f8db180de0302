"""Completion: what is offered, and that real shells ask for it."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest
from click.shell_completion import BashComplete

from pounce.cli import COMMANDS, _command, run_command

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.py").write_text("async def app(scope, receive, send): ...\n")
    return tmp_path


def offered(*words: str) -> list[str]:
    *before, last = words
    completer = BashComplete(_command(), {}, "pounce", "_POUNCE_COMPLETE")
    return [one.value if one.type == "plain" else f"({one.type})" for one in completer.get_completions(before, last)]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["ch"], ["check"]),
        (["ma"], ["main:app"]),
        (["--worker-ki"], ["--worker-kind"]),
        (["main:app", "--worker-ki"], ["--worker-kind"]),
        (["serve", "main:app", "--worker-ki"], ["--worker-kind"]),
        (["main:app", "--worker-kind", ""], ["auto", "thread", "process"]),
        (["--workers", "a"], ["auto"]),
        (["--no-access"], ["--no-access-log"]),
        (["--ssl-certfile", "x"], ["(file)"]),
        (["--app-dir", ""], ["(dir)"]),
        (["check", "--str"], ["--strict"]),
        (["check", "--ssl-certf"], ["--ssl-certfile"]),
        (["config", "s"], ["show", "schema"]),
        (["completion", ""], ["bash", "zsh", "fish"]),
        (["tls", ""], ["dev-cert"]),
        (["--port", ""], []),
    ],
)
def test_what_is_offered(words: list[str], found: list[str]) -> None:
    assert sorted(offered(*words)) == sorted(found)


def test_first_are_applications_and_commands() -> None:
    assert offered("") == ["main:app", "serve", *COMMANDS]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed(shell: str, capsys: Capture) -> None:
    assert run_command(["completion", shell]) == 0
    out, err = capsys.readouterr()
    assert f"_POUNCE_COMPLETE={shell}_complete" in out
    assert err == ""


def test_a_shell_that_is_not_known(capsys: Capture) -> None:
    assert run_command(["completion", "csh"]) == 2
    assert "'csh' is not one of 'bash', 'zsh', 'fish'" in capsys.readouterr().err


BEGIN = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], "bind 'set bell-style none'; source ./script"),
    "zsh": (["zsh", "-f", "-i"], "autoload -Uz compinit && compinit -u -d ./dump && source ./script"),
    "fish": (["fish", "--no-config", "--interactive"], "function fish_prompt; echo 'here> '; end; source ./script"),
}


@pytest.mark.skipif(sys.platform == "win32", reason="needs a terminal of POSIX")
@pytest.mark.parametrize("shell", BEGIN)
def test_a_real_shell_completes(shell: str, folder: Path, capsys: Capture) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    from interactive_shell import InteractiveShell

    run_command(["completion", shell])
    (folder / "script").write_text(capsys.readouterr().out)
    command = folder / "bin" / "pounce"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pounce "$@"\n')
    command.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{command.parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "TERM": "dumb",
        "PS1": "here> ",
    }
    arguments, begin = BEGIN[shell]
    with InteractiveShell(arguments, environment) as terminal:
        terminal.type(f"{begin}; echo rea''dy\n")
        terminal.wait_for("ready.*here> ")  # before there is a prompt, a tabulator is a character
        terminal.complete("pounce main:app --worker-kind pro", "process")
        terminal.complete("pounce main:app --no-access-l", "--no-access-log")
