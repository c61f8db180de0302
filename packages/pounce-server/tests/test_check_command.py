"""``pounce check``, from its command line to its exit code."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Self

import pytest

from pounce.checks import extras, plan
from pounce.checks.report import Report
from pounce.cli import run_command
from pounce.commands.check import report_lines
from pounce_workers import GilWatch

if TYPE_CHECKING:
    from code_folder import CodeFolder

Capture = pytest.CaptureFixture[str]
CODE = {
    "good.py": """
        print("importing")
        async def app(scope, receive, send):
            assert scope["type"] == "http"
    """,
    "broken.py": "raise RuntimeError('no key')",
}


@pytest.fixture(autouse=True)
def folder(code: CodeFolder, monkeypatch: pytest.MonkeyPatch) -> CodeFolder:
    code.write(CODE)
    monkeypatch.chdir(code.path)
    return code


def checked(capsys: Capture, *arguments: str) -> tuple[int, dict[str, Any]]:
    exit_code = run_command(["check", *arguments, "--json"])
    document: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == exit_code
    return exit_code, document


def test_one_that_would_serve(capsys: Capture) -> None:
    code, document = checked(capsys, "good:app", "--port", "0")
    assert (code, document["would_serve"], document["application"]) == (0, True, "good:app")
    checks = {one["check"] for one in document["findings"]}
    assert {"port", "import", "workers", "lifespan"} <= checks
    assert {one["level"] for one in document["findings"]} <= {"ok", "note"}


def test_what_fails_hides_nothing_else(capsys: Capture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, document = checked(capsys, "broken:app", "--port", str(port), "--ssl-certfile", "gone.pem")
    assert (code, document["would_serve"]) == (1, False)
    errors = {one["check"]: one for one in document["findings"] if one["level"] == "error"}
    assert set(errors) == {"certificates", "port", "import"}
    assert errors["port"]["origin"] == "--port"
    assert errors["certificates"]["origin"] == "--ssl-certfile"
    assert errors["import"]["traceback"].endswith("RuntimeError: no key")


def test_warnings_are_errors_if_asked_for(capsys: Capture) -> None:
    arguments = ["good:app", "--port", "0", "--cors-max-age", "5"]
    assert checked(capsys, *arguments)[0] == 0
    code, document = checked(capsys, *arguments, "--strict")
    assert (code, document["would_serve"]) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "what", "do"),
    [
        (
            ["good:app", "--port", "x"],
            "port: 'x' from --port is not allowed",
            "it must be a whole number from 0 to 65535",
        ),
        ([], "no application is given", "name one as module:attribute, such as main:app"),
        (["good:app", "--config", "gone.toml"], "the configuration file gone.toml cannot be read: No such file", None),
    ],
)
def test_wrong_settings_are_code_two(arguments: list[str], what: str, do: str | None, capsys: Capture) -> None:
    code, document = checked(capsys, *arguments)
    assert (code, document["would_serve"]) == (2, False)
    (finding,) = document["findings"]
    assert (finding["level"], finding["check"], finding["do"]) == ("error", "settings", do)
    assert finding["what"].startswith(what)


@pytest.mark.parametrize(
    ("arguments", "what", "do"),
    [
        (["good:app", "--prt", "1"], "there is no option --prt", "did you mean --port?"),
        (["good:app", "--port"], "--port needs a value: ", None),
        (["good:app", "--jsn"], "there is no option --jsn", "did you mean --json?"),
        (["good:app", "--reload=true"], "--reload is a switch", "write --reload or --no-reload"),
        (["good:app", "other:app"], "one application is served, good:app", "too much is 'other:app'"),
        (["--workers=2", "--certfile", "x"], "--certfile is not an option of this server", "use --ssl-certfile"),
    ],
)
def test_a_wrong_line_is_json_as_well(arguments: list[str], what: str, do: str | None, capsys: Capture) -> None:
    exit_code = run_command(["check", "--json", *arguments])
    out, err = capsys.readouterr()
    document = json.loads(out)
    assert err == ""
    assert (exit_code, document["exit_code"], document["would_serve"]) == (2, 2, False)
    (finding,) = document["findings"]
    assert (finding["level"], finding["check"]) == ("error", "options")
    assert finding["what"].startswith(what)
    assert finding["do"] == do


def test_what_watches_the_files_is_imported_under_watch(
    folder: CodeFolder, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an extension module, and may switch the GIL on like one of the application's."""
    seen: list[bool] = []

    class Watch(GilWatch):
        entered = False

        def __enter__(self) -> Self:
            Watch.entered = True
            return super().__enter__()

        def __exit__(self, *exc_info: object) -> None:
            Watch.entered = False
            super().__exit__(*exc_info)

    monkeypatch.setattr(plan, "GilWatch", Watch)
    monkeypatch.setattr(extras, "change_source", lambda: seen.append(Watch.entered))
    assert checked(capsys, "good:app", "--port", "0")[0] == 0
    assert seen == []
    assert checked(capsys, "good:app", "--port", "0", "--reload")[0] == 0
    assert seen == [True]


def test_files_and_variables_are_read_as_for_serving(
    folder: CodeFolder, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write({"pounce.toml": 'app = "good:app"\nport = 0\ncors_max_age = 5\n'})
    monkeypatch.setenv("POUNCE_RATE_LIMIT_BURST", "5")
    monkeypatch.setenv("POUNCE_PROT", "5")
    _, document = checked(capsys)
    warnings = {one["what"]: one["origin"] for one in document["findings"] if one["level"] == "warning"}
    assert warnings == {
        "the variable POUNCE_PROT is not a setting": None,
        "cors_max_age has no effect: it needs cors_origins": "cors_max_age in pounce.toml",
        "rate_limit_burst has no effect: it needs rate_limit": "the variable POUNCE_RATE_LIMIT_BURST",
    }


def test_for_people(capsys: Capture) -> None:
    assert run_command(["check", "good:app", "--port", "0", "--cors-max-age", "5"]) == 0
    out, err = capsys.readouterr()
    assert "ok       import        good:app is an application (asgi3)\n" in out
    indent = " " * 23
    assert (
        "warning  no effect     cors_max_age has no effect: it needs cors_origins\n"
        f"{indent}from --cors-max-age\n"
        f"{indent}-> set what it needs, or leave it out\n"
    ) in out
    assert out.endswith("\n\nIt would serve, with 1 warning.\n")
    assert err == "importing\n", "what the application prints is not the report"


@pytest.mark.parametrize(
    ("levels", "last"),
    [
        ([], "It would serve."),
        (["ok", "note"], "It would serve."),
        (["warning", "warning"], "It would serve, with 2 warnings."),
        (["error"], "It would not serve as it should: 1 error, 0 warnings."),
    ],
)
def test_the_last_line(levels: list[Any], last: str) -> None:
    report = Report()
    for level in levels:
        report.add(level, "x", "y")
    assert list(report_lines(report, "main:app"))[-1] == last


def test_lines_are_narrow_and_a_traceback_is_whole() -> None:
    report = Report()
    report.add("error", "import", "word " * 50 + "; " + "advice " * 50, error=ValueError("x" * 200))
    lines = list(report_lines(report, "main:app"))
    assert max(len(line) for line in lines if "x" * 200 not in line) <= 100
    assert any(line.endswith("ValueError: " + "x" * 200) for line in lines)


def test_its_help_says_what_the_codes_mean(capsys: Capture) -> None:
    assert run_command(["check", "--help"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "Exit code 0: it would serve. 1: it would not" in out
    assert "--limit-concurrency" not in out


def test_as_a_process(folder: CodeFolder) -> None:
    """With the exit code of the process, and nothing but the report on its standard output."""
    command = [sys.executable, "-m", "pounce", "check", "--json", "--port", "0"]
    good, bad, wrong = (
        subprocess.run([*command, *rest], cwd=folder.path, env=os.environ, capture_output=True, text=True, check=False)
        for rest in (["good:app"], ["broken:app"], ["good:app", "--workers", "x"])
    )
    assert [one.returncode for one in (good, bad, wrong)] == [0, 1, 2]
    assert [json.loads(one.stdout)["would_serve"] for one in (good, bad, wrong)] == [True, False, False]
    assert good.stderr == "importing\n"
