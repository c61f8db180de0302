"""The command line, in this process: what it passes on and what it says."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pounce import Server, ServerConfig
from pounce.cli import COMMANDS, run_command
from pounce.config import all_settings

if TYPE_CHECKING:
    from pathlib import Path

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[ServerConfig]:
    """The configurations that would have been served, in an empty folder."""
    seen: list[ServerConfig] = []

    def run(self: Server, *, last: bool = False) -> int:
        assert last, "nothing follows it"
        seen.append(self.config)
        return 0

    monkeypatch.setattr(Server, "run", run)
    monkeypatch.chdir(tmp_path)
    return seen


@pytest.mark.parametrize(
    "arguments", ["main:app", "serve main:app", "--port 8000 main:app", "serve --port 8000 main:app"]
)
def test_serve_needs_no_name(arguments: str, served: list[ServerConfig]) -> None:
    assert run_command(arguments.split()) == 0
    assert served == [ServerConfig(app="main:app")]


def test_every_kind_of_option(served: list[ServerConfig]) -> None:
    line = (
        "main:app --factory --host :: --port=0 --no-access-log --timeout-keep-alive 2.5 --limit-concurrency none "
        "--timeout-graceful-shutdown 7 --http h11 --limit-request-line 100 --no-server-header"
    )
    assert run_command([*line.split(), "--header", "X-A: 1", "--header", "X-B:2"]) == 0
    assert served == [
        ServerConfig.of(
            {
                "app": "main:app",
                "factory": True,
                "host": "::",
                "port": 0,
                "access_log": False,
                "timeout_keep_alive": 2.5,
                "limit_concurrency": None,
                "graceful_timeout": 7,
                "http": "h11",
                "limit_request_line": 100,
                "server_header": False,
                "header": [("X-A", "1"), ("X-B", "2")],
            }
        )
    ]


def test_with_the_application_in_the_file_nothing_need_be_said(tmp_path: Path, served: list[ServerConfig]) -> None:
    (tmp_path / "pounce.toml").write_text('app = "main:app"\n', encoding="utf-8")
    assert run_command([]) == 0
    assert run_command(["--port", "5"]) == 0
    assert served == [ServerConfig(app="main:app"), ServerConfig(app="main:app", port=5)]


def test_a_named_file_and_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: list[ServerConfig]
) -> None:
    (tmp_path / "other.toml").write_text('app = "main:app"\nport = 5\n', encoding="utf-8")
    monkeypatch.setenv("POUNCE_HOST", "::1")
    assert run_command(["--config", "other.toml"]) == 0
    assert served == [ServerConfig(app="main:app", port=5, host="::1")]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("", "no application is given; name one as module:attribute, such as main:app"),
        (
            "main:app --port 80000",
            "port: '80000' from --port is not allowed; it must be a whole number from 0 to 65535",
        ),
        ("main:app --prt 1", "there is no option --prt; did you mean --port?"),
        ("main:app --port", "--port"),
        ("main:app other:app", "other:app"),
        ("main:app --access-log=yes", "--access-log"),
        ("main:app --ssl-version x", "--ssl-version is not available in this version"),
        ("main:app --ssl-version=17", "--ssl-version is not available in this version; use --ssl-min-version"),
        ("--ssl-version x main:app", "--ssl-version is not available in this version"),
        ("serve main:app --ssl-version x", "--ssl-version is not available in this version"),
        (
            "main:app --bind 8000",
            "bind: '8000' from --bind is not allowed; it must be HOST:PORT, [IPV6]:PORT, unix:PATH, fd://NUMBER or sys",
        ),
        ("main:app --bind :80 --fd 3", "fd (from --fd) and bind (from --bind) cannot both be set"),
        (
            "main:app --uds-permissions 888",
            "uds_permissions: '888' from --uds-permissions is not allowed; it must be three octal digits",
        ),
        ("main:app --workers many", "it must be a whole number from 0 to 1024, or auto"),
        ("-w 4 main:app", "-w is not an option of this server; use --workers"),
        ("main:app --max-requests=5", "--max-requests is not an option of this server; use --limit-max-requests"),
        ("main:app --config nowhere.toml", "the configuration file nowhere.toml cannot be read: No such file"),
        (
            "main:app --http httptools",
            "http: 'httptools' from --http is not allowed; it must be one of auto, fast, h11",
        ),
        ("main:app --lifespan maybe", "it must be one of auto, on, off"),
        ("settings --nothing", "--nothing"),
        ("chek main:app", "there is no command 'chek'; did you mean 'check'?"),
        ("comfig show", "there is no command 'comfig'; did you mean 'config'?"),
        ("run", "there is no command 'run'; to serve an application write: pounce main:app"),
        ("run --port 5 shop:site", "to serve an application write: pounce shop:site"),
        ("dev main.py", "there is no command 'dev'; to serve an application write: pounce main:app --reload"),
    ],
)
def test_mistakes_are_one_line_and_code_two(
    arguments: str, line: str, served: list[ServerConfig], capsys: Capture
) -> None:
    assert run_command(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("pounce: ")
    assert line in err
    assert err.count("\n") == 1
    assert served == []


def test_a_variable_that_looks_like_a_typo(
    monkeypatch: pytest.MonkeyPatch, served: list[ServerConfig], capsys: Capture
) -> None:
    monkeypatch.setenv("POUNCE_PROT", "5")
    assert run_command(["main:app"]) == 0
    assert (
        "pounce: warning: the variable POUNCE_PROT is not a setting; did you mean POUNCE_PORT?"
        in capsys.readouterr().err
    )
    assert served[0].port == 8000


@pytest.mark.parametrize("arguments", ["--help-all", "serve --help-all"])
def test_help_shows_every_option_in_its_group(arguments: str, capsys: Capture) -> None:
    assert run_command(arguments.split()) == 0
    out = capsys.readouterr().out
    for setting in all_settings():
        assert f"\n{setting.group}:\n" in out
        assert setting.name == "app" or f"  {setting.flag}" in out
    assert "POUNCE_LOG_LEVEL" in out


@pytest.mark.parametrize("arguments", ["--help", "--help-all"])
def test_help_names_the_other_commands(arguments: str, capsys: Capture) -> None:
    run_command([arguments])
    out = capsys.readouterr().out
    assert out.startswith("Usage: pounce [OPTIONS] MODULE:ATTRIBUTE\n")
    assert re.search(r"  settings +Print the reference of all settings", out)


NEEDED_LATER = ("pounce.server", "pounce.checks", "pounce.commands", "pounce.other_servers", "click.shell_completion")


def test_the_help_imports_nothing_of_other_commands_nor_the_server() -> None:
    """How soon it is there is how many modules are imported."""
    code = (
        "import sys; from pounce.cli import run_command; run_command(['--help']);"
        f"sys.exit(', '.join(one for one in sys.modules if one.startswith({NEEDED_LATER!r})))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""
    assert done.stdout.startswith("Usage: ")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_of_its_own(name: str, capsys: Capture) -> None:
    assert run_command([name, "--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: pounce {name} ")


@pytest.mark.parametrize("arguments", ["--version", "serve --version"])
def test_version(arguments: str, capsys: Capture, served: list[ServerConfig]) -> None:
    assert run_command(arguments.split()) == 0
    assert capsys.readouterr().out.startswith("pounce ")
    assert served == []


def test_reference(capsys: Capture) -> None:
    assert run_command(["settings"]) == 0
    assert "| `--port` | `POUNCE_PORT`, `port` | `8000` |" in capsys.readouterr().out
    assert run_command(["settings", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out)["properties"]["port"]["default"] == 8000
