"""The command line: ``pounce module:attribute``, ``pounce serve ...``, and the names of other commands.

Options are made from the settings (``setting_options.py``). A mistake of the person at the keyboard is one line on
stderr and exit code 2. What a command needs is imported when it is used.
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any, Final, NamedTuple, NoReturn

import click

from pounce_asgi import ConfigError

from .help_screen import EPILOG, short_help, write_options
from .printable import printable_line
from .setting_options import FLAG_ALIASES, SettingsCommand, given_flags, setting_parameters
from .settings import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["COMMANDS", "FLAG_ALIASES", "main", "run_command"]

EXIT_INPUT: Final = 2
EXIT_INTERRUPTED: Final = 130

OTHERS_COMMANDS: Final = {"run": "", "dev": " --reload", "start": ""}
"""What other tools call their commands to serve, and what we need beside the application for the same."""

_NAMES: Final = {"help_option_names": ["-h", "--help"]}


class LateCommand(NamedTuple):
    """A command that is imported when it is used."""

    module: str
    maker: str
    """A function of the module that is given click's settings of the context and makes the command."""
    help: str


COMMANDS: Final[dict[str, LateCommand]] = {
    "check": LateCommand("pounce.commands.check", "check_command", "Tell what would fail, before it is deployed."),
    "init": LateCommand("pounce.commands.init", "init_command", "Write a pounce.toml to begin with."),
    "config": LateCommand("pounce.commands.config", "config_command", "Show settings in force; schema and template."),
    "settings": LateCommand("pounce.commands.settings", "settings_command", "Print the reference of all settings."),
    "tls": LateCommand("pounce.commands.tls", "tls_command", "Make a certificate for development."),
    "top": LateCommand("pounce.observing_commands", "top_command", "Watch a server that runs."),
    "profile": LateCommand("pounce.observing_commands", "profile_command", "See where the time of a server goes."),
    "bench": LateCommand("pounce.commands.bench", "bench_command", "Compare servers on an application of yours."),
    "completion": LateCommand("pounce.commands.completion", "completion_command", "Print completion for a shell."),
}
"""All but ``serve``, in the order of the help."""


class ServeCommand(SettingsCommand):
    """A command whose help fits a screen, or has everything in the groups of the settings."""

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """What fits a screen."""
        formatter.write(short_help((name, command.help) for name, command in COMMANDS.items()))

    def full_help(self, ctx: click.Context) -> str:
        """Every option."""
        formatter = ctx.make_formatter()
        formatter.write("Usage: pounce [OPTIONS] MODULE:ATTRIBUTE\n")
        self.format_help_text(ctx, formatter)
        write_options(formatter, ctx, self.get_params(ctx))
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.help) for name, command in COMMANDS.items()])
        self.format_epilog(ctx, formatter)
        return formatter.getvalue().rstrip("\n")


class PounceGroup(click.Group):
    """``serve`` is what happens when no other command is named."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """All names, in the order of the help."""
        return [*self.commands, *COMMANDS]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import it, if it is one of those."""
        late = COMMANDS.get(cmd_name)
        if late is None:
            return super().get_command(ctx, cmd_name)
        made: click.Command = getattr(importlib.import_module(late.module), late.maker)(_NAMES)
        return made

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put ``serve`` in front of arguments that do not begin with a command; explain what is no command of ours."""
        if args and args[0] in OTHERS_COMMANDS:
            named = next((one for one in args[1:] if ":" in one and not one.startswith("-")), "main:app")
            instead = f"pounce {named}{OTHERS_COMMANDS[args[0]]}"
            raise click.UsageError(f"there is no command {args[0]!r}; to serve an application write: {instead}", ctx)
        if args and not ctx.resilient_parsing:
            self._explain_misspelt(ctx, args[0])
        completes_first_word = ctx.resilient_parsing and not args
        if not completes_first_word and not (args and args[0] in (*self.commands, *COMMANDS)):
            args = ["serve", *args]
        return super().parse_args(ctx, args)

    def _explain_misspelt(self, ctx: click.Context, first: str) -> None:
        """What looks like a command is not taken for an application: applications have a colon."""
        names = self.list_commands(ctx)
        if ":" in first or first.startswith("-") or first in names:
            return
        match = nearest(first, names, likeness=0.75)
        if match is not None:
            raise click.UsageError(f"there is no command {first!r}; did you mean {match!r}?", ctx)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """For the first word: commands, applications and the options of ``serve``."""
        serve = self.commands["serve"]
        inner = click.Context(serve, parent=ctx, info_name="serve", resilient_parsing=True)
        application = next(one for one in serve.params if isinstance(one, click.Argument))
        found = super().shell_complete(ctx, incomplete) if not incomplete.startswith("-") else []
        names = application.shell_complete(inner, incomplete) if not incomplete.startswith("-") else []
        return [*names, *found, *serve.shell_complete(inner, incomplete)]


def _serve(config: str | None, **flags: object) -> int:
    from .server import Server
    from .sources import load_config

    given = given_flags(click.get_current_context(), flags)
    loaded = load_config(given, os.environ, config_file=config)
    for warning in loaded.warnings:
        _say(f"warning: {warning}")
    return Server(loaded.config).run(last=True)


def _help_all(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        assert isinstance(context.command, ServeCommand)
        click.echo(context.command.full_help(context))
        context.exit()


def _version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        from .versions import version_line

        click.echo(version_line())
        context.exit()


def _eager(name: str, callback: Any, words: str) -> click.Option:
    return click.Option([name], is_flag=True, is_eager=True, expose_value=False, callback=callback, help=words)


def _command() -> click.Command:
    serve = ServeCommand(
        "serve",
        callback=_serve,
        params=[
            *setting_parameters(),
            _eager("--help-all", _help_all, "Show this: all options."),
            _eager("--version", _version, "Show the version."),
        ],
        help="Serve the application MODULE:ATTRIBUTE: ASGI, WSGI or a SyncApp.",
        epilog=EPILOG,
        context_settings=_NAMES,
    )
    return PounceGroup("pounce", commands={"serve": serve}, add_help_option=False, context_settings=_NAMES)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and end the process with its exit code."""
    code = run_command(arguments)
    from .blocked_threads import leave

    leave(code)


def run_command(arguments: Sequence[str] | None) -> int:
    """Run the command line and return its exit code."""
    try:
        outcome: Any = _command().main(arguments, prog_name="pounce", standalone_mode=False)
    except click.ClickException as error:
        from .option_errors import explain

        _say(explain(error))
        return EXIT_INPUT
    except ConfigError as error:
        _say(str(error))
        return EXIT_INPUT
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    return outcome if isinstance(outcome, int) else 0


def _say(line: str) -> None:
    click.echo(f"pounce: {printable_line(line)}", err=True)
