"""``pounce.toml`` with every setting as a comment, or with those to begin with."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Final

from .settings import REQUIRED, Kind
from .toml_text import toml_text
from .values import allowed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .settings import Setting

__all__ = ["NOT_SET", "config_template", "setting_lines"]

WIDTH: Final = 100

NOT_SET: Final = "  # an example: without it nothing is set"
"""Follows what is no default, because the default has no word."""

_PLAIN: Final = frozenset({Kind.APPLICATION, Kind.SWITCH, Kind.TEXT, Kind.TEXTS})
"""What their values may be is seen from the line itself."""

_HEAD: Final = """\
# The settings of Pounce. Each is shown with its default: remove the # in front of a line to set it.
# A flag (--log-level) wins over a variable (POUNCE_LOG_LEVEL), and that over this file.
# In a pyproject.toml all of this goes below [tool.pounce].
"""


def config_template(settings: Iterable[Setting]) -> str:
    """Every setting as a comment, in groups. With every # removed that stands directly in front of a name, except for
    the examples, it means the same as an empty file.
    """
    groups: dict[str, list[Setting]] = {}
    for setting in settings:
        groups.setdefault(setting.group, []).append(setting)
    parts = [_HEAD]
    for group, members in groups.items():
        parts.append(f"\n# ---- {group} {'-' * (WIDTH - 8 - len(group))}\n")
        parts += (f"\n{line}" for setting in members for line in setting_lines(setting))
    return "".join(parts)


def setting_lines(setting: Setting) -> Iterator[str]:
    """What one setting is, and its line, as comments."""
    text = setting.help if setting.kind in _PLAIN else f"{setting.help} ({allowed(setting)})"
    comment = textwrap.fill(
        text, WIDTH, initial_indent="# ", subsequent_indent="# ", break_long_words=False, break_on_hyphens=False
    )
    default = None if setting.default is REQUIRED else toml_text(setting, setting.default)
    line = f"#{setting.key} = {_example(setting)}{NOT_SET}" if default is None else f"#{setting.key} = {default}"
    yield f"{comment}\n{line}\n"


def _example(setting: Setting) -> str:
    if setting.kind is Kind.APPLICATION:
        return '"main:app"'
    if setting.kind is Kind.SWITCH:
        return "true"
    if setting.kind is Kind.PERMISSIONS:
        return '"660"'
    return f'"{setting.example or setting.metavar or "TEXT"}"'
