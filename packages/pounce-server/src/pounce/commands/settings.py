"""``pounce settings``: the reference of all settings."""

from __future__ import annotations

import json
from typing import Any

import click

from pounce.config import all_settings
from pounce.reference import json_schema, markdown_table

__all__ = ["settings_command"]


def settings_command(settings: dict[str, Any]) -> click.Command:
    """A table for people, or the schema of the file."""
    return click.Command(
        "settings",
        callback=_settings,
        params=[click.Option(["--schema"], is_flag=True, help="As a JSON schema of pounce.toml.")],
        help="Print the reference of all settings.",
        context_settings=settings,
    )


def _settings(*, schema: bool) -> int:
    settings = all_settings()
    click.echo(json.dumps(json_schema(settings), indent=2) if schema else markdown_table(settings).rstrip())
    return 0
