"""The options of the command line that are settings, made from their fields; and what of them was given."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from .config import all_settings
from .settings import Kind, Setting

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

__all__ = [
    "FLAG_ALIASES",
    "SettingArgument",
    "SettingOption",
    "SettingsCommand",
    "given_flags",
    "setting_parameters",
]

FLAG_ALIASES: Final = {"graceful_timeout": ("--timeout-graceful-shutdown",)}
"""What uvicorn calls a setting, where we have another name for it."""

_COMPLETED_BY_SHELL: Final = {"FILE": "file", "PATH": "file", "CERT[,KEY]": "file", "FOLDER": "dir"}
"""What a shell completes by itself, by the word that stands for the value in the help."""


class SettingOption(click.Option):
    """An option that is a setting."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        if setting.off_flag is not None:
            names = [setting.name, f"{setting.flag}/{setting.off_flag}"]
            super().__init__(names, default=None, help=_help(setting))
            return
        names = [setting.name, setting.flag, *FLAG_ALIASES.get(setting.name, ())]
        several = setting.repeated
        super().__init__(
            names, default=None, multiple=several, metavar=_metavar(setting), help=_help(setting), type=str
        )

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[Any]]:  # noqa: ARG002 - click's
        """The words that are allowed, or files, where it takes those."""
        from click.shell_completion import CompletionItem

        by_shell = _COMPLETED_BY_SHELL.get(self.setting.metavar or "")
        if by_shell is not None:
            return [CompletionItem(incomplete, type=by_shell)]
        words = (*self.setting.choices, *dict(self.setting.words))
        return [CompletionItem(word) for word in words if word.startswith(incomplete)]


class SettingArgument(click.Argument):
    """The application."""

    def __init__(self, setting: Setting) -> None:
        self.setting = setting
        super().__init__([setting.name], required=False, metavar=setting.metavar)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[Any]]:  # noqa: ARG002 - click's
        """The applications that the files in the current folder look to have."""
        from pathlib import Path

        from click.shell_completion import CompletionItem

        from .app_search import find_applications

        names = [one.target for one in find_applications(Path()) if not one.app_dir]
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


class SettingsCommand(click.Command):
    """A command that takes an application and settings; it tells what of its line is too much."""

    allow_extra_args = True
    """click would refuse them in its own words."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """
        Raises:
            click.UsageError: there is more than one application, or a switch with a value.
        """
        given = list(args)
        rest = super().parse_args(ctx, args)
        if not ctx.resilient_parsing:
            from .option_errors import explain_words

            words = [word for word in (ctx.params.get("app"), *rest) if word is not None]
            problem = explain_words(given, words)
            if problem is not None:
                raise click.UsageError(problem, ctx)
        return rest


def setting_parameters() -> list[click.Parameter]:
    """All of them, in the order of the help, and ``--config``."""
    config = click.Option(["--config"], metavar="FILE", help="File of settings, instead of pounce.toml.")
    return [*map(_parameter, all_settings()), config]


def given_flags(context: click.Context, values: dict[str, Any]) -> dict[str, Any]:
    """Those settings that the command line gave, by name: what `load_config` takes."""
    return {
        parameter.name: values[parameter.name]
        for parameter in context.command.params
        if isinstance(parameter, SettingOption | SettingArgument)
        and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    }


def _parameter(setting: Setting) -> click.Parameter:
    return SettingArgument(setting) if setting.kind is Kind.APPLICATION else SettingOption(setting)


def _metavar(setting: Setting) -> str:
    if setting.choices:
        return f"[{'|'.join(setting.choices)}]"
    if setting.kind in (Kind.WHOLE, Kind.NUMBER):
        return (setting.unit or "number").upper()
    return setting.metavar or ("NAME:VALUE" if setting.kind is Kind.HEADERS else setting.kind.name)


def _help(setting: Setting) -> str:
    return f"{setting.help} [default: {setting.default_text}]" if setting.default_text else setting.help
