"""The command line: ``pounce module:attribute``, ``pounce serve ...``, and the names of other commands.

Options are made from the settings; only names that are no settings (``--config``) are written here. A mistake of the
person at the keyboard is one line on stderr and exit code 2.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

import click
from click.core import ParameterSource

from pounce_asgi import ConfigError

from .bench_command import bench_command
from .blocked_threads import leave
from .config import all_settings
from .dev_certificate import make_dev_certificate
from .interpreter import describe_interpreter
from .observing_commands import profile_command, top_command
from .reference import json_schema, markdown_table
from .server import Server
from .settings import Kind, Setting
from .sources import load_config
from .unavailable import unavailable
from .versions import pounce_version

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["main", "run_command"]

EXIT_INPUT: Final = 2
EXIT_INTERRUPTED: Final = 130

FLAG_ALIASES: Final = {"graceful_timeout": ("--timeout-graceful-shutdown",)}
"""What uvicorn calls a setting, where we have another name for it."""

OTHERS_COMMANDS: Final = {"run": "", "dev": " --reload", "start": ""}
"""What other tools call their commands to serve, and what we need beside the application for the same."""

_EPILOG: Final = (
    "Every option can also be given as an environment variable (--log-level as POUNCE_LOG_LEVEL) or as a key in "
    "pounce.toml or in [tool.pounce] of pyproject.toml (log_level). A flag wins over a variable, a variable over a "
    "file. With the application in the file, plain 'pounce' serves."
)


class ServeCommand(click.Command):
    """A command whose help is in the groups of the settings, and that knows which options are still to come."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse what other servers have and we have not, by name, before click calls it unknown."""
        for argument in args:
            if argument == "--":
                break
            reason = unavailable(argument.partition("=")[0]) if argument.startswith("-") else None
            if reason is not None:
                raise click.UsageError(reason, ctx)
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One section a group, in the order of declaration."""
        groups = {setting.name: setting.group for setting in all_settings()}
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                sections.setdefault(groups.get(parameter.name or "", "Other"), []).append(record)
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)


class PounceGroup(click.Group):
    """``serve`` is what happens when no other command is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``serve`` in front of arguments that do not begin with a command; explain what is no command of ours."""
        if args and args[0] in OTHERS_COMMANDS:
            named = next((one for one in args[1:] if ":" in one and not one.startswith("-")), "main:app")
            instead = f"pounce {named}{OTHERS_COMMANDS[args[0]]}"
            raise click.UsageError(f"there is no command {args[0]!r}; to serve an application write: {instead}", ctx)
        if not args or (args[0] not in self.commands and args[0] not in ("--version", "--help", "-h")):
            args = ["serve", *args]
        return super().parse_args(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help of ``serve``, for that is what people look for, and the names of the other commands."""
        serve = self.commands["serve"]
        serve.format_usage(ctx, formatter)
        serve.format_help_text(ctx, formatter)
        serve.format_options(ctx, formatter)
        self.format_commands(ctx, formatter)
        serve.format_epilog(ctx, formatter)


def _option(setting: Setting) -> click.Parameter:
    if setting.kind is Kind.APPLICATION:
        return click.Argument([setting.name], required=False, metavar=setting.metavar)
    names = [setting.name, setting.flag, *FLAG_ALIASES.get(setting.name, ())]
    if setting.off_flag is not None:
        return click.Option([setting.name, f"{setting.flag}/{setting.off_flag}"], default=None, help=_help(setting))
    return click.Option(
        names, default=None, multiple=setting.repeated, metavar=_metavar(setting), help=_help(setting), type=str
    )


def _metavar(setting: Setting) -> str:
    if setting.choices:
        return f"[{'|'.join(setting.choices)}]"
    if setting.kind in (Kind.WHOLE, Kind.NUMBER):
        return (setting.unit or "number").upper()
    return setting.metavar or ("NAME:VALUE" if setting.kind is Kind.HEADERS else setting.kind.name)


def _help(setting: Setting) -> str:
    return f"{setting.help} [default: {setting.default_text}]" if setting.default_text else setting.help


def _serve(config: str | None, **flags: object) -> int:
    context = click.get_current_context()
    given = {name: value for name, value in flags.items() if _is_given(context, name)}
    loaded = load_config(given, os.environ, config_file=config)
    for warning in loaded.warnings:
        _say(f"warning: {warning}")
    return Server(loaded.config).run(last=True)


def _is_given(context: click.Context, name: str) -> bool:
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _settings(*, schema: bool) -> int:
    settings = all_settings()
    text = json.dumps(json_schema(settings), indent=2) if schema else markdown_table(settings).rstrip()
    click.echo(text)
    return 0


def _version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(f"pounce {pounce_version()} ({describe_interpreter()}, {sys.platform})")
        context.exit()


def _version_option() -> click.Option:
    return click.Option(
        ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version."
    )


def _command() -> click.Command:
    names = {"help_option_names": ["-h", "--help"]}
    config = click.Option(["--config"], metavar="FILE", help="File of settings, instead of pounce.toml.")
    serve = ServeCommand(
        "serve",
        callback=_serve,
        params=[*map(_option, all_settings()), config, _version_option()],
        help="Serve the application MODULE:ATTRIBUTE: ASGI, WSGI or a SyncApp.",
        epilog=_EPILOG,
        context_settings=names,
    )
    settings = click.Command(
        "settings",
        callback=_settings,
        params=[click.Option(["--schema"], is_flag=True, help="As a JSON schema of pounce.toml.")],
        help="Print the reference of all settings.",
        context_settings=names,
    )
    return PounceGroup(
        "pounce",
        commands={
            "serve": serve,
            "settings": settings,
            "tls": _tls_command(names),
            "top": top_command(names),
            "profile": profile_command(names),
            "bench": bench_command(names),
        },
        params=[_version_option()],
        context_settings=names,
    )


def _tls_command(settings: dict[str, Any]) -> click.Group:
    dev_cert = click.Command(
        "dev-cert",
        callback=_dev_cert,
        params=[
            click.Option(["--out"], metavar="FOLDER", default=".", help="Where to put it; default is the current one."),
            click.Option(["--name", "names"], metavar="NAME", multiple=True, help="One more host name or address."),
            click.Option(["--force"], is_flag=True, help="Overwrite what is there."),
        ],
        help="Make a certificate for localhost, to try HTTPS with while developing.",
        context_settings=settings,
    )
    return click.Group(
        "tls",
        commands={"dev-cert": dev_cert},
        callback=_tls,
        invoke_without_command=True,  # to say in one line what is missing
        help="Make a certificate for development: pounce tls dev-cert.",
        context_settings=settings,
    )


def _tls() -> None:
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        raise click.UsageError("to make a certificate for development write: pounce tls dev-cert", context)


def _dev_cert(out: str, names: tuple[str, ...], *, force: bool) -> int:
    click.echo(make_dev_certificate(Path(out), names, force=force).words())
    return 0


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    leave(run_command(arguments))


def run_command(arguments: Sequence[str] | None) -> int:
    """Run the command line and return its exit code."""
    try:
        outcome: Any = _command().main(arguments, prog_name="pounce", standalone_mode=False)
    except click.ClickException as error:
        _say(error.format_message())
        return EXIT_INPUT
    except ConfigError as error:
        _say(str(error))
        return EXIT_INPUT
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    return outcome if isinstance(outcome, int) else 0


def _say(line: str) -> None:
    click.echo(f"pounce: {' '.join(line.split())}", err=True)
