"""From what a program gives for settings to their values; what is not allowed is said with the name of the setting."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pounce_asgi import ConfigError

from .extra_settings import extra_of
from .settings import nearest
from .value_hints import value_hint
from .values import check, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .settings import Setting

__all__ = ["built", "checked", "did_you_mean"]


def checked(setting: Setting, value: object) -> object:
    """The value in its immutable form.

    Raises:
        ConfigError: it is not allowed.
    """
    try:
        return check(setting, value)
    except ValueError as error:
        problem = f"{setting.name}: {shown(setting, value)} is not allowed; it must be {error}"
        raise ConfigError(problem + value_hint(setting, value)) from None


def built(section: type, values: Mapping[str, Any]) -> object:
    """A settings class with these values.

    Raises:
        ConfigError: one breaks a rule that only the class knows.
    """
    try:
        return section(**values)
    except ValueError as error:  # its message names the field
        raise ConfigError(str(error)) from None


def did_you_mean(name: str, known: Mapping[str, object]) -> str:
    """``"; did you mean 'x'?"``, or what to install, or nothing."""
    if needs := extra_of(name):
        return needs
    match = nearest(name, known)
    return f"; did you mean {match!r}?" if match else ""
