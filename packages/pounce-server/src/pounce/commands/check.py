"""``pounce check``: what would fail, told before it is deployed."""

from __future__ import annotations

import contextlib
import os
import sys
import textwrap
from typing import TYPE_CHECKING, Any, Final

import click

from pounce.checks.report import EXIT_FINE, EXIT_INPUT, Report
from pounce.interpreter import describe_interpreter
from pounce.option_errors import explain
from pounce.printable import printable, printable_json, printable_line
from pounce.setting_options import given_flags, setting_parameters
from pounce.sources import load_config
from pounce.versions import pounce_version
from pounce_asgi import ConfigError

from .config import ShowCommand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pounce.checks.report import Finding

__all__ = ["check_command", "report_lines"]

WIDTH: Final = 100
_INDENT: Final = 23

_HELP: Final = """\
Tell what would fail if MODULE:ATTRIBUTE were served with these options, variables and files: settings, extras,
certificates, places to listen, limits of the machine, the application and its lifespan.

The application is imported, its startup and its shutdown are run, and each place is listened on for a moment: do it
where it is to serve. Exit code 0: it would serve. 1: it would not (with --strict also for a warning). 2: the options or
settings are wrong, so nothing was looked at."""


class CheckCommand(ShowCommand):
    """Who asked for JSON gets it also when the command line is wrong."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """
        Raises:
            click.UsageError: an option is wrong.
            click.exceptions.Exit: it is, and that has been printed as JSON.
        """
        wants_json = "--json" in args
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            if not wants_json:
                raise
            _refuse("options", explain(error), "", as_json=True)
            raise click.exceptions.Exit(EXIT_INPUT) from None


def check_command(settings: dict[str, Any]) -> click.Command:
    """The command."""
    return CheckCommand(
        "check",
        callback=_check,
        params=[
            *setting_parameters(),
            click.Option(["--json", "as_json"], is_flag=True, help="The findings as JSON."),
            click.Option(["--strict"], is_flag=True, help="Warnings count as errors."),
        ],
        help=_HELP,
        context_settings=settings,
    )


def _check(config: str | None, *, as_json: bool, strict: bool, **flags: object) -> int:
    given = given_flags(click.get_current_context(), flags)
    name = str(given.get("app") or "")
    try:
        loaded = load_config(given, os.environ, config_file=config)
    except ConfigError as error:
        return _refuse("settings", str(error), name, as_json=as_json)
    from pounce.checks.plan import run_checks

    # What the application prints is not the report.
    with contextlib.redirect_stdout(sys.stderr):
        report = run_checks(loaded)
    code = report.exit_code(strict=strict)
    _print(report, str(loaded.config.app), code, as_json=as_json)
    return code


def _refuse(check: str, why: str, app: str, *, as_json: bool) -> int:
    """Nothing was looked at; returns the exit code that says so."""
    report = Report()
    report.add("error", check, why)
    _print(report, app, EXIT_INPUT, as_json=as_json)
    return EXIT_INPUT


def _print(report: Report, app: str, code: int, *, as_json: bool) -> None:
    if as_json:
        would_serve = code != EXIT_INPUT and report.exit_code() == EXIT_FINE
        document = {"application": app or None, "would_serve": would_serve, "exit_code": code}
        click.echo(printable_json({**document, "findings": report.as_json()}))
    else:
        click.echo("\n".join(report_lines(report, app)))


def report_lines(report: Report, app: str) -> Iterator[str]:
    """The findings for a person, and what they come to."""
    yield f"Pounce {pounce_version()}, {describe_interpreter()}: checking {printable(app) or 'the settings'}"
    yield ""
    for finding in report.findings:
        yield from _lines(finding)
    counts = {level: sum(one.level == level for one in report.findings) for level in ("error", "warning")}
    warnings = _count(counts["warning"], "warning")
    yield ""
    if counts["error"]:
        yield f"It would not serve as it should: {_count(counts['error'], 'error')}, {warnings}."
    elif counts["warning"]:
        yield f"It would serve, with {warnings}."
    else:
        yield "It would serve."


def _lines(finding: Finding) -> Iterator[str]:
    head = f"{finding.level:<8} {finding.check:<13} "
    yield from _wrapped(finding.what, head, _INDENT)
    if finding.level in ("error", "warning") and finding.origin:
        yield f"{' ' * _INDENT}from {printable(finding.origin)}"
    if finding.do:
        yield from _wrapped(finding.do, f"{' ' * _INDENT}-> ", _INDENT + 3)
    if finding.traceback:
        yield textwrap.indent(finding.traceback, " " * _INDENT)


def _wrapped(text: str, begin: str, indent: int) -> list[str]:
    rest = " " * indent
    return textwrap.wrap(
        printable_line(text),
        WIDTH,
        initial_indent=begin,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
