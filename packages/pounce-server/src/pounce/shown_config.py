"""A configuration as it may be shown to whoever looks after the server: every value by its name, secrets hidden."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .config import all_settings
from .settings import Kind
from .values import shown

if TYPE_CHECKING:
    from .config import ServerConfig
    from .settings import Setting

__all__ = ["HIDDEN", "shown_config"]

HIDDEN = "(hidden)"

_IN_WORDS = frozenset({Kind.CERTIFICATES, Kind.MIDDLEWARE, Kind.APPLICATION})


def shown_config(config: ServerConfig) -> dict[str, Any]:
    """By the names of the settings, in values of JSON."""
    return {setting.name: _shown(setting, _value(config, setting)) for setting in all_settings()}


def _value(config: ServerConfig, setting: Setting) -> Any:
    return getattr(getattr(config, setting.section) if setting.section else config, setting.name)


def _shown(setting: Setting, value: Any) -> Any:
    if setting.secret:
        return HIDDEN if value else None
    if value is None or isinstance(value, str):
        return value
    if setting.kind is Kind.HEADERS:
        return [f"{name}: {content}" for name, content in value]
    if setting.kind in _IN_WORDS:
        return shown(setting, value) if value else []
    return list(value) if isinstance(value, tuple) else value
