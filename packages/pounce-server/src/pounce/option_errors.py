"""What is said of an option that does not exist: what it is called here, or the nearest one that does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .setting_options import SettingOption
from .settings import nearest
from .unavailable import FOREIGN_NAMES, unavailable

if TYPE_CHECKING:
    import click

__all__ = ["explain_option"]


def explain_option(error: click.NoSuchOption) -> str:
    """One line for the person who gave it."""
    name = error.option_name
    parameters = error.ctx.command.get_params(error.ctx) if error.ctx is not None else []
    serves = any(isinstance(one, SettingOption) for one in parameters)
    reason = unavailable(name) if serves else None
    if reason is not None:
        return reason
    own = [name for one in parameters for name in (*one.opts, *one.secondary_opts)]
    # Also a slip in the name that another server has for it.
    foreign = [f"--{one}" for one in FOREIGN_NAMES if not one.startswith("-")] if serves else []
    match = nearest(name, [*own, *foreign], likeness=0.7)
    if match in own:
        return f"there is no option {name}; did you mean {match}?"
    if match is not None:
        return f"there is no option {name}; {unavailable(match)}"
    where = "pounce --help-all" if serves else f"{error.ctx.command_path} --help" if error.ctx else "--help"
    return f"there is no option {name}; {where} lists those that there are"
