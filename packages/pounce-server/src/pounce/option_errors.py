"""What is said of an option that does not exist - what it is called here, or the nearest one that does - of one that
lacks its value, and of words that are too much.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

import click

from .config import all_settings
from .setting_options import FLAG_ALIASES, SettingOption
from .settings import Kind, Setting, nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["explain", "explain_words"]


_LIKENESS_OF_FOREIGN: Final = 0.85
"""More than for a name of ours: there are many of them, and that one is no option here helps only whoever meant it. It
is one letter too many, too few or swapped in a name of six or more; ``no-such`` and ``no-ws`` have 0.67."""


def explain(error: click.ClickException) -> str:
    """One line for the person who gave a command line that is refused."""
    if isinstance(error, click.NoSuchOption):
        return _no_such_option(error)
    if isinstance(error, click.BadOptionUsage):
        return _wrong_use(error)
    return error.format_message()


def _no_such_option(error: click.NoSuchOption) -> str:
    from .unavailable import FOREIGN_NAMES, unavailable

    name = error.option_name
    parameters = error.ctx.command.get_params(error.ctx) if error.ctx is not None else []
    serves = any(isinstance(one, SettingOption) for one in parameters)
    reason = unavailable(name) if serves else None
    if reason is not None:
        return reason
    own = [name for one in parameters for name in (*one.opts, *one.secondary_opts)]
    # Also a slip in the name that another server has for it.
    foreign = [one for one in FOREIGN_NAMES if not one.startswith("-")] if serves else []
    slip = nearest(name.lstrip("-"), foreign, likeness=_LIKENESS_OF_FOREIGN)
    match = nearest(name, [*own, *([f"--{slip}"] if slip else [])], likeness=0.7)
    if match in own:
        return f"there is no option {name}; did you mean {match}?"
    if match is not None:
        return f"there is no option {name}; {unavailable(match)}"
    where = "pounce --help-all" if serves else f"{error.ctx.command_path} --help" if error.ctx else "--help"
    return f"there is no option {name}; {where} lists those that there are"


def _wrong_use(error: click.BadOptionUsage) -> str:
    """One line for an option that lacks its value, or has one and takes none."""
    from .values import allowed

    setting = _by_flag().get(error.option_name)
    if setting is None:
        return error.format_message()
    if setting.kind is Kind.SWITCH:
        return f"{error.option_name} {_is_a_switch(setting)}"
    return f"{error.option_name} needs a value: {allowed(setting)}"


def explain_words(given: Sequence[str], words: Sequence[str]) -> str | None:
    """One line for ``words`` that belong to no option, of a line that was ``given``; None if they are in order."""
    from .values import SWITCH_WORDS

    flags = _by_flag()
    for flag, word in itertools.pairwise(given):
        setting = flags.get(flag)
        if setting is None or setting.kind is not Kind.SWITCH or word not in words:
            continue
        if word.lower() in SWITCH_WORDS or (len(words) > 1 and ":" not in word):
            return f"{flag} {_is_a_switch(setting)}, without {word!r}"
    if len(words) > 1:
        return f"one application is served, {words[0]}; too much is {', '.join(map(repr, words[1:]))}"
    return None


def _is_a_switch(setting: Setting) -> str:
    return f"is a switch; write {setting.flag} or {setting.off_flag}"


def _by_flag() -> dict[str, Setting]:
    return {
        flag: setting
        for setting in all_settings()
        for flag in (setting.flag, setting.off_flag, *FLAG_ALIASES.get(setting.name, ()))
        if flag is not None
    }
