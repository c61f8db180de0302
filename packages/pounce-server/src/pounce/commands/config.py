"""``pounce config show``, ``schema`` and ``template``: the settings in force, and the file in which they are given."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, Final

import click

from pounce.config import all_settings
from pounce.config_template import config_template
from pounce.printable import printable, printable_json, printable_line
from pounce.reference import json_schema
from pounce.setting_options import (
    SettingArgument,
    SettingOption,
    SettingsCommand,
    given_flags,
    setting_parameters,
)
from pounce.shown_config import HIDDEN, shown_config
from pounce.sources import DEFAULT, load_config
from pounce.toml_text import toml_value

if TYPE_CHECKING:
    from pounce.settings import Setting
    from pounce.sources import LoadedConfig

__all__ = ["config_command", "shown_lines"]

NO_APPLICATION: Final = "none:given"
"""Stands for the application where none is named: the other settings may be looked at nevertheless."""


class ShowCommand(SettingsCommand):
    """Takes what ``serve`` takes; its help does not repeat that."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Its own options."""
        own = [one for one in self.get_params(ctx) if not isinstance(one, SettingOption | SettingArgument)]
        rows = [record for one in own if (record := one.get_help_record(ctx)) is not None]
        with formatter.section("Options"):
            formatter.write_dl(rows)
        formatter.write("\nEvery option of serving is taken as well: pounce --help-all lists them.")


def config_command(settings: dict[str, Any]) -> click.Group:
    """The group."""
    commands = (_show_command(settings), _schema_command(settings), _template_command(settings))
    return click.Group(
        "config",
        commands={command.name or "": command for command in commands},
        help="Show the settings in force, the schema of pounce.toml, or all of it as a template.",
        context_settings=settings,
        callback=_config,
        invoke_without_command=True,  # to say in one line what is missing
    )


def _config() -> None:
    context = click.get_current_context()
    if context.invoked_subcommand is None:
        raise click.UsageError("write: pounce config show, pounce config schema or pounce config template", context)


def _show_command(settings: dict[str, Any]) -> click.Command:
    return ShowCommand(
        "show",
        callback=_show,
        params=[
            *setting_parameters(),
            click.Option(["--json", "as_json"], is_flag=True, help="As JSON: value, origin and default of each."),
            click.Option(["--changed"], is_flag=True, help="Only what is not the default."),
        ],
        help="Print every setting with its value and where that comes from. Secrets are not shown.",
        context_settings=settings,
    )


def _schema_command(settings: dict[str, Any]) -> click.Command:
    return click.Command(
        "schema", callback=_schema, help="Print the JSON schema of pounce.toml.", context_settings=settings
    )


def _template_command(settings: dict[str, Any]) -> click.Command:
    return click.Command(
        "template",
        callback=_template,
        help="Print a pounce.toml in which every setting is a comment with its default.",
        context_settings=settings,
    )


def _schema() -> int:
    click.echo(json.dumps(json_schema(all_settings()), indent=2))
    return 0


def _template() -> int:
    click.echo(config_template(all_settings()), nl=False)
    return 0


def _show(config: str | None, *, as_json: bool, changed: bool, **flags: object) -> int:
    given = given_flags(click.get_current_context(), flags)
    loaded = load_config(given, os.environ, config_file=config, otherwise={"app": NO_APPLICATION})
    settings = [one for one in all_settings() if not changed or _is_changed(loaded, one)]
    if as_json:
        values = _values(loaded)
        rows = {
            one.name: {"value": values[one.name], "origin": str(loaded.origins[one.name]), "secret": one.secret}
            for one in settings
        }
        click.echo(printable_json(rows))
    else:
        click.echo("\n".join(shown_lines(loaded, settings)))
    for warning in loaded.warnings:
        click.echo(f"pounce: warning: {printable_line(warning)}", err=True)
    return 0


def shown_lines(loaded: LoadedConfig, settings: list[Setting]) -> list[str]:
    """In groups: name, value, origin."""
    values = _values(loaded)
    lines: list[str] = []
    group = None
    order = list(dict.fromkeys(setting.group for setting in settings))
    for setting in sorted(settings, key=lambda it: order.index(it.group)):
        if setting.group != group:
            group = setting.group
            lines += ([""] if lines else []) + [f"{group}:"]
        origin = loaded.origins[setting.name]
        value = printable(_words(values[setting.name]))
        lines.append(f"  {setting.name} = {value}" + ("" if origin == DEFAULT else f"    ({printable(str(origin))})"))
    return lines or ["Everything is as it is by default."]


def _values(loaded: LoadedConfig) -> dict[str, Any]:
    values = shown_config(loaded.config)
    if values["app"] == NO_APPLICATION:
        values["app"] = None
    for setting in all_settings():
        for word, number in setting.words:
            if values[setting.name] == number:
                values[setting.name] = word
    return values


def _words(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, list):
        return ", ".join(toml_value(one) if isinstance(one, dict) else str(one) for one in value) or "nothing"
    if value == HIDDEN:
        return HIDDEN
    return f"{value:g}" if isinstance(value, float) else str(value) or "empty"


def _is_changed(loaded: LoadedConfig, setting: Setting) -> bool:
    holder = getattr(loaded.config, setting.section) if setting.section else loaded.config
    if setting.name == "app":
        return loaded.config.app != NO_APPLICATION
    return bool(getattr(holder, setting.name) != setting.default)
