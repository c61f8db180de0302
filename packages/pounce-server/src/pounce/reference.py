"""The settings as documents, derived from the fields: the JSON schema of ``pounce.toml`` and a table for people."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Final

from .settings import Kind, Setting
from .values import allowed

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["json_schema", "markdown_table"]


def json_schema(settings: Iterable[Setting]) -> dict[str, Any]:
    """A JSON schema (2020-12) of the file, for editors that check TOML."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Pounce settings",
        "type": "object",
        "additionalProperties": False,
        "properties": _properties(list(settings)),
    }


def markdown_table(settings: Iterable[Setting]) -> str:
    """One table a group: flag, variable, default, what it does."""
    parts: list[str] = []
    ordered = list(settings)
    groups = dict.fromkeys(setting.group for setting in ordered)
    for group in groups:
        rows = (_row(setting) for setting in ordered if setting.group == group)
        head = (f"### {group}", "", "| flag | variable, file key | default | meaning |", "|---|---|---|---|")
        parts.append("\n".join(itertools.chain(head, rows)))
    return "\n\n".join(parts) + "\n"


def _properties(settings: list[Setting]) -> dict[str, Any]:
    """Those of the file, and of the tables in it."""
    properties = {setting.key: _property(setting) for setting in settings}
    for setting in settings:
        if setting.table_key is not None:
            table, _, key = setting.table_key.partition(".")
            empty = {"type": "object", "additionalProperties": False, "properties": {}}
            properties.setdefault(table, empty)["properties"][key] = _property(setting)
    return properties


def _row(setting: Setting) -> str:
    flags = [f"`{flag}`" for flag in (setting.flag, setting.off_flag) if flag]
    if setting.kind is Kind.APPLICATION:
        flags = ["first argument"]
    default = f"`{setting.default_text}`" if setting.default_text else ""
    meaning = f"{setting.help} ({allowed(setting)})".replace("|", "\\|")
    keys = "".join(f", `{key}`" for key in setting.keys)
    return f"| {', '.join(flags)} | `{setting.variable}`{keys} | {default} | {meaning} |"


def _property(setting: Setting) -> dict[str, Any]:
    schema: dict[str, Any] = {"description": setting.help, **_TYPES[setting.kind]}
    if setting.also:
        del schema["type"]  # a number may be among them
    choices = [*setting.choices, *(int(word) if word.isdigit() else word for word, _ in setting.also)]
    bounds = {"minimum": setting.minimum, "maximum": setting.maximum, "enum": choices or None}
    schema.update({name: value for name, value in bounds.items() if value is not None})
    if isinstance(setting.default, bool | int | float | str) and setting.default != "":
        schema["default"] = setting.default
    words = [word for word, _ in setting.words]
    if setting.optional and setting.kind in (Kind.WHOLE, Kind.NUMBER):
        words.append("none")
    if words:
        typed = {name: schema.pop(name) for name in ("type", "minimum", "maximum") if name in schema}
        schema["anyOf"] = [typed, *({"const": word} for word in words)]
    return schema


_CERTIFICATE: Final[dict[str, Any]] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["certfile"],
    "properties": {
        "certfile": {"type": "string"},
        "keyfile": {"type": "string"},
        "keyfile_password": {"type": "string"},
        "names": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
    },
}

_MIDDLEWARE: dict[str, Any] = {"type": "object", "required": ["use"], "properties": {"use": {"type": "string"}}}

_TYPES: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": "string"},
    Kind.WHOLE: {"type": "integer"},
    Kind.NUMBER: {"type": "number"},
    Kind.SWITCH: {"type": "boolean"},
    Kind.CHOICE: {"type": "string"},
    Kind.TEXTS: {"type": "array", "items": {"type": "string"}},
    Kind.PLACES: {"type": "array", "items": {"type": "string"}},
    Kind.CERTIFICATES: {"type": "array", "items": {"anyOf": [{"type": "string"}, _CERTIFICATE]}},
    Kind.MIDDLEWARE: {"type": "array", "items": {"anyOf": [{"type": "string"}, _MIDDLEWARE]}},
    Kind.PERMISSIONS: {"type": "string", "pattern": "^(0o?)?[0-7]{3}$"},
    Kind.HEADERS: {
        "anyOf": [
            {"type": "array", "items": {"type": "string"}},
            {"type": "object", "additionalProperties": {"type": "string"}},
        ]
    },
    Kind.APPLICATION: {"type": "string"},
}
