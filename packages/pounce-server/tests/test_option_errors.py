"""What is said of an option that does not exist."""

from __future__ import annotations

import pytest

from pounce.cli import run_command

Capture = pytest.CaptureFixture[str]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ("main:app --prt 1", "there is no option --prt; did you mean --port?"),
        ("main:app --prt=1", "there is no option --prt; did you mean --port?"),
        ("main:app --no-acces-log", "there is no option --no-acces-log; did you mean --no-access-log?"),
        ("main:app --timeout_keep_alive 5", "there is no option --timeout_keep_alive; did you mean --timeout-keep-ali"),
        ("main:app --max-request 5", "there is no option --max-request; --max-requests is not an option of this serve"),
        ("main:app --worker-clas x", "--worker-class is not an option of this server; use --worker-kind"),
        ("-w4 main:app", "-w is not an option of this server; use --workers"),
        ("main:app -k uvicorn.workers.UvicornWorker", "-k is not an option of this server; use --worker-kind"),
        ("main:app --zzz", "there is no option --zzz; pounce --help-all lists those that there are"),
        ("check main:app --no-such", "there is no option --no-such; pounce --help-all lists those that there are"),
        ("main:app --statsd-hots x", "there is no option --statsd-hots; --statsd-host is not an option of this server"),
        ("check main:app --jsn", "there is no option --jsn; did you mean --json?"),
        ("check main:app --certfile x", "--certfile is not an option of this server; use --ssl-certfile"),
        ("config show --prt 1", "there is no option --prt; did you mean --port?"),
        ("main:app --port", "--port needs a value: a whole number from 0 to 65535"),
        ("check main:app --worker-kind", "--worker-kind needs a value: one of auto, thread, process"),
        ("main:app --reload=true", "--reload is a switch; write --reload or --no-reload"),
        ("main:app --reload true", "--reload is a switch; write --reload or --no-reload, without 'true'"),
        ("--no-access-log yes", "--no-access-log is a switch; write --access-log or --no-access-log, without 'yes'"),
        ("--factory on main:make", "--factory is a switch; write --factory or --no-factory, without 'on'"),
        ("check --factory 1 main:make", "--factory is a switch; write --factory or --no-factory, without '1'"),
        ("main:app other:app", "one application is served, main:app; too much is 'other:app'"),
        ("main:app --reload other:app", "one application is served, main:app; too much is 'other:app'"),
        ("config show main:app here", "one application is served, main:app; too much is 'here'"),
        ("tls dev-cert --out", "Option '--out' requires an argument"),
        ("settings --schem", "there is no option --schem; did you mean --schema?"),
        ("settings --daemon", "there is no option --daemon; pounce settings --help lists those that there are"),
    ],
)
def test_is_one_line_that_helps(arguments: str, line: str, capsys: Capture) -> None:
    assert run_command(arguments.split()) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("pounce: ")
    assert line in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("value", ["-b", "--bind"])
def test_what_is_the_value_of_an_option_is_no_option(value: str, capsys: Capture) -> None:
    assert run_command(["nowhere:app", "--log-level", value]) == 2
    assert f"log_level: '{value}' from --log-level is not allowed" in capsys.readouterr().err
